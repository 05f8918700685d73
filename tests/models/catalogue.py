"""The original's tables as its SQL file has them (catalogue.txt), and those of a real database.

Both come as the same values, so that they can be compared: without display widths, which MySQL 8
drops, and with MySQL's old name for utf8mb3.
"""

import re
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SHARDS = 8


@dataclass(frozen=True, slots=True)
class Column:
    """A column; `default` is the literal's text, None where there is none or it is NULL."""

    name: str
    type: str
    null: bool
    default: str | None
    auto_increment: bool
    collation: str | None


@dataclass(frozen=True, slots=True)
class Key:
    """An index; `columns` as in the DDL, `name(191)` for the beginning of a text."""

    name: str
    columns: str
    unique: bool


@dataclass(frozen=True, slots=True)
class Table:
    """A table with its default collation, columns in order and keys by name."""

    name: str
    engine: str
    collation: str
    columns: tuple[Column, ...]
    keys: frozenset[Key]


_CATALOGUE = Path(__file__).with_name("catalogue.txt")
_COLUMN = re.compile(r"(\w+) (.+?) (NOT )?NULL(?: DEFAULT '(.*)'| (AUTO_INCREMENT))?")
_KEY = re.compile(r"(?:PRIMARY KEY|KEY (\w+)) \((.+)\)")


def original_tables() -> dict[str, Table]:
    """Return the catalogue's tables by name, with every shard of the sharded ones."""
    return {name: _parse(name, collation, lines) for name, collation, lines in _blocks()}


def original_ddl() -> list[str]:
    """Return the statements that create the original's tables."""
    return [
        f"CREATE TABLE {name} ({', '.join(lines)}) ENGINE=InnoDB "
        f"DEFAULT CHARSET={collation.partition('_')[0]} COLLATE={collation}"
        for name, collation, lines in _blocks()
    ]


def tables_of(server: Any, database: str) -> dict[str, Table]:
    """Return the tables of a database on the tests' MariaDB by name."""
    with closing(server.connect(database)) as connection, closing(connection.cursor()) as cursor:
        cursor.execute(
            "SELECT table_name, engine, table_collation FROM information_schema.tables"
            " WHERE table_schema = database()"
        )
        tables = cursor.fetchall()
        cursor.execute(
            "SELECT table_name, column_name, column_type, is_nullable, column_default, extra,"
            " collation_name FROM information_schema.columns WHERE table_schema = database()"
            " ORDER BY table_name, ordinal_position"
        )
        columns = cursor.fetchall()
        cursor.execute(
            "SELECT table_name, index_name, group_concat(column_name,"
            " if(sub_part IS NULL, '', concat('(', sub_part, ')')) ORDER BY seq_in_index),"
            " NOT non_unique FROM information_schema.statistics WHERE table_schema = database()"
            " GROUP BY table_name, index_name, non_unique"
        )
        keys = cursor.fetchall()
    return {
        name: Table(
            name=name,
            engine=engine,
            collation=_normal_collation(collation),
            columns=tuple(_column(*rest) for owner, *rest in columns if owner == name),
            keys=frozenset(
                Key(key, of, bool(unique)) for owner, key, of, unique in keys if owner == name
            ),
        )
        for name, engine, collation in tables
    }


def _blocks() -> list[tuple[str, str, list[str]]]:
    blocks = []
    for block in _CATALOGUE.read_text().strip().split("\n\n"):
        head, *lines = map(str.strip, block.splitlines())
        name, collation = head.split()
        numbers = range(SHARDS) if name.endswith("*") else [0]
        blocks += [(name.replace("*", str(number)), collation, lines) for number in numbers]
    return blocks


def _parse(name: str, collation: str, lines: list[str]) -> Table:
    columns = []
    keys = []
    for line in lines:
        if key := _KEY.fullmatch(line):
            keys.append(Key(key[1] or "PRIMARY", key[2], unique=not key[1]))
        elif column := _COLUMN.fullmatch(line):
            columns.append(
                Column(
                    name=column[1],
                    type=_normal_type(column[2]),
                    null=not column[3],
                    default=column[4],
                    auto_increment=bool(column[5]),
                    collation=collation if "char" in column[2] else None,
                )
            )
        else:
            raise ValueError(f"{_CATALOGUE.name}: {line}")
    return Table(name, "InnoDB", collation, tuple(columns), frozenset(keys))


def _column(
    name: str, type_: str, nullable: str, default: str | None, extra: str, collation: str | None
) -> Column:
    return Column(
        name=name,
        type=_normal_type(type_),
        null=nullable == "YES",
        # MariaDB quotes texts and spells NULL out, MySQL does neither.
        default=None if default in (None, "NULL") else default.strip("'"),
        auto_increment=extra == "auto_increment",
        collation=collation and _normal_collation(collation),
    )


def _normal_type(type_: str) -> str:
    return re.sub(r"int\(\d+\)", "int", type_)


def _normal_collation(collation: str) -> str:
    return collation.replace("utf8mb3_", "utf8_")
