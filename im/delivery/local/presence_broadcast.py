"""Who came and who went, told to the connections here.

Each gateway works it out from its own view of the whole system, so a change is told once to each
client, however many gateways see it.  What happens within a moment is gathered: one write per
connection carries it all, and who only changed gateways is not said to have gone.  The moment
grows with the number of connections, so that a storm of logins can't take the loop for itself.

Users' own phones hear of their PC as well.  One that logs in is told at once how things are; what
was gathered before that is not for it.
"""

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator

from django.conf import settings

from im.delivery.local.presence import Presence
from im.delivery.local.sessions import Delivery, Session, Sessions
from im.types import DeviceClass

SLICE_SESSIONS = 500  # written to in one turn of the loop: some 5 ms
LOOP_SHARE = 0.1  # of the loop's time, at most, for telling
MAX_INTERVAL_S = 3.0

Wording = Callable[[int, bool], Iterable[Delivery]]


class Changes:
    """Users of whom something is to be told: was online before, has logged in since.

    `wording(user_id, is_online)` returns the deliveries that tell of it.
    """

    __slots__ = ("_noted", "_wording")

    def __init__(self, wording: Wording) -> None:
        self._wording = wording
        self._noted: dict[int, tuple[bool, bool]] = {}

    def __bool__(self) -> bool:
        return bool(self._noted)

    def note(self, user_id: int, *, was_online: bool, logged_in: bool) -> None:
        """Add a change to what is known since the last time it was told."""
        earlier = self._noted.get(user_id)
        if earlier is None:
            self._noted[user_id] = (was_online, logged_in)
        elif logged_in:
            self._noted[user_id] = (earlier[0], True)

    def forget(self, user_id: int) -> None:
        """Tell nothing of what has happened to a user so far."""
        self._noted.pop(user_id, None)

    def take(self, presence: Presence) -> Iterator[Delivery]:
        """Yield what tells of the changes, as far as they still are some."""
        noted, self._noted = self._noted, {}
        for user_id, (was_online, logged_in) in noted.items():
            is_online = presence.is_online(user_id)
            if (is_online and (logged_in or not was_online)) or (was_online and not is_online):
                yield from self._wording(user_id, is_online)


class Statuses:
    """Gathers changes of presence, and whatever else everybody gets, and tells them.

    `to_others` words what others hear of a user, `to_phones` what his own phones do.
    """

    def __init__(
        self, sessions: Sessions, presence: Presence, *, to_others: Wording, to_phones: Wording
    ) -> None:
        self._sessions = sessions
        self._presence = presence
        self._loop = asyncio.get_running_loop()
        self._for_others = Changes(to_others)
        self._for_phones = Changes(to_phones)
        self._broadcasts: list[Delivery] = []
        self._is_due = False
        self._not_before = 0.0

    def changed(self, user_id: int, *, was_online: bool, logged_in: bool) -> None:
        """Note that something changed about a user, once it has.

        `was_online` is how others saw him before; `logged_in`: a device that others see did.
        """
        self._for_others.note(user_id, was_online=was_online, logged_in=logged_in)
        if self._sessions.devices_of(user_id) & DeviceClass.MOBILE:
            self._for_phones.note(user_id, was_online=was_online, logged_in=logged_in)
        self._schedule()

    def phone_came(self, user_id: int) -> None:
        """Take note that the user's phone has just logged in, and is told all of now."""
        self._for_phones.forget(user_id)

    def broadcast(self, delivery: Delivery) -> None:
        """Take what everybody here gets."""
        self._broadcasts.append(delivery)
        self._schedule()

    def _schedule(self) -> None:
        if self._is_due:
            return
        self._is_due = True
        wait_s = max(settings.IM_STATUS_INTERVAL_SECONDS, self._not_before - self._loop.time())
        self._loop.call_later(wait_s, self._tell)

    def _tell(self) -> None:
        broadcasts, self._broadcasts = self._broadcasts, []
        broadcasts += self._for_phones.take(self._presence)
        broadcasts += self._for_others.take(self._presence)
        joined: dict[DeviceClass, list[bytes]] = {}
        for delivery in broadcasts:
            if delivery.user_ids is None:
                joined.setdefault(delivery.devices, []).append(delivery.pdu)
            else:
                self._sessions.deliver(delivery)
        parts = [(devices, b"".join(pdus)) for devices, pdus in joined.items()]
        self._write(parts, self._sessions.all() if parts else [], 0.0)

    def _write(
        self, parts: list[tuple[DeviceClass, bytes]], waiting: list[Session], spent_s: float
    ) -> None:
        """Write to some of the sessions, and let others have their turn before the rest."""
        begun = time.perf_counter()  # the loop's clock stands still within a turn
        for session in waiting[-SLICE_SESSIONS:]:
            for devices, data in parts:
                if session.device in devices and not session.is_leaving:
                    session.send(data)
        del waiting[-SLICE_SESSIONS:]
        # What was queued is written at the end of this turn: only the next one knows how long.
        self._loop.call_soon(self._written, parts, waiting, spent_s, begun)

    def _written(
        self,
        parts: list[tuple[DeviceClass, bytes]],
        waiting: list[Session],
        spent_s: float,
        begun: float,
    ) -> None:
        spent_s += time.perf_counter() - begun
        if waiting:
            self._write(parts, waiting, spent_s)
            return
        self._is_due = False
        self._not_before = self._loop.time() + min(spent_s / LOOP_SHARE, MAX_INTERVAL_S)
        if self._for_others or self._broadcasts:
            self._schedule()
