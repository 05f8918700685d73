"""Endings that could not be told: connections whose user has left, has another password, or has
logged their browser out.

Who changes such a thing tells the gateways, and that may be lost: Redis is away, or the change was
made where no bus is.  So each gateway looks at the changed rows of users and of browsers' sessions
once a turn, which is two looks into an index, with Redis or without.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Collection
from typing import NamedTuple, Protocol, TypeVar

from im.delivery.cluster.lease import turn_seconds
from im.delivery.local.sessions import Session

log = logging.getLogger(__name__)

T = TypeVar("T")

# Rows are stamped by another host's clock, before their COMMIT.
MARGIN_S = 30

Keys = dict[int, int]


class Accounts(Protocol):
    """The table of users, im.services.identity.revocation; all methods run in a database thread."""

    def keys_changed(self, since: int) -> Keys:
        """Return the keys of all who were changed since then (Unix seconds)."""

    def keys_of(self, user_ids: Collection[int]) -> Keys:
        """Return the key of each of these users."""

    def sessions_ended(self, since: int) -> Collection[str]:
        """Return the keys of browsers' sessions that ended since then."""


class Host(Protocol):
    """What the watch needs of the node."""

    def in_thread(
        self, work: Callable[[], T], done: Callable[[T | None, Exception | None], None]
    ) -> None:
        """Run database work in a thread."""

    def logged_in(self) -> list[Session]:
        """Return the logged-in sessions of now."""

    def revoke(self, session: Session) -> None:
        """End a session whose user may not have it any more."""


class _Found(NamedTuple):
    """What a look brought: users' keys, and browsers' sessions that ended."""

    keys: Keys
    ended: Collection[str]

    def is_over(self, session: Session) -> bool:
        if session.web_session and session.web_session in self.ended:
            return True
        return self.keys.get(session.user_id, session.access_key) != session.access_key


class AccessWatch:
    """Looks once a turn, from `start` to `stop`."""

    def __init__(self, host: Host, accounts: Accounts) -> None:
        self._host = host
        self._accounts = accounts
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._since = int(time.time()) - MARGIN_S
        self._is_looking = False

    def start(self) -> None:
        """Begin to look."""
        self._timer = self._loop.call_later(turn_seconds(), self._turn)

    def stop(self) -> None:
        """Look no more."""
        if self._timer is not None:
            self._timer.cancel()

    def look(self) -> None:
        """Look at who was changed since the last look that worked."""
        if self._is_looking:
            return
        self._is_looking = True
        now = int(time.time())
        since = min(self._since, now - MARGIN_S)  # the clock may have been set back

        def looked(error: Exception | None) -> None:
            self._is_looking = False
            if error is None:
                self._since = now - MARGIN_S

        self._compare(lambda: self._accounts.keys_changed(since), since, looked)

    def look_at_all(self) -> None:
        """Look at everybody who is connected here: rows may be gone."""
        users = {session.user_id for session in self._host.logged_in()}
        if users:
            since = self._since
            self._compare(lambda: self._accounts.keys_of(users), since, lambda error: None)

    def _turn(self) -> None:
        self.start()
        self.look()

    def _compare(
        self, ask: Callable[[], Keys], since: int, done: Callable[[Exception | None], None]
    ) -> None:
        # Those of now: who logs in while the table is read may have a newer key than is found.
        sessions = self._host.logged_in()

        def look() -> _Found:
            return _Found(ask(), self._accounts.sessions_ended(since))

        def found(looked: _Found | None, error: Exception | None) -> None:
            done(error)
            if error is not None:
                log.debug("who may stay connected can't be looked for: %s", error)
                return
            assert looked is not None
            for session in sessions:
                if looked.is_over(session):
                    self._host.revoke(session)

        self._host.in_thread(look, found)
