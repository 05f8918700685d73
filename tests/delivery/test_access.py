"""Looking for access that ended: who is disconnected though nobody could tell."""

import asyncio
import time
from collections.abc import Callable, Collection
from typing import TypeVar

import pytest

from im.delivery.local.revocation import MARGIN_S, AccessWatch
from im.delivery.local.sessions import Session
from tests.doubles import RecordingLink, session_on

T = TypeVar("T")

NOW = 1_700_000_000


class Table:
    """What the database says."""

    def __init__(self) -> None:
        self.keys: dict[int, int] = {}
        self.ended: frozenset[str] = frozenset()
        self.asked: list[int] = []  # since when

    def keys_changed(self, since: int) -> dict[int, int]:
        self.asked.append(since)
        return self.keys

    def keys_of(self, user_ids: Collection[int]) -> dict[int, int]:
        return self.keys

    def sessions_ended(self, since: int) -> frozenset[str]:
        return self.ended


class Gateway:
    """A gateway's connections; its threads are done at once."""

    def __init__(self, *sessions: Session) -> None:
        self.sessions = list(sessions)
        self.revoked: list[Session] = []

    def in_thread(
        self, work: Callable[[], T], done: Callable[[T | None, Exception | None], None]
    ) -> None:
        done(work(), None)

    def logged_in(self) -> list[Session]:
        return self.sessions

    def revoke(self, session: Session) -> None:
        self.revoked.append(session)


def connection(user_id: int, access_key: int, web_session: str = "") -> Session:
    session = session_on(RecordingLink())
    session.user_id, session.access_key, session.web_session = user_id, access_key, web_session
    return session


async def _looked_at(table: Table, *sessions: Session) -> list[Session]:
    gateway = Gateway(*sessions)
    AccessWatch(gateway, table).look()
    return gateway.revoked


def test_connections_of_a_browser_that_was_logged_out_end_and_no_others() -> None:
    table = Table()
    table.ended = frozenset({"aa"})
    ended, other, phone = connection(1, 7, "aa"), connection(1, 7, "bb"), connection(1, 7)

    assert asyncio.run(_looked_at(table, ended, other, phone)) == [ended]


def test_connections_that_began_with_another_password_end() -> None:
    table = Table()
    table.keys = {1: 8}
    old, new, others = connection(1, 7), connection(1, 8), connection(2, 7)

    assert asyncio.run(_looked_at(table, old, new, others)) == [old]


async def test_after_the_clock_was_set_back_it_looks_from_the_new_time_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    table = Table()
    times = iter([NOW, NOW, NOW + 10, NOW - 3600, NOW - 3590])
    monkeypatch.setattr(time, "time", lambda: float(next(times)))
    watch = AccessWatch(Gateway(), table)

    for _ in range(4):
        watch.look()

    assert [since + MARGIN_S - NOW for since in table.asked] == [0, 0, -3600, -3600]
