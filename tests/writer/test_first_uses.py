"""Connections that are kept: whoever uses one first after it has died does not notice."""

from collections.abc import Callable, Sequence

import pytest
from django.db import connection

from im.dispatch import Stored
from im.handlers import message
from im.handlers.execution.batched_lists import ListDesk, ListQuestion
from im.handlers.execution.directory_cache import PEOPLE, DirectoryDesk, Question
from im.services.identity.login import TOKEN_OVER, Credentials, LoginDesk
from im.services.monitoring import statistics
from im.storage.retry import repeated
from im.storage.writer.writer import Writer
from tests.proxy import Proxy, Statement
from tests.writer.conftest import ON_MARIADB
from tests.writer.store import PATIENCE_S, Store

pytestmark = ON_MARIADB

GUESS = Credentials("nobody", "token:old")  # of which failures are not counted
LATER = 2**31 - 1  # unix seconds: nothing is newer


def log_in() -> object:
    return LoginDesk()([GUESS])


def read_lists() -> object:
    question = ListQuestion(message._unread_lists, 1, groups_of=1)
    return [reply is not None for reply in ListDesk()([question])]


def read_the_directory() -> object:
    return [page is not None for page in DirectoryDesk()([Question(PEOPLE, LATER)])]


def look_who_may_stay() -> object:
    return len(Stored().keys_of([1]))


def look_who_was_changed() -> object:
    return Stored().keys_changed(LATER)


def take_marks() -> object:
    return len(Stored().marks())


def look_for_what_was_missed() -> object:
    return Stored().missed((LATER,) * 16, [1])


def write_statistics() -> object:
    statistics.add(statistics.Kind.LOGINS)
    return repeated(statistics.flush)


USES: Sequence[Callable[[], object]] = (
    log_in,
    read_lists,
    read_the_directory,
    look_who_may_stay,
    look_who_was_changed,
    take_marks,
    look_for_what_was_missed,
    write_statistics,
)


@pytest.mark.parametrize("use", USES)
def test_a_kept_connection_that_the_server_has_closed_is_opened_anew(
    store: Store, writer: Writer, use: Callable[[], object]
) -> None:
    expected = use()
    with connection.cursor() as cursor:
        cursor.execute("SELECT CONNECTION_ID()")
        [number] = cursor.fetchone()
    store.change(f"KILL {number}")

    assert use() == expected


def lose(statement: Statement) -> None:
    statement.lose()


def refuse(code: int) -> Callable[[Statement], None]:
    return lambda statement: statement.refuse(code, "not now")


@pytest.mark.parametrize(
    "strike",
    [lose, *map(refuse, (1047, 1053, 1205, 1213, 1290, 1792, 1836, 1927, 4031))],
    ids=lambda strike: strike.__qualname__,
)
def test_a_login_that_meets_a_failover_is_let_in(
    writer: Writer, proxy: Proxy, strike: Callable[[Statement], None]
) -> None:
    desk = LoginDesk()
    struck = proxy.at(b"SELECT `IMUser`", strike)

    assert desk([GUESS]) == [TOKEN_OVER]
    assert struck.wait(PATIENCE_S)
