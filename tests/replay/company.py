"""The people, departments and groups that the recorded servers knew."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from tests.client import wire_password
from tests.e2e.database import Database

BEGIN = 1_700_000_000  # when everything was made; row n was last changed n seconds later
PASSWORD = wire_password("pass")
GROUPS = (  # name, type, ids of the members
    ("g10", 1, range(1, 11)),
    ("g200", 1, range(1, 13)),
    ("g500", 2, range(1, 31)),
)


def found(database: Database) -> None:
    """Fill an empty, migrated database."""
    _insert(
        database,
        "IMDepart",
        "id departName priority parentId status created updated",
        (
            (number, name, number, parent, status, BEGIN, BEGIN + number)
            for number, (name, parent, status) in enumerate(
                (
                    ("Head Office", 0, 0),
                    ("Engineering", 1, 0),
                    ("Server Team", 2, 0),
                    ("Sales", 1, 0),
                    ("Old Dept", 1, 1),
                ),
                start=1,
            )
        ),
    )
    _insert(
        database,
        "IMUser",
        "id name salt status departId sex nick phone email avatar sign_info"
        " domain password created updated push_shield_status",
        (
            (
                *person,
                f"domain{person[0]}",
                hashlib.md5((PASSWORD + person[2]).encode()).hexdigest(),
                BEGIN,
                BEGIN + person[0],
                0,
            )
            for person in _people()
        ),
    )
    _insert(
        database,
        "IMGroup",
        "id name avatar creator type userCnt status version lastChated created updated",
        (
            (number, name, f"/g/{number}.png", 1, kind, len(ids), 0, 1, 0, BEGIN, BEGIN + number)
            for number, (name, kind, ids) in enumerate(GROUPS, start=1)
        ),
    )
    _insert(
        database,
        "IMGroupMember",
        "groupId userId status created updated",
        (
            (number, user_id, 0, BEGIN, BEGIN)
            for number, (_, _, ids) in enumerate(GROUPS, start=1)
            for user_id in ids
        ),
    )


def _people() -> Iterator[tuple[Any, ...]]:
    """Yield id, name, salt, status, department, sex, nick, phone, e-mail, avatar and signature."""
    for n in range(1, 31):
        face = f"nick{n}", f"138{n:08}", f"u{n}@example.test", f"/avatar/{n}.png", f"sign {n}"
        yield n, f"u{n:05}", f"{n * 7919 % 10_000:04}", 0, n % 4 + 1, n % 3, *face
    for n, name, status in (
        (31, "left1", 3),
        (32, "trial1", 1),
        (33, "regular1", 2),
        (34, "intern1", 4),
    ):
        yield n, name, "abcd", status, 1, 1, name, "13800000000", f"{name}@example.test", "", ""


def _insert(database: Database, table: str, columns: str, rows: Iterable[Sequence[Any]]) -> None:
    names = columns.split()
    values = list(rows)
    marks = ", ".join([f"({', '.join(['%s'] * len(names))})"] * len(values))
    database.change(
        f"INSERT INTO {table} ({', '.join(names)}) VALUES {marks}",
        *(value for row in values for value in row),
    )
