"""Peers: what comes from and goes to the other gateways.

Each gateway tells its peers of every change of its users' logins, and each turn of the lease the
digest of all of them.  The number of that batch shows whether batches were lost, the digest whether
the mirror of it is right; if not, the peer is asked for all its logins.

Whoever asks because he may have missed something says since when, for he may not have known of a
user there and have sent him nothing.  Once his mirror is right again he says so, and the asked one
repairs what its users got meanwhile: from then on nothing can pass them by.

Who has just logged in is in nobody's mirror yet.  A gateway that hears of him and has delivered
something to him a moment ago says so, and what he may have missed is looked for.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any, ClassVar, Protocol

from django.conf import settings

from im.delivery.cluster.bus import OUTSIDE, SEND_S, Bus, BusItem
from im.delivery.local.presence import NOWHERE, SEEN_BY_OTHERS, Logins, Mirror, Presence
from im.delivery.local.presence_broadcast import Statuses
from im.delivery.local.sessions import Delivery, Ending, Session, Sessions
from im.types import DeviceClass

log = logging.getLogger(__name__)

DELIVER, END = "deliver", "end"
LOGINS = "logins"  # user id, his logins here, your turn as heard, my time: whenever they change
BEAT = "beat"  # digest of all logins here: once a turn
ASK = "ask"  # tell me all your logins; I may have missed some for so many seconds, or None
USERS = "users"  # part of the answer: is it the last part, [(user id, logins), …]
APPLIED = "applied"  # the answer is in my mirror: repair what I did not send you for so long
LATE = "late"  # I had delivered to this user before I heard that he had logged in at yours
BYE = "bye"  # I am being stopped

USERS_PER_ITEM = 5_000
RECENT_S = SEND_S  # what takes longer on the bus is lost and noticed
NEVER_MISSED = None


class Local(Protocol):
    """What peers need of the node."""

    def take_delivery(self, delivery: Delivery) -> None:
        """Deliver to connections here."""

    def take_ending(self, ending: Ending) -> None:
        """End connections here."""

    def displace(self, session: Session) -> None:
        """End a session for which there is a later one."""

    def repair(self, since: float) -> None:
        """Make good what users here may have missed since then (the loop's time)."""

    def repair_user(self, user_id: int, since: float) -> None:
        """The same for one user."""


class Peer:
    """Another gateway.  Times are the loop's."""

    __slots__ = ("agreed_at", "asked_at", "asked_since", "channel", "complete", "heard_at", "owed")

    def __init__(self, channel: str, now: float) -> None:
        self.channel = channel
        self.heard_at = now  # up to then every batch of it has come
        self.agreed_at = now  # up to then the mirror was right
        self.asked_at: float | None = None  # an answer is awaited
        self.asked_since: float | None = None  # what was said in asking
        self.complete: set[int] | None = None  # the users named by the answer so far
        self.owed: float | None = None  # it may have sent our users nothing since then


class Peers:
    """The other gateways, as far as this one knows them."""

    def __init__(
        self, bus: Bus, sessions: Sessions, presence: Presence, statuses: Statuses, local: Local
    ) -> None:
        self._bus = bus
        self._sessions = sessions
        self._presence = presence
        self._statuses = statuses
        self._local = local
        self._loop = asyncio.get_running_loop()
        self._peers: dict[str, Peer] = {}
        self._told = Mirror()  # the logins here, as peers know them
        self._last_agreed: dict[str, float] = {}  # of peers that were given up
        self._leaving: dict[str, asyncio.TimerHandle] = {}
        self._answers: dict[str, Iterator[tuple[list[tuple[int, Logins]], bool]]] = {}
        self._all_answered = asyncio.Event()
        # To whom messages were delivered, and in which turn the last of them; those before that.
        self._recent: dict[int, int] = {}
        self._less_recent: dict[int, int] = {}
        self._recent_until = 0.0
        self.gaps = 0

    def __bool__(self) -> bool:
        return bool(self._peers)

    # --- to peers -----------------------------------------------------------------------------

    def tell(self, user_id: int) -> None:
        """Tell all peers of a user's logins here, if they changed."""
        logins = self._sessions.logins_of(user_id)
        if self._told.note(user_id, logins) != logins:
            now = self._loop.time()
            for channel in self._peers:
                self._bus.post([channel], (LOGINS, user_id, logins, self._bus.heard(channel), now))

    def post(self, channels: Iterable[str], item: BusItem) -> None:
        """Queue an item for some peers."""
        self._bus.post(channels, item)

    def post_all(self, item: BusItem) -> None:
        """Queue an item for every peer."""
        if self._peers:
            self._bus.post(self._peers, item)

    def delivered(self, user_ids: Iterable[int]) -> None:
        """Remember for RECENT_S to twice that to whom a message went, and in which turn.

        Who has just logged in at a peer is not known here before its word has come.
        """
        if not self._peers:
            return
        now = self._loop.time()
        if now >= self._recent_until:
            is_next = now < self._recent_until + RECENT_S
            self._less_recent = self._recent if is_next else {}
            self._recent, self._recent_until = {}, now + RECENT_S
        self._recent.update(dict.fromkeys(user_ids, self._bus.turn))

    def turn(self, live: set[str], *, is_trusted: bool) -> None:
        """Take note of the gateways in the registry, and give a sign of life.

        Peers that are not in it are given up, unless the registry itself can't be trusted.
        """
        now = self._loop.time()
        for channel in live - self._peers.keys():
            self._meet(channel, now)
        if is_trusted:
            for channel in self._peers.keys() - live - self._leaving.keys():
                self._give_up(channel)
        for peer in self._peers.values():
            if peer.owed is not None and now - peer.heard_at > settings.IM_LEASE_SECONDS:
                self._repair_owed(peer)  # it won't say any more that its mirror is right
        self.post_all((BEAT, self._told.digest))
        self._last_agreed = {
            channel: at for channel, at in self._last_agreed.items() if now - at < _REMEMBERED_S
        }

    async def answered(self, timeout_s: float) -> bool:
        """Wait until every peer that was asked has answered; tell whether they have."""
        self._note_answers()
        try:
            async with asyncio.timeout(timeout_s):
                await self._all_answered.wait()
        except TimeoutError:
            return False
        return True

    def say_bye(self) -> None:
        """Tell the peers that this gateway is being stopped; tell them nothing after that."""
        self.post_all((BYE,))
        for timer in self._leaving.values():
            timer.cancel()

    def _meet(self, channel: str, now: float) -> Peer:
        log.info("gateway %s is here", channel)
        peer = self._peers[channel] = Peer(channel, now)
        agreed_at = self._last_agreed.pop(channel, None)
        if agreed_at is not None:
            peer.agreed_at = agreed_at
        self._ask(peer, agreed_at)
        return peer

    def _ask(self, peer: Peer, since: float | None) -> None:
        now = self._loop.time()
        peer.asked_at, peer.asked_since, peer.complete = now, since, set()
        self._bus.post([peer.channel], (ASK, NEVER_MISSED if since is None else now - since))

    def _give_up(self, channel: str) -> None:
        log.info("gateway %s is gone", channel)
        peer = self._peers.pop(channel)
        self._leaving.pop(channel, None)
        self._answers.pop(channel, None)
        self._last_agreed[channel] = peer.agreed_at
        self._bus.forget(channel)
        for user_id in self._presence.drop(channel):
            self._statuses.changed(user_id, was_online=True, logged_in=False)
        if peer.owed is not None:
            self._repair_owed(peer)
        self._note_answers()

    # --- from peers ---------------------------------------------------------------------------

    def receive(self, message: dict[str, Any]) -> None:
        """Act on a batch."""
        items, is_gap = self._bus.received(message)
        sender = message["sender"]
        if sender == OUTSIDE:
            for item in items:
                self._from_outside(*item)
            return
        now = self._loop.time()
        peer = self._peers.get(sender) or self._meet(sender, now)
        if is_gap:
            self._missed(peer)
        peer.heard_at = now
        for item in items:
            self._act(peer, *item)

    def _act(self, peer: Peer, kind: str, *values: Any) -> None:
        """Act on an item; one of a newer gateway, or a broken one, costs the others nothing."""
        action = self._ACTIONS.get(kind)
        if action is None:
            log.warning("%s said what is not known here: %.20r", peer.channel, kind)
            return
        try:
            action(self, peer, *values)
        except Exception:
            log.exception("an item from %s is lost: %s", peer.channel, kind)

    def _from_outside(self, kind: str, *values: Any) -> None:
        if kind == DELIVER:
            self._local.take_delivery(Delivery.from_plain(*values))
        elif kind == END:
            self._local.take_ending(Ending.from_plain(*values))

    def _missed(self, peer: Peer) -> None:
        self.gaps += 1
        log.warning("batches from %s were lost", peer.channel)
        peer.asked_at = None  # what it answered may be among them; its next digest tells
        if peer.owed is None:
            self._local.repair(peer.heard_at)
        else:  # so may be that its mirror is right
            peer.owed = min(peer.owed, peer.heard_at)
            self._repair_owed(peer)

    def _deliver(self, peer: Peer, *values: Any) -> None:
        self._local.take_delivery(Delivery.from_plain(*values))

    def _end(self, peer: Peer, *values: Any) -> None:
        self._local.take_ending(Ending.from_plain(*values))

    def _logins(
        self, peer: Peer, user_id: int, logins: Any, heard: int = 0, at: float | None = None
    ) -> None:
        """Take note of a user's logins at a peer.

        `heard` is the turn of this gateway that the peer had heard of then, and `at` the peer's own
        time, None if it was not told at once.
        """
        if peer.complete is not None:
            peer.complete.add(user_id)
        is_new = self._note(peer, user_id, tuple((device, epoch) for device, epoch in logins))
        delivered = self._recent.get(user_id, self._less_recent.get(user_id))
        # What was delivered in an earlier turn was in the database before he logged in: he syncs.
        if is_new and delivered is not None and delivered >= heard:
            self._bus.post([peer.channel], (LATE, user_id, at))

    def _late(self, peer: Peer, user_id: int, at: float | None) -> None:
        self._local.repair_user(user_id, self._loop.time() - 3 * RECENT_S if at is None else at)

    def _note(self, peer: Peer, user_id: int, logins: Logins) -> bool:
        """Replace what is known of a user at a peer, and end who is not the latest here.

        Returns whether one of the logins was not known.
        """
        was_online = self._presence.is_online(user_id)
        before = dict(self._presence.mirror(peer.channel).note(user_id, logins))
        new = [(device, epoch) for device, epoch in logins if epoch > before.get(device, 0)]
        for device, epoch in new:
            self._displace_older(peer, user_id, device, epoch)
        logged_in = any(device & SEEN_BY_OTHERS for device, _ in new)
        self._statuses.changed(user_id, was_online=was_online, logged_in=logged_in)
        return bool(new)

    def _displace_older(self, peer: Peer, user_id: int, device: int, epoch: int) -> None:
        if self._sessions.devices_of(user_id) == NOWHERE:
            return
        for session in self._sessions.of_user(user_id):
            # Equal epochs: the channel's name decides, alike on both sides.
            mine = (session.epoch, self._bus.channel)
            if session.device == DeviceClass(device) and mine < (epoch, peer.channel):
                self._local.displace(session)

    # --- whether mirrors are right ------------------------------------------------------------

    def _beat(self, peer: Peer, digest: int) -> None:
        now = self._loop.time()
        if self._presence.mirror(peer.channel).digest == digest:
            peer.agreed_at, peer.asked_at = now, None
            self._note_answers()
        elif peer.asked_at is None or now - peer.asked_at > settings.IM_LEASE_SECONDS:
            log.warning("the mirror of %s is not right", peer.channel)
            self._ask(peer, peer.agreed_at)

    def _asked(self, peer: Peer, seconds: float | None) -> None:
        if seconds is not None:
            since = self._loop.time() - seconds
            peer.owed = since if peer.owed is None else min(peer.owed, since)
        users = iter(list(self._told.logins))
        is_running = peer.channel in self._answers
        self._answers[peer.channel] = self._parts(users)
        if not is_running:
            self._answer_on(peer.channel)

    def _parts(self, users: Iterator[int]) -> Iterator[tuple[list[tuple[int, Logins]], bool]]:
        """Yield the logins here part by part, each as it is when it is its turn."""
        part = list(islice(users, USERS_PER_ITEM))
        while True:
            following = list(islice(users, USERS_PER_ITEM))
            yield [(user, self._told.logins.get(user, ())) for user in part], not following
            if not following:
                return
            part = following

    def _answer_on(self, channel: str) -> None:
        """Post a part of an answer; others have their turn before the next one."""
        answer = self._answers.get(channel)
        if answer is None:
            return
        users, is_last = next(answer)
        self._bus.post([channel], (USERS, is_last, users))
        if is_last:
            del self._answers[channel]
        else:
            self._loop.call_soon(self._answer_on, channel)

    def _users(self, peer: Peer, is_last: bool, users: Any) -> None:
        if peer.asked_at is None or peer.complete is None:
            return  # nothing was asked, or a part was lost
        for user_id, logins in users:
            self._logins(peer, user_id, logins)
        if not is_last:
            return
        mirror = self._presence.mirror(peer.channel)
        for user_id in mirror.logins.keys() - peer.complete:
            self._note(peer, user_id, ())
        now = self._loop.time()
        seconds = None if peer.asked_since is None else now - peer.asked_since
        peer.asked_at, peer.complete, peer.agreed_at = None, None, now
        if seconds is not NEVER_MISSED:
            self._bus.post([peer.channel], (APPLIED, seconds))
        self._note_answers()

    def _applied(self, peer: Peer, seconds: float) -> None:
        since = self._loop.time() - seconds
        peer.owed = since if peer.owed is None else min(peer.owed, since)
        self._repair_owed(peer)

    def _repair_owed(self, peer: Peer) -> None:
        assert peer.owed is not None
        self._local.repair(peer.owed)
        peer.owed = None

    def _bye(self, peer: Peer) -> None:
        """Wait for its users to come back here or elsewhere before they count as gone."""
        log.info("gateway %s is being stopped", peer.channel)
        self._leaving[peer.channel] = self._loop.call_later(
            settings.IM_DRAIN_SECONDS + _COME_BACK_S, self._give_up, peer.channel
        )

    def _note_answers(self) -> None:
        if all(peer.asked_at is None for peer in self._peers.values()):
            self._all_answered.set()
        else:
            self._all_answered.clear()

    _ACTIONS: ClassVar[dict[str, Callable[..., None]]] = {
        DELIVER: _deliver,
        END: _end,
        LOGINS: _logins,
        LATE: _late,
        BEAT: _beat,
        ASK: _asked,
        USERS: _users,
        APPLIED: _applied,
        BYE: _bye,
    }


_REMEMBERED_S = 600.0  # when a peer that was given up was last right
_COME_BACK_S = 1.0  # for the last ones closed by a gateway that stops
