"""Node: what one process that hosts sessions consists of.

It owns the sessions, the presence mirror, the batchers, the threads for database work, the bus to
its peers and the lease in the gateway registry.  Everything here belongs to one event loop.
"""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, Protocol, TypeVar

from django.conf import settings

from im import connections
from im.delivery.batcher import Batcher
from im.delivery.bus import Bus, BusItem
from im.delivery.presence import Presence
from im.delivery.registry import Gateway, Registry, open_registry
from im.delivery.retries import RetryMemory
from im.delivery.sessions import Delivery, Ending, Session, Sessions
from im.delivery.silence import SilenceWatch
from im.delivery.unacked import UnackedDeliveries
from im.types import DeviceClass

log = logging.getLogger(__name__)

T = TypeVar("T")

DELIVER, END, ARRIVED, LEFT = "deliver", "end", "arrived", "left"
HELLO, ONLINE = "hello", "online"


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


@dataclass(frozen=True, slots=True)
class Notices:
    """How the floor above words what happens to connections (it knows protobuf, this one doesn't).

    `displaced(user_id)` is the PDU for a displaced connection, `departed(user_id)` the deliveries
    that tell others that a user is not online any more.
    """

    displaced: Callable[[int], bytes]
    departed: Callable[[int], Iterable[Delivery]]


class Node:
    """The live side of one process.  Make it on its loop; `start` it, and `stop` it once."""

    def __init__(
        self,
        *,
        bus: Bus,
        gateway: Gateway,
        lanes: Mapping[str, Callable[[], Work]],
        notices: Notices,
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
        self._registry: Registry = open_registry()
        self._peers: set[str] = set()  # channels of the other gateways
        self._bus = bus
        self._notices = notices
        self._lanes = {name: _batcher(name, make()) for name, make in lanes.items()}
        self._threads = ThreadPoolExecutor(settings.IM_DB_THREADS, thread_name_prefix="db")
        self._silence = SilenceWatch(self._silence_limit, self._expire)
        self._broadcasts: dict[DeviceClass, list[bytes]] = {}
        self._lease: asyncio.Task[None] | None = None
        self.retire: Callable[[], None] | None = None  # take no new clients, send these elsewhere
        self.is_stopping = False  # no new command is taken

    # --- life ---------------------------------------------------------------------------------

    async def start(self) -> None:
        """Enter the registry and say hello to the peers."""
        global _here
        await self._renew()
        self._silence.start()
        self._lease = self.loop.create_task(self._keep_lease())
        _here = self

    async def stop(self) -> None:
        """Leave the registry, finish what waits to be stored, and let go of threads.

        Answers to what was stored are queued on their connections when this returns.
        """
        global _here
        self.is_stopping = True
        self._silence.stop()
        if self._lease is not None:
            self._lease.cancel()
        await self._registry.withdraw(self.gateway.id)
        for batcher in self._lanes.values():
            await batcher.close()
        await self._bus.flush()
        await self._registry.close()
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
            self.loop.call_soon_threadsafe(done, result, error)

        self._threads.submit(run)

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
        session.heard_at = self.loop.time()
        session.epoch = time.time_ns() // 1000
        displaced = self.sessions.bind(session, user_id, client_type)
        for other in displaced:
            self._displace(other)
        self._post_all((ARRIVED, user_id, int(session.device), session.epoch))

    def close(self, session: Session) -> None:
        """Forget a connection that ended, and tell others if its user went offline by it."""
        if session.is_closed:
            return
        session.is_closed = True
        self.connections -= 1
        if self.sessions.unbind(session):
            self._departed(session)

    def _displace(self, session: Session) -> None:
        # Out at once: its end must not look like its user's going offline.
        self._dismiss(session, self._notices.displaced(session.user_id))

    def _dismiss(self, session: Session, last_words: bytes) -> None:
        self.sessions.unbind(session)
        if last_words:
            session.send(last_words)
        session.leave(grace_s=settings.IM_KICK_GRACE_SECONDS if last_words else 0)
        log.info("ended %r", session)

    def _departed(self, session: Session) -> None:
        devices = self.sessions.devices_of(session.user_id)
        self._post_all((LEFT, session.user_id, int(devices)))
        if self.is_stopping:
            return  # peers see it by the lease; a line per user would be a storm
        if session.device is not DeviceClass.MOBILE and not self.presence.is_online(
            session.user_id
        ):
            for delivery in self._notices.departed(session.user_id):
                self.deliver(delivery)

    def _silence_limit(self, session: Session) -> float:
        if not session.user_id:
            return float(settings.IM_LOGIN_WAIT_SECONDS)
        if session.device is DeviceClass.MOBILE:
            return float(settings.IM_MOBILE_SILENCE_SECONDS)
        return float(settings.IM_PC_SILENCE_SECONDS)

    def _expire(self, session: Session) -> None:
        self.counters["silent"] += 1
        log.info("closing silent %r", session)
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
            self._broadcast(delivery)
            channels: Iterable[str] = self._peers
        else:
            self.sessions.deliver(delivery, skip=skip)
            channels = self.presence.channels_of(delivery.user_ids)
        if channels:
            self._bus.post(channels, (DELIVER, *delivery.plain()))

    def _broadcast(self, delivery: Delivery) -> None:
        """Gather what everybody gets for a moment: one write per connection carries it all."""
        if not self._broadcasts:
            self.loop.call_later(settings.IM_STATUS_INTERVAL_SECONDS, self._flush_broadcasts)
        self._broadcasts.setdefault(delivery.devices, []).append(delivery.pdu)

    def _flush_broadcasts(self) -> None:
        broadcasts, self._broadcasts = self._broadcasts, {}
        for devices, pdus in broadcasts.items():
            self.sessions.deliver(Delivery(b"".join(pdus), None, devices))

    def end(self, ending: Ending) -> None:
        """Close a user's connections, here and elsewhere."""
        self._end_here(ending)
        channels = self.presence.channels_of([ending.user_id])
        if channels:
            self._bus.post(channels, (END, *ending.plain()))

    def _end_here(self, ending: Ending) -> None:
        for session in self.sessions.of_user(ending.user_id):
            if session.device in ending.devices:
                self._dismiss(session, ending.last_words)
                self._departed(session)

    # --- peers --------------------------------------------------------------------------------

    def receive(self, message: dict[str, Any]) -> None:
        """Act on a batch from a peer."""
        items, is_gap = self._bus.received(message)
        if is_gap:
            self.counters["bus gaps"] += 1
            log.warning("batches from %s were lost", message["sender"])
        for item in items:
            self._receive_item(message["sender"], item)

    def _receive_item(self, sender: str, item: BusItem) -> None:
        kind, *values = item
        if kind == DELIVER:
            delivery = Delivery.from_plain(*values)
            if delivery.user_ids is None:
                self._broadcast(delivery)
            else:
                self.sessions.deliver(delivery)
        elif kind == END:
            self._end_here(Ending.from_plain(*values))
        elif kind == ARRIVED:
            self._arrived_elsewhere(sender, *values)
        elif kind == LEFT:
            user_id, devices = values
            self.presence.set_remote(sender, user_id, DeviceClass(devices))
        elif kind == ONLINE:
            for user_id, devices in values[0]:
                self.presence.set_remote(sender, user_id, DeviceClass(devices))
        elif kind == HELLO:
            # It may know us before we find it in the registry: from now on it hears everything.
            self._peers.add(sender)
            self._bus.post([sender], (ONLINE, list(self.presence.local())))

    def _arrived_elsewhere(self, sender: str, user_id: int, device: int, epoch: int) -> None:
        there = self.presence.remote_devices(sender, user_id) | DeviceClass(device)
        self.presence.set_remote(sender, user_id, there)
        for session in self.sessions.of_user(user_id):
            # Equal clocks: the channel's name decides, alike on both sides.
            if session.device == device and (session.epoch, self._bus.channel) < (epoch, sender):
                self._displace(session)
                self._post_all((LEFT, user_id, int(self.sessions.devices_of(user_id))))

    def _post_all(self, item: BusItem) -> None:
        if self._peers:
            self._bus.post(self._peers, item)

    # --- lease --------------------------------------------------------------------------------

    async def _keep_lease(self) -> None:
        while True:
            await asyncio.sleep(settings.IM_LEASE_SECONDS / 3)
            try:
                await self._renew()
            except Exception as exc:  # noqa: BLE001  # whatever Redis raises; the next turn may work
                log.warning("the gateway registry can't be reached: %s", exc)

    async def _renew(self) -> None:
        self.gateway = replace(self.gateway, connections=self.connections)
        await self._registry.announce(self.gateway)
        self.gateways = await self._registry.live()
        self.sessions.unacked.count_missed()
        before, now = self._peers, {gateway.channel for gateway in self.gateways}
        self._peers = now - {self._bus.channel}
        for channel in self._peers - before:
            log.info("gateway %s is here", channel)
            self._bus.post([channel], (HELLO,))
        for channel in before - self._peers:
            log.info("gateway %s is gone", channel)
            self._bus.forget(channel)
            for user_id in self.presence.drop_remote(channel):
                for delivery in self._notices.departed(user_id):
                    self.sessions.deliver(delivery)


def _batcher(name: str, work: Work) -> Batcher[Any, Any]:
    return Batcher(
        name,
        work,
        max_batch=settings.IM_BATCH_ITEMS,
        max_waiting=settings.IM_WAITING_ITEMS,
        on_close=work.close,
    )
