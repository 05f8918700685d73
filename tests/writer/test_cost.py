"""How many statements a batch takes: as many for a hundred messages as for one, but for shards."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from django.db import connection

from im.storage.writer.requests import ClientKey, Item
from im.storage.writer.writer import Writer
from tests.writer.conftest import ON_MARIADB, TakeUsers
from tests.writer.store import Store, read, text

# Lock the conversations, insert into one shard, write the conversations back, touch the sessions.
KNOWN = 4
SHARDS = 8
# The same over all shards, and relations, conversations and sessions looked up and made.
NEW = 30
# Besides: COMMIT.
AROUND = 1


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
def test_messages_of_one_known_pair_take_four_statements(
    store: Store, writer: Writer, users: TakeUsers, count: int
) -> None:
    ada, bob = users(2)
    writer([text(ada, bob)])

    assert _statements(writer, [text(ada, bob) for _ in range(count)]) == KNOWN


@pytest.mark.parametrize("count", [20, 200])
def test_messages_of_many_known_pairs_take_no_more_or_one_for_each_further_shard(
    store: Store, writer: Writer, users: TakeUsers, count: int
) -> None:
    ada, *others = users(count + 1)
    writer([text(ada, other) for other in others])

    further = 0 if connection.vendor == "mysql" else SHARDS - 1  # the driver sends one at a time
    assert _statements(writer, [text(ada, other) for other in others]) == KNOWN + further


def test_read_marks_take_no_statement_of_their_own(
    store: Store, writer: Writer, users: TakeUsers
) -> None:
    ada, bob = users(2)
    writer([text(ada, bob)])

    assert _statements(writer, [text(ada, bob), *[read(bob, ada, 2)] * 50]) == KNOWN
    assert _statements(writer, [read(bob, ada, 2)]) == KNOWN - 2  # neither message nor session


@pytest.mark.parametrize("count", [1, 100])
def test_messages_with_names_of_their_own_take_two_statements_more(
    store: Store, writer: Writer, users: TakeUsers, count: int
) -> None:
    ada, bob = users(2)
    writer([text(ada, bob)])
    named = [text(ada, bob)._replace(key=ClientKey(f"m{number}", "")) for number in range(count)]

    assert _statements(writer, named) == KNOWN + 2


@pytest.mark.parametrize("count", [16, 48])
def test_new_pairs_are_made_in_bulk(
    store: Store, writer: Writer, users: TakeUsers, count: int
) -> None:
    ada, *others = users(count + 1)

    assert _statements(writer, [text(ada, other) for other in others]) <= NEW


@ON_MARIADB
@pytest.mark.parametrize("count", [1, 100])
def test_the_server_is_asked_no_oftener_than_that(
    store: Store, writer: Writer, users: TakeUsers, count: int
) -> None:
    ada, bob = users(2)
    writer([text(ada, bob)])
    before = _asked()

    writer([text(ada, bob) for _ in range(count)])

    assert _asked() - before - 1 == KNOWN + AROUND  # 1: the question itself


def _asked() -> int:
    """Return how many statements the server has got on Django's connection."""
    with connection.cursor() as cursor:
        cursor.execute("SHOW SESSION STATUS LIKE 'Questions'")
        [(_, value)] = cursor.fetchall()
    return int(value)
