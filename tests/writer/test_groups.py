"""What the writer stores for groups: ids, positions, removed sessions; and how much that takes."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from django.db import connection

from im.storage.writer.requests import Item
from im.storage.writer.writer import Writer
from im.types import Message, MessageStored, RowStatus, SessionRead, SessionRemoved, SessionType
from tests.reading import sessions_of
from tests.writer.conftest import ON_MARIADB, TakeUsers
from tests.writer.group_store import (
    adopt,
    contents,
    counter,
    make,
    read_group,
    remove_group,
    say,
    standing,
    unread,
)
from tests.writer.store import NOW, Store, text

GROUP = SessionType.GROUP
# Lock the counters, read members and positions, insert into one shard, write counters, positions
# and the group's time.
STATEMENTS = 7


def listed(user_id: int, since: int = 0) -> dict[int, int]:
    """Return the status of the groups in a user's list."""
    return {
        session.session_id: session.status
        for session in sessions_of(user_id, since, knows_removed=True)
        if session.session_type is GROUP
    }


# --- messages ---------------------------------------------------------------------------------


def test_ids_count_up_per_group_in_the_order_of_arrival(
    store: Store, writer: Writer, users: TakeUsers
) -> None:
    ada, bob = users(2)
    one, other = make(ada, bob), make(bob, ada)

    writer([say(ada, one, "1"), say(ada, other, "1"), text(ada, bob), say(bob, one, "2")])
    writer([say(bob, other, "2"), say(ada, one, "3")])

    assert contents(store, one) == [(1, "1"), (2, "2"), (3, "3")]
    assert contents(store, other) == [(1, "1"), (2, "2")]
    assert counter(store, one) == (3, 1)


def test_every_item_of_a_mixed_batch_gets_its_own_answer(
    store: Store, writer: Writer, users: TakeUsers
) -> None:
    ada, bob, cleo = users(3)
    group = make(ada, bob)

    answers = writer(
        [
            say(ada, group, "hé 你好"),
            text(ada, bob, "aside"),
            read_group(bob, group),
            say(cleo, group, "let me in"),
            remove_group(bob, group),
            remove_group(cleo, group),
            read_group(cleo, group),
        ]
    )

    said = Message(1, ada, NOW, 0x11, "hé 你好".encode())
    assert answers == [
        MessageStored(GROUP, group, said, (ada, bob)),
        MessageStored(SessionType.SINGLE, bob, Message(1, ada, NOW, 1, b"aside"), (ada, bob)),
        SessionRead(bob, GROUP, group, 1),
        None,
        SessionRemoved(bob, GROUP, group, was_shown=True),
        SessionRemoved(cleo, GROUP, group, was_shown=False),
        None,
    ]
    assert contents(store, group) == [(1, "hé 你好")]


def test_a_group_that_is_not_there_or_of_no_known_type_is_written_to_by_nobody(
    store: Store, writer: Writer, users: TakeUsers
) -> None:
    [ada] = users(1)
    odd = make(ada)
    store.change("UPDATE IMGroup SET type = 7 WHERE id = %s", odd)

    answers = writer([say(ada, group) for group in (odd, 2**31 - 1, 2**32 - 1)])

    assert answers == [None] * 3
    assert contents(store, odd) == []


def test_a_message_notes_when_the_group_was_last_written_to(
    store: Store, writer: Writer, users: TakeUsers
) -> None:
    [ada] = users(1)
    group = make(ada)

    writer([say(ada, group, created=NOW + 5), say(ada, group, created=NOW + 9)])

    assert store.row("SELECT lastChated FROM IMGroup WHERE id = %s", group) == (NOW + 9,)


@ON_MARIADB  # SQLite knows no length of a column
def test_a_message_that_cannot_be_stored_fails_alone(
    store: Store, writer: Writer, users: TakeUsers
) -> None:
    ada, bob = users(2)
    group = make(ada, bob)

    answers = writer([say(ada, group, content) for content in ("1", store.poison(), "2")])

    assert [answer is not None for answer in answers] == [True, False, True]
    assert contents(store, group) == [(1, "1"), (2, "2")]


# --- what is unread ---------------------------------------------------------------------------


def test_unread_is_how_far_a_members_position_is_behind(
    store: Store, writer: Writer, users: TakeUsers
) -> None:
    ada, bob, cleo = users(3)
    group = make(ada, bob, cleo)

    writer([say(ada, group), say(ada, group), read_group(cleo, group), say(ada, group)])

    assert [unread(user, group) for user in (ada, bob, cleo)] == [0, 3, 1]


def test_who_writes_has_read_what_was_said_before(
    store: Store, writer: Writer, users: TakeUsers
) -> None:
    ada, bob = users(2)
    group = make(ada, bob)

    writer([say(ada, group), say(ada, group), say(bob, group)])

    assert [unread(user, group) for user in (ada, bob)] == [1, 0]


def test_a_group_message_writes_no_row_per_member(
    store: Store, writer: Writer, users: TakeUsers
) -> None:
    members = users(50)
    group = make(*members)
    positions = "SELECT COUNT(*) FROM im_group_position WHERE read_msg_id > 0 AND group_id = %s"

    writer([say(members[0], group)])

    assert store.row(positions, group) == (1,)
    assert store.row(
        "SELECT COUNT(*) FROM IMRecentSession WHERE peerId = %s AND type = 2", group
    ) == (0,)


# --- removed sessions -------------------------------------------------------------------------


def test_a_removed_group_stays_away_until_the_next_message(
    store: Store, writer: Writer, users: TakeUsers
) -> None:
    ada, bob = users(2)
    group = make(ada, bob)
    writer([say(ada, group)])

    writer([remove_group(bob, group, at=NOW + 1)])
    removed, told = listed(bob), listed(bob, since=1)
    writer([say(ada, group, created=NOW + 2)])

    assert (removed, told) == ({}, {group: RowStatus.REMOVED})
    assert listed(bob) == listed(bob, since=1) == {group: RowStatus.SHOWN}
    assert listed(ada) == {group: RowStatus.SHOWN}


def test_a_group_that_came_back_is_not_told_as_removed_whatever_its_clocks_say(
    store: Store, writer: Writer, users: TakeUsers
) -> None:
    ada, bob = users(2)
    group = make(ada, bob)
    writer([say(ada, group), remove_group(bob, group, at=NOW + 60)])

    writer([say(ada, group, created=NOW + 1)])  # by a server whose clock is behind

    assert listed(bob, since=NOW + 30) == {}
    assert listed(bob) == {group: RowStatus.SHOWN}


def test_a_removed_group_has_nothing_unread(store: Store, writer: Writer, users: TakeUsers) -> None:
    ada, bob = users(2)
    group = make(ada, bob)

    answers = writer([say(ada, group), remove_group(bob, group), remove_group(bob, group)])

    assert answers[1:] == [
        SessionRemoved(bob, GROUP, group, was_shown=True),
        SessionRemoved(bob, GROUP, group, was_shown=False),
    ]
    assert unread(bob, group) == 0


def test_a_removed_group_names_no_message(store: Store, writer: Writer, users: TakeUsers) -> None:
    ada, bob = users(2)
    group = make(ada, bob)
    writer([say(ada, group, "secret"), remove_group(bob, group)])

    [session] = sessions_of(bob, 1, knows_removed=True)

    assert (session.latest.msg_id, session.latest.content) == (0, b"")


# --- adopted groups ---------------------------------------------------------------------------


def test_an_adopted_group_without_counter_goes_on_behind_its_highest_id(
    store: Store, writer: Writer, users: TakeUsers
) -> None:
    ada, bob = users(2)
    group = adopt(store, ada, bob, said=(1, 3, 7))  # ids the original spent and never stored

    writer([say(bob, group, "new"), say(ada, group, "newer")])

    assert contents(store, group)[-3:] == [(7, "old"), (8, "new"), (9, "newer")]
    assert counter(store, group) == (9, 8)


def test_members_of_an_adopted_group_without_positions_get_them_as_they_act(
    store: Store, writer: Writer, users: TakeUsers
) -> None:
    ada, bob, cleo = users(3)
    group = adopt(store, ada, bob, cleo, said=(1, 2))

    writer([read_group(bob, group)])
    writer([say(ada, group)])

    assert [unread(user, group) for user in (ada, bob, cleo)] == [0, 1, 3]
    assert standing(cleo, group).is_on_list


# --- statements -------------------------------------------------------------------------------


def _statements(writer: Writer, items: Sequence[Item]) -> int:
    """Return how many statements of ours the writer runs for a batch."""
    count = 0

    def counted(execute: Callable[..., Any], *args: Any) -> Any:  # Any: as Django passes it through
        nonlocal count
        count += not args[0].startswith("BEGIN")  # SQLite's only: MySQL has none
        return execute(*args)

    with connection.execute_wrapper(counted):
        assert None not in writer(items)
    return count


@pytest.mark.parametrize("count", [1, 100])
@pytest.mark.parametrize("members", [3, 2000])
def test_messages_to_one_group_take_seven_statements_however_many_and_to_however_many(
    store: Store, writer: Writer, users: TakeUsers, count: int, members: int
) -> None:
    ids = users(members)
    group = make(*ids)

    assert _statements(writer, [say(ids[0], group) for _ in range(count)]) == STATEMENTS


def test_a_hundred_senders_take_no_more_statements_than_one(
    store: Store, writer: Writer, users: TakeUsers
) -> None:
    ids = users(100)
    group = make(*ids)

    assert _statements(writer, [say(sender, group) for sender in ids]) == STATEMENTS


def test_read_marks_of_groups_take_no_statement_of_their_own(
    store: Store, writer: Writer, users: TakeUsers
) -> None:
    ada, bob = users(2)
    group = make(ada, bob)

    items: list[Item] = [say(ada, group), *[read_group(bob, group)] * 50]

    assert _statements(writer, items) == STATEMENTS
