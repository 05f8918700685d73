"""Node: what one process that hosts sessions consists of.

It owns the sessions, the batchers, the threads for database work, and what ties it to its peers:
presence, bus, lease and repairs.  Everything here belongs to one event loop.
"""

import asyncio
import contextlib
import logging
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Protocol, TypeVar

from django.conf import settings

from im.delivery.cluster.bus import Bus
from im.delivery.cluster.catch_up import Repairs, Truth
from im.delivery.cluster.gateway_registry import Gateway
from im.delivery.cluster.known_gateways import KnownGateways
from im.delivery.cluster.lease import Lease
from im.delivery.cluster.peers import DELIVER, END, Peers
from im.delivery.local.batcher import Batcher
from im.delivery.local.duplicate_filter import RetryMemory
from im.delivery.local.idle_timeouts import SilenceWatch
from im.delivery.local.presence import SEEN_BY_OTHERS, Presence
from im.delivery.local.presence_broadcast import Statuses
from im.delivery.local.revocation import AccessWatch, Accounts
from im.delivery.local.sessions import Delivery, Ending, Session, Sessions
from im.delivery.local.unacked import UnackedDeliveries
from im.peer_log import PeerLog
from im.storage import connections
from im.types import DeviceClass

log = logging.getLogger(__name__)
peer_log = PeerLog(__name__)

T = TypeVar("T")

ANSWERS_S = 3.0  # how long peers may take to tell who is at theirs
MARKS_S = 20.0  # for the first look at the message tables, at the start
FLUSH_S = 3.0  # for what peers are to hear before this process ends
RESYNC_STEP_S = 0.1


_here: "Node | None" = None


def here() -> "Node | None":
    """Return the node of this process, if it hosts connections and runs."""
    return _here


class Work(Protocol):
    """What a batcher's thread does; both methods run in that thread."""

    def __call__(self, items: Sequence[Any], /) -> Sequence[Any]:
        """Return one result per item."""

    def close(self) -> None:
        """Give back what the thread holds."""


class Batched(NamedTuple):
    """How a lane's items are worked on: `make` returns what does it, for `max_batch` at once.

    `max_batch` 0: as many as the settings allow.
    """

    make: Callable[[], Work]
    max_batch: int = 0


@dataclass(frozen=True, slots=True)
class Notices:
    """How the floor above words what happens to connections (it knows protobuf, this one doesn't).

    `displaced(user_id)` is the PDU for a displaced connection, `presence(user_id, is_online)` the
    deliveries that tell others how they see a user now, `pc_presence` those that tell the user's
    own phones.
    """

    displaced: Callable[[int], bytes]
    presence: Callable[[int, bool], Iterable[Delivery]]
    pc_presence: Callable[[int, bool], Iterable[Delivery]]


class Node:
    """The live side of one process.  Make it on its loop; `start` it, and `stop` it once."""

    def __init__(
        self,
        *,
        bus: Bus,
        gateway: Gateway,
        lanes: Mapping[str, Batched],
        notices: Notices,
        truth: Truth,
        accounts: Accounts,
        known: KnownGateways | None = None,
    ) -> None:
        self.loop = asyncio.get_running_loop()
        self.gateway = gateway
        self.sessions = Sessions(
            UnackedDeliveries(
                seconds=settings.IM_UNACKED_SECONDS, items=settings.IM_UNACKED_DELIVERIES
            )
        )
        self.presence = Presence(self.sessions)
        self.retries = RetryMemory(
            items=settings.IM_RETRY_MEMORY_ITEMS, seconds=settings.IM_RETRY_MEMORY_SECONDS
        )
        self.counters: Counter[str] = Counter()
        self.connections = 0
        self.gateways: list[Gateway] = []  # the registry as of the last heartbeat
        self._bus = bus
        self._notices = notices
        self._statuses = Statuses(
            self.sessions, self.presence, to_others=notices.presence, to_phones=notices.pc_presence
        )
        self.peers = Peers(bus, self.sessions, self.presence, self._statuses, self)
        self.repairs = Repairs(self, truth)
        self.access = AccessWatch(self, accounts)
        self.known = KnownGateways() if known is None else known
        self.lease = Lease(self, bus, self.known)
        self._lanes = {name: _batcher(name, lane) for name, lane in lanes.items()}
        self._threads = ThreadPoolExecutor(settings.IM_DB_THREADS, thread_name_prefix="db")
        self._threads_busy = 0  # calls of `in_thread` that are not done
        self._threads_idle = asyncio.Event()
        self._threads_idle.set()
        self._silence = SilenceWatch(self._silence_limit, self._expire)
        self._resyncing: asyncio.Task[None] | None = None
        self.retire: Callable[[], None] | None = None  # take no new clients, send these elsewhere
        self.is_stopping = False  # no new command is taken

    # --- life ---------------------------------------------------------------------------------

    async def start(self) -> None:
        """Enter the registry, and learn from the peers who is at theirs.

        What peers send must reach `receive` meanwhile.  Where the registry can't be reached the
        node is alone, and joins the others later.
        """
        global _here
        await self.lease.start()
        if not await self.peers.answered(ANSWERS_S):
            log.warning("not all gateways have said who is at theirs; they are asked again")
        if settings.REDIS_URL:
            try:
                async with asyncio.timeout(MARKS_S):
                    await self.repairs.marked()
            except TimeoutError:
                raise ConnectionError("the database does not answer") from None
        self._silence.start()
        self.access.start()
        _here = self

    async def stop(self) -> None:
        """Leave the registry, finish what waits to be stored, and let go of threads.

        Answers to what was stored are queued on their connections when this returns.
        """
        global _here
        self.is_stopping = True
        self._silence.stop()
        self.access.stop()
        if self._resyncing is not None:
            self._resyncing.cancel()
        self.peers.say_bye()
        await self.lease.withdraw()
        for batcher in self._lanes.values():
            await batcher.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(FLUSH_S):
                await self._threads_idle.wait()
                await self._bus.flush()
        self._bus.close()
        await self.lease.close()
        # A connection can only be closed by its own thread; each idle one takes one of these.
        for _ in range(settings.IM_DB_THREADS):
            self._threads.submit(connections.close)
        self._threads.shutdown(wait=False)
        _here = None

    def in_thread(
        self, work: Callable[[], T], done: Callable[[T | None, Exception | None], None]
    ) -> None:
        """Run blocking database work in one of this node's threads.

        `done(result, None)` or `done(None, error)` is called on the loop.
        """

        def run() -> None:
            result: T | None = None
            error: Exception | None = None
            try:
                connections.renew()
                result = work()
            except Exception as exc:  # noqa: BLE001  # somebody waits for an answer
                error = exc
            self.loop.call_soon_threadsafe(finish, result, error)
            del error  # its traceback holds this frame: a cycle for each refusal otherwise

        def finish(result: T | None, error: Exception | None) -> None:
            self._threads_busy -= 1
            if not self._threads_busy:
                self._threads_idle.set()
            done(result, error)

        self._threads.submit(run)
        self._threads_busy += 1
        self._threads_idle.clear()

    def lane(self, name: str) -> Batcher[Any, Any]:
        """Return the batcher of that name."""
        return self._lanes[name]

    # --- sessions -----------------------------------------------------------------------------

    def watch(self, session: Session) -> None:
        """Count a new connection and close it if it does not log in in time."""
        self.connections += 1
        self._silence.add(session)

    def log_in(self, session: Session, user_id: int, client_type: int) -> None:
        """Bind `session` to the user and displace his others of the same class, everywhere."""
        device = DeviceClass.of(client_type)
        was_online = self.presence.is_online(user_id)
        session.heard_at = self.loop.time()
        newest = self.presence.newest_epoch(user_id, device)
        session.epoch = max(newest + 1, time.time_ns() // 1000)
        for other in self.sessions.bind(session, user_id, client_type):
            # Out at once: its end must not look like its user's going offline.
            self._dismiss(other, self._notices.displaced(user_id))
        self._statuses.changed(
            user_id, was_online=was_online, logged_in=bool(device & SEEN_BY_OTHERS)
        )
        if device is DeviceClass.MOBILE:
            self._statuses.phone_came(user_id)
        self.peers.tell(user_id)

    def close(self, session: Session) -> None:
        """Forget a connection that ended, and tell others if its user went offline by it."""
        if session.is_closed:
            return
        session.is_closed = True
        self.connections -= 1
        was_online = self.presence.is_online(session.user_id)
        if self.sessions.unbind(session):
            self._departed(session.user_id, was_online=was_online)

    def _dismiss(self, session: Session, last_words: bytes) -> None:
        self.sessions.unbind(session)
        if last_words:
            session.send(last_words)
        session.leave(grace_s=settings.IM_KICK_GRACE_SECONDS if last_words else 0)
        peer_log.info(session.whose, "ended %r", session)

    def _end(self, session: Session, last_words: bytes) -> None:
        was_online = self.presence.is_online(session.user_id)
        self._dismiss(session, last_words)
        self._departed(session.user_id, was_online=was_online)

    def _departed(self, user_id: int, *, was_online: bool) -> None:
        if self.is_stopping:
            return  # peers wait for him to come back
        self._statuses.changed(user_id, was_online=was_online, logged_in=False)
        self.peers.tell(user_id)

    def _silence_limit(self, session: Session) -> float:
        if not session.user_id:
            return float(settings.IM_LOGIN_WAIT_SECONDS)
        if session.device is DeviceClass.MOBILE:
            return float(settings.IM_MOBILE_SILENCE_SECONDS)
        return float(settings.IM_PC_SILENCE_SECONDS)

    def _expire(self, session: Session) -> None:
        self.counters["silent"] += 1
        peer_log.info(session.whose, "closing silent %r", session)
        session.leave()

    # --- delivery -----------------------------------------------------------------------------

    def apply(self, effect: Delivery | Ending) -> None:
        """Deliver, or end connections."""
        if isinstance(effect, Ending):
            self.end(effect)
        else:
            self.deliver(effect)

    def deliver(self, delivery: Delivery, *, skip: Session | None = None) -> None:
        """Send to the sessions of this process, except `skip`, and to the gateways concerned."""
        if delivery.user_ids is None:
            self._statuses.broadcast(delivery)
            self.peers.post_all((DELIVER, *delivery.plain()))
            return
        self.sessions.deliver(delivery, skip=skip)
        if delivery.place is not None:  # it is a message
            self.peers.delivered(delivery.user_ids)
        channels = self.presence.channels_of(delivery.user_ids)
        if channels:
            self.peers.post(channels, (DELIVER, *delivery.plain()))

    def end(self, ending: Ending) -> None:
        """Close a user's connections, here and elsewhere."""
        self.take_ending(ending)
        channels = self.presence.channels_of([ending.user_id])
        if channels:
            self.peers.post(channels, (END, *ending.plain()))

    # --- for peers and repairs ----------------------------------------------------------------

    def receive(self, message: dict[str, Any]) -> None:
        """Act on a batch from a peer."""
        self.peers.receive(message)

    def take_delivery(self, delivery: Delivery) -> None:
        """Deliver to connections here."""
        if delivery.user_ids is None:
            self._statuses.broadcast(delivery)
        else:
            self.sessions.deliver(delivery)

    def take_ending(self, ending: Ending) -> None:
        """End a user's connections here."""
        for session in self.sessions.of_user(ending.user_id):
            if ending.is_of(session):
                self._end(session, ending.last_words)

    def displace(self, session: Session) -> None:
        """End a session for which another gateway has a later one."""
        self._dismiss(session, self._notices.displaced(session.user_id))
        self.peers.tell(session.user_id)

    def repair(self, since: float) -> None:
        """Make good what users here may have missed since then (the loop's time)."""
        if not self.is_stopping:
            self.repairs.ask(since)

    def repair_user(self, user_id: int, since: float) -> None:
        """Make good what one user may have missed since then."""
        if not self.is_stopping and self.sessions.has(user_id):
            self.repairs.ask_for(user_id, since)

    def revoke(self, session: Session) -> None:
        """End a session whose user has left or has another password."""
        if self.sessions.has_session(session):
            self._end(session, b"")

    def logged_in(self) -> list[Session]:
        """Return the logged-in sessions of now."""
        return self.sessions.all()

    def local_users(self) -> Collection[int]:
        """Return who is connected here."""
        return set(self.sessions.users())

    def resync_users(self, user_ids: Collection[int]) -> None:
        """Close the connections of some users, so that their clients sync."""
        for user_id in user_ids:
            for session in self.sessions.of_user(user_id):
                session.leave()

    def resync(self) -> None:
        """Close the connections of now in a spread, so that their clients sync."""
        if self._resyncing is not None:
            self._resyncing.cancel()
        self._resyncing = self.loop.create_task(self._close_in_spread(self.sessions.all()))

    async def _close_in_spread(self, sessions: list[Session]) -> None:
        steps = max(1, int(settings.IM_RESYNC_SECONDS / RESYNC_STEP_S))
        per_step = len(sessions) // steps + 1
        while sessions:
            for session in sessions[:per_step]:
                session.leave()
            del sessions[:per_step]
            await asyncio.sleep(RESYNC_STEP_S)

    # --- for the lease ------------------------------------------------------------------------

    def entry(self) -> Gateway:
        """Return what the registry shall say of this gateway."""
        self.gateway = replace(
            self.gateway, connections=self.connections, channel=self._bus.channel
        )
        return self.gateway

    def turn(self, live: list[Gateway], *, is_trusted: bool) -> None:
        """Take note of who is in the registry, once a turn."""
        self.gateways = live
        self.sessions.unacked.count_missed()
        if settings.REDIS_URL:
            self.repairs.mark()
        channels = {gateway.channel for gateway in live} - {self._bus.channel}
        self.peers.turn(channels, is_trusted=is_trusted)

    def interrupted(self, since: float) -> None:
        """The registry was away: what was sent to this gateway meanwhile may be lost."""
        self.repair(since)
        if not self.is_stopping:
            self.access.look_at_all()


def _batcher(name: str, lane: Batched) -> Batcher[Any, Any]:
    work = lane.make()
    return Batcher(
        name,
        work,
        max_batch=lane.max_batch or settings.IM_BATCH_ITEMS,
        max_waiting=settings.IM_WAITING_ITEMS,
        on_close=work.close,
    )
