"""Who is closed for saying nothing, and when."""

import asyncio

from im.delivery.local.idle_timeouts import SLOT_S, SilenceWatch
from im.delivery.local.sessions import Session
from tests.clock import run_jumping
from tests.doubles import RecordingLink, session_on

LIMIT_S = 10.0


class Watched:
    """A watch with one session under it, and the loop's time at which it was called silent."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self.limit_s = LIMIT_S
        self.expired_after_s: list[float] = []
        self._began = self._loop.time()
        self.watch = SilenceWatch(lambda session: self.limit_s, self._expired)
        self.watch.start()
        self.session = session_on(RecordingLink(), heard_at=self._began)
        self.watch.add(self.session)

    def heard(self) -> None:
        self.session.heard_at = self._loop.time()

    def _expired(self, session: Session) -> None:
        assert session is self.session
        self.expired_after_s.append(self._loop.time() - self._began)


def test_silence_ends_a_session_once_and_soon_after_its_limit() -> None:
    async def test() -> None:
        watched = Watched()

        await asyncio.sleep(5 * LIMIT_S)

        [after_s] = watched.expired_after_s
        assert LIMIT_S < after_s <= LIMIT_S + 2 * SLOT_S

    run_jumping(test())


def test_whoever_says_something_in_time_stays() -> None:
    async def test() -> None:
        watched = Watched()

        for _ in range(20):
            await asyncio.sleep(LIMIT_S - 1)
            watched.heard()
        assert watched.expired_after_s == []
        await asyncio.sleep(LIMIT_S + 3 * SLOT_S)

        assert len(watched.expired_after_s) == 1

    run_jumping(test())


def test_a_limit_may_change_while_a_session_is_watched() -> None:
    async def test() -> None:
        watched = Watched()
        watched.limit_s = 10 * LIMIT_S  # it has logged in

        await asyncio.sleep(9 * LIMIT_S)
        assert watched.expired_after_s == []
        await asyncio.sleep(2 * LIMIT_S)

        assert len(watched.expired_after_s) == 1

    run_jumping(test())


def test_who_is_gone_is_not_called_silent() -> None:
    async def test() -> None:
        watched = Watched()
        watched.session.is_closed = True

        await asyncio.sleep(5 * LIMIT_S)

        assert watched.expired_after_s == []

    run_jumping(test())


def test_a_stopped_watch_ends_nobody() -> None:
    async def test() -> None:
        watched = Watched()
        watched.watch.stop()

        await asyncio.sleep(5 * LIMIT_S)

        assert watched.expired_after_s == []

    run_jumping(test())
