"""Migrations 0005 and 0006: where an adopted database's groups and their members stand."""

import pytest

from tests.conftest import manage
from tests.e2e.database import Database

GROUP, SILENT = 9, 10  # one of another shard, where nobody said anything
ADA, BOB, CLEO, DAN = 1, 2, 3, 4


@pytest.fixture
def adopted(backend: str) -> Database:
    """A database as it was before our tables had rows, with a group of another server's in it."""
    manage("migrate", "im", "0004", database_url=backend)
    database = Database(backend)
    for group_id in (GROUP, SILENT):
        database.change(
            "INSERT INTO IMGroup (id, name, avatar, creator, type, userCnt, status, version,"
            " lastChated, updated, created) VALUES (%s, 'old', '', 1, 2, 4, 0, 1, 30, 1, 1)",
            group_id,
        )
    for group_id, user_id, status, joined in (
        (GROUP, ADA, 0, 10),
        (GROUP, BOB, 0, 25),
        (GROUP, CLEO, 0, 99),
        (GROUP, DAN, 1, 10),
        (SILENT, ADA, 0, 10),
    ):
        database.change(
            "INSERT INTO IMGroupMember (groupId, userId, status, created, updated)"
            " VALUES (%s, %s, %s, 1, %s)",
            group_id,
            user_id,
            status,
            joined,
        )
    for msg_id, created in ((1, 10), (2, 20), (5, 30)):
        database.change(
            "INSERT INTO IMGroupMessage_1 (groupId, userId, msgId, content, type, status,"
            " updated, created) VALUES (%s, 1, %s, 'old', 17, 0, %s, %s)",
            GROUP,
            msg_id,
            created,
            created,
        )
    for user_id, status in ((ADA, 0), (BOB, 1)):
        database.change(
            "INSERT INTO IMRecentSession (userId, peerId, type, status, created, updated)"
            " VALUES (%s, %s, 2, %s, 1, 1)",
            user_id,
            GROUP,
            status,
        )
    manage("migrate", database_url=backend)
    return database


def positions(database: Database, column: str) -> dict[int, int]:
    return dict(
        database.rows(f"SELECT user_id, {column} FROM im_group_position WHERE group_id = %s", GROUP)
    )


def test_members_of_an_adopted_group_get_positions_and_who_left_gets_none(
    adopted: Database,
) -> None:
    # Everything is read; one sees what was said since the second one joined in.
    assert positions(adopted, "read_msg_id") == {ADA: 5, BOB: 5, CLEO: 5}
    assert positions(adopted, "joined_msg_id") == {ADA: 0, BOB: 2, CLEO: 5}
    # Only Ada has the group on her list.
    assert positions(adopted, "removed_msg_id") == {ADA: 0, BOB: 5, CLEO: 5}
    assert positions(adopted, "is_shielded") == {ADA: 0, BOB: 0, CLEO: 0}


def test_adopted_groups_go_on_behind_their_highest_id(adopted: Database) -> None:
    assert adopted.rows(
        "SELECT group_id, last_msg_id, dense_from FROM im_group_counter ORDER BY group_id"
    ) == [(GROUP, 5, 6), (SILENT, 0, 1)]
