"""Short visits: logging in, the questions after login, a page of history."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from time import monotonic

from google.protobuf.message import Message

from bench.client import Client, Entrance, Refused
from bench.loads import USUAL, Share, Window, log_all_in
from bench.tally import Tally
from im.types import ClientType, SessionType
from im.wire.proto import buddy_pb2, group_pb2
from im.wire.proto import message_pb2 as pb

PAGE = 20  # messages a client shows when a conversation is opened


@dataclass(slots=True)
class Clerk:
    """Does something again and again, several at a time, and counts what falls into the window."""

    tally: Tally = field(default_factory=Tally)
    is_measured: bool = False
    is_over: bool = False

    def measure(self, is_measured: bool) -> None:
        """Begin or end what is counted."""
        self.is_measured = is_measured

    async def work(
        self, window: Window, begin: float, visits: Sequence[Callable[[], Awaitable[None]]]
    ) -> None:
        """Repeat every visit until the window is over."""
        await asyncio.sleep(begin - monotonic())
        repeated = [asyncio.create_task(self._repeat(visit)) for visit in visits]
        await window.through(begin, self.measure)
        self.is_over = True
        await asyncio.gather(*repeated)

    async def _repeat(self, visit: Callable[[], Awaitable[None]]) -> None:
        while not self.is_over:
            try:
                await visit()
            except (Refused, OSError) as exc:
                self.tally.faults[str(exc)] += 1
                return

    def took(self, seconds: float) -> None:
        """Count one operation, if it falls into the window."""
        if self.is_measured:
            self.tally.took(seconds)


@dataclass(frozen=True, slots=True)
class Logins:
    """People 1 to `people` connect, log in and go again, `at_once` at a time."""

    people: int
    at_once: int = 50
    window: Window = USUAL
    workers: int = 1

    async def run(self, share: Share) -> Tally:
        """Do one worker's part."""
        clerk = Clerk()
        numbers = itertools.cycle(share.of(range(1, self.people + 1)))

        async def visit() -> None:
            began = monotonic()
            client = await share.entrance.log_in(next(numbers))
            clerk.took(monotonic() - began)
            client.close()

        visits = [visit] * (self.at_once // share.workers)
        await clerk.work(self.window, await share.begin(), visits)
        return clerk.tally

    def check(self, whole: Tally) -> None:
        """A refused login is a fault already."""


@dataclass(frozen=True, slots=True)
class Syncs:
    """`clients` people ask, one question after another, what clients ask after login.

    `since_then`: with the stamps of an earlier sync, so that nothing has changed; else everything
    is asked for, as a client does that was never there.  `whole`: count a sync, not a question.
    """

    clients: int
    since_then: bool
    whole: bool = False
    window: Window = USUAL
    workers: int = 1

    async def run(self, share: Share) -> Tally:
        """Do one worker's part."""
        clerk = Clerk()
        mine = share.of(range(1, self.clients + 1))
        clients = await log_all_in(share.entrance, [(n, ClientType.WINDOWS) for n in mine])
        stamps = await _stamps(clients[0])
        peer_ids = [client.user_id for client in clients]
        visits = [
            self._visit(clerk, client, stamps if self.since_then else (0, 0), peer_id)
            for client, peer_id in zip(clients, [*peer_ids[1:], peer_ids[0]], strict=True)
        ]
        await clerk.work(self.window, await share.begin(), visits)
        clerk.tally.faults["connections lost"] += sum(client.is_closed for client in clients)
        return clerk.tally

    def _visit(
        self, clerk: Clerk, client: Client, stamps: tuple[int, int], peer_id: int
    ) -> Callable[[], Awaitable[None]]:
        questions = _questions(client.user_id, stamps, peer_id)
        first_lengths: list[int] = []

        async def visit() -> None:
            began = last = monotonic()
            lengths: list[int] = []
            for request, kind in questions:
                lengths.append(len((await client.call(request, kind)).body))
                if not self.whole:
                    now = monotonic()
                    clerk.took(now - last)
                    last = now
            if self.whole:
                clerk.took(monotonic() - began)
            first_lengths[:] = first_lengths or lengths
            if lengths != first_lengths:
                clerk.tally.faults["answers that changed though nothing did"] += 1

        return visit

    def check(self, whole: Tally) -> None:
        """Answers are compared client by client already."""


async def _stamps(client: Client) -> tuple[int, int]:
    """Return what a first sync says to come back with; there must be people in it."""
    departments = await client.ask(
        buddy_pb2.IMDepartmentReq(user_id=client.user_id, latest_update_time=0),
        buddy_pb2.IMDepartmentRsp,
    )
    people = await client.ask(
        buddy_pb2.IMAllUserReq(user_id=client.user_id, latest_update_time=0),
        buddy_pb2.IMAllUserRsp,
    )
    if not departments.dept_list or not people.user_list:
        raise Refused("the first sync brought nothing")
    return departments.latest_update_time, people.latest_update_time


def _questions(
    user_id: int, stamps: tuple[int, int], peer_id: int
) -> list[tuple[Message, type[Message]]]:
    departments, people = stamps
    return [
        (
            buddy_pb2.IMDepartmentReq(user_id=user_id, latest_update_time=departments),
            buddy_pb2.IMDepartmentRsp,
        ),
        (
            buddy_pb2.IMAllUserReq(user_id=user_id, latest_update_time=people),
            buddy_pb2.IMAllUserRsp,
        ),
        (
            buddy_pb2.IMRecentContactSessionReq(user_id=user_id, latest_update_time=0),
            buddy_pb2.IMRecentContactSessionRsp,
        ),
        (pb.IMUnreadMsgCntReq(user_id=user_id), pb.IMUnreadMsgCntRsp),
        (group_pb2.IMNormalGroupListReq(user_id=user_id), group_pb2.IMNormalGroupListRsp),
        (_page(user_id, peer_id), pb.IMGetMsgListRsp),
    ]


def _page(user_id: int, peer_id: int) -> pb.IMGetMsgListReq:
    return pb.IMGetMsgListReq(
        user_id=user_id,
        session_type=SessionType.SINGLE,
        session_id=peer_id,
        msg_id_begin=0,
        msg_cnt=PAGE,
    )


@dataclass(frozen=True, slots=True)
class LatestPages:
    """Person 1 opens his conversation with person 2 again and again: the newest 20 messages."""

    window: Window = USUAL
    workers: int = 1

    async def run(self, share: Share) -> Tally:
        """Do one worker's part."""
        clerk = Clerk()
        one, two = await two_who_talked(share.entrance)
        request = _page(one.user_id, two.user_id)

        async def visit() -> None:
            began = monotonic()
            page = await one.ask(request, pb.IMGetMsgListRsp)
            clerk.took(monotonic() - began)
            ids = [message.msg_id for message in page.msg_list]
            if len(ids) != PAGE or ids != list(range(ids[0], ids[0] - PAGE, -1)):
                clerk.tally.faults["pages that are not the newest messages"] += 1

        await clerk.work(self.window, await share.begin(), [visit])
        return clerk.tally

    def check(self, whole: Tally) -> None:
        """Pages are checked one by one already."""


async def two_who_talked(entrance: Entrance) -> tuple[Client, Client]:
    """Return two people who have talked enough for a page."""
    one, two = await log_all_in(entrance, [(n, ClientType.WINDOWS) for n in (1, 2)])
    for number in range(PAGE):
        message = pb.IMMsgData(
            from_user_id=one.user_id,
            to_session_id=two.user_id,
            msg_id=0,
            create_time=0,
            msg_type=1,
            msg_data=f"line {number}".encode(),
        )
        await one.call(message, pb.IMMsgDataAck)
    return one, two
