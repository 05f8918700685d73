"""Crowds: connections that say nothing, and everybody logging in at once."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from time import monotonic

from bench.client import Client, Refused
from bench.loads import Share, Window
from bench.tally import Tally
from im.types import ClientType
from im.wire.catalog import Command, encode
from im.wire.pdu import Pdu
from im.wire.proto import buddy_pb2, other_pb2

MOST_SETTLE_S = 30.0  # if there is never silence
LOOK_S = 0.1  # between two looks at what was told
AT_ONCE = 64  # people who log in at the same time, per worker
WATCHED = 20  # every so-many-th person keeps what he hears; all of them would take gigabytes
LIFE_S = 10.0  # for the answer to a heartbeat


@dataclass(frozen=True, slots=True)
class Idle:
    """`connections` that are only there: two phones for each PC.

    Each must answer a heartbeat in the end.  Logins are what is counted and timed.
    """

    connections: int
    settle_s: float = 2.0  # for the last status notices to go out
    window: Window | None = None
    workers: int = 2

    async def run(self, share: Share) -> Tally:
        """Do one worker's part."""
        crowd = Crowd(share)
        await share.begin()
        await crowd.arrive(share.of(_devices(self.connections)))
        await asyncio.sleep(self.settle_s)
        await share.settled()
        await crowd.show_life()
        return crowd.tally

    def check(self, whole: Tally) -> None:
        """All have arrived and are there."""
        whole.faults["connections missing"] += self.connections - whole.done
        whole.faults["connections without life"] += self.connections - whole.counts["alive"]


@dataclass(frozen=True, slots=True)
class Storm:
    """`people` log in with a PC each; all are told of all.

    They come spread over `over_s`, or as fast as they are let in.
    """

    people: int
    over_s: float = 0.0
    settle_s: float = 4.0  # all was told when nobody is told anything for so long (Statuses: 3 s)
    window: Window | None = None
    workers: int = 2

    async def run(self, share: Share) -> Tally:
        """Do one worker's part."""
        crowd = Crowd(share, watched_every=WATCHED)
        await share.begin()
        coming = share.of([(n, ClientType.WINDOWS) for n in range(1, self.people + 1)])
        await crowd.arrive(coming, pause_s=self.over_s / max(1, len(coming)))
        await crowd.silence(self.settle_s)
        await share.settled()
        crowd.compare()
        return crowd.tally

    def check(self, whole: Tally) -> None:
        """All have arrived."""
        whole.faults["people missing"] += self.people - whole.done


def _devices(connections: int) -> Sequence[tuple[int, int]]:
    """Return (person, client type): a PC for every second phone."""
    phones = connections * 2 // 3
    return [(n, ClientType.ANDROID) for n in range(1, phones + 1)] + [
        (n, ClientType.WINDOWS) for n in range(1, connections - phones + 1)
    ]


@dataclass(slots=True)
class Arrival:
    """One who came: when he began to log in, when he was in, and the statuses he was told."""

    client: Client
    began: float
    done: float
    told: list[bytes] = field(default_factory=list)
    is_watched: bool = False

    def hear(self, pdu: Pdu) -> None:
        """Keep a status notice for later."""
        if pdu.command_id == Command.BUDDY_LIST_STATUS_NOTIFY:
            self.told.append(pdu.body)


class Crowd:
    """The people of one worker; those who are not watched throw away what they are told."""

    def __init__(self, share: Share, *, watched_every: int = 0) -> None:
        self.tally = Tally()
        self._entrance = share.entrance
        self._watched_every = watched_every
        self._arrivals: list[Arrival] = []

    async def arrive(self, people: Iterable[tuple[int, int]], *, pause_s: float = 0.0) -> None:
        """Log the people (number, client type) in, one each `pause_s` if given."""
        coming = enumerate(people)
        start = monotonic()
        await asyncio.gather(*(self._come(coming, start, pause_s) for _ in range(AT_ONCE)))

    async def _come(
        self, coming: Iterable[tuple[int, tuple[int, int]]], start: float, pause_s: float
    ) -> None:
        for place, (number, client_type) in coming:  # shared: each takes the next one
            await asyncio.sleep(max(0.0, start + place * pause_s - monotonic()))
            began = monotonic()
            try:
                client = await self._entrance.log_in(number, client_type)
            except (Refused, OSError) as exc:
                self.tally.faults[str(exc)] += 1
                continue
            arrival = Arrival(client, began, monotonic())
            self._arrivals.append(arrival)
            self.tally.took(arrival.done - began)
            if self._watched_every and len(self._arrivals) % self._watched_every == 0:
                arrival.is_watched = True
                client.hear = arrival.hear
            else:
                client.take_bytes = _throw_away

    async def silence(self, seconds: float) -> None:
        """Wait until nobody who is watched was told anything for so long."""
        deadline = monotonic() + MOST_SETTLE_S
        told, since = -1, monotonic()
        while monotonic() - since < seconds and monotonic() < deadline:
            now = sum(len(arrival.told) for arrival in self._arrivals)
            if now != told:
                told, since = now, monotonic()
            await asyncio.sleep(LOOK_S)

    async def show_life(self) -> None:
        """Count who answers a heartbeat, which comes back as it was sent."""
        heartbeat = other_pb2.IMHeartBeat()
        echo = encode(heartbeat)
        for arrival in self._arrivals:
            answered = asyncio.get_running_loop().create_future()

            def take(data: bytes, answered: asyncio.Future[None] = answered) -> None:
                if echo in data and not answered.done():  # perhaps amid notices
                    answered.set_result(None)

            arrival.client.take_bytes = take
            arrival.client.send(heartbeat)
            try:
                async with asyncio.timeout(LIFE_S):
                    await answered
            except TimeoutError:
                continue
            self.tally.counts["alive"] += not arrival.client.is_closed

    def compare(self) -> None:
        """Whoever is watched must have been told, once, of each who began after he was in."""
        for watched in self._arrivals:
            if watched.is_watched:
                told = Counter(
                    buddy_pb2.IMUserStatNotify.FromString(body).user_stat.user_id
                    for body in watched.told
                )
                self.tally.counts["status notices compared"] += told.total()
                self.tally.faults["status notices doubled"] += told.total() - len(told)
                self.tally.faults["status notices lost"] += sum(
                    other.began > watched.done and other.client.user_id not in told
                    for other in self._arrivals
                )
        self.tally.faults["connections lost"] += sum(a.client.is_closed for a in self._arrivals)


def _throw_away(data: bytes) -> None:
    """Take bytes off the socket and forget them."""
