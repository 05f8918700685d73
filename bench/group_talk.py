"""Talk in one group: some members write, all others hear each message once, in order."""

import asyncio
from dataclasses import dataclass
from time import monotonic

from bench.client import Client, Refused
from bench.loads import USUAL, Share, Window, log_all_in
from bench.tally import Tally
from im.types import ClientType, MsgType
from im.wire.catalog import Command
from im.wire.pdu import Pdu
from im.wire.proto import group_pb2
from im.wire.proto import message_pb2 as pb

FORMAT = "{:010d}{:016d}"  # the writer's number, microseconds of the machine's monotonic clock
QUIET_S = 0.5  # nothing more comes when nothing came for so long
POLL_S = 0.05
DRAIN_S = 15.0


@dataclass(frozen=True, slots=True)
class GroupTalk:
    """People 1 to `members` are online, the first `writers` of them write.

    Their group is the first in their list.  A delivery is what is counted and timed.
    """

    members: int
    writers: int
    in_flight: int = 4
    text_bytes: int = 64
    window: Window = USUAL
    workers: int = 2

    async def run(self, share: Share) -> Tally:
        """Do one worker's part."""
        mine = share.of(range(1, self.members + 1))
        clients = await log_all_in(share.entrance, [(n, ClientType.WINDOWS) for n in mine])
        group_id = await _group_of(clients[0])
        room = Room(self, group_id)
        members = [Member(room, client) for client in clients]
        begin = await share.begin()
        await asyncio.sleep(begin - monotonic())
        writers = [m for m, n in zip(members, mine, strict=True) if n <= self.writers]
        for member in writers:
            member.start()
        await self.window.through(begin, room.measure)
        room.is_over = True
        await room.quiet()
        for member in members:
            member.judge()
        if len(share.entrance.ports) == 1:
            room.tally.faults["ids out of order"] += room.overtaken
        else:  # each gateway tells of its own writers' messages: clients sort by id
            room.tally.counts["ids out of order between gateways"] += room.overtaken
        return room.tally

    def check(self, whole: Tally) -> None:
        """Everybody but the author has heard each message that was acknowledged."""
        for author_id, acked in whole.said.items():
            missing = self.members - 1 - whole.heard[author_id, acked]
            whole.faults["members who missed something"] += missing


async def _group_of(client: Client) -> int:
    request = group_pb2.IMNormalGroupListReq(user_id=client.user_id)
    answer = await client.ask(request, group_pb2.IMNormalGroupListRsp)
    if not answer.group_version_list:
        raise Refused("the people of the load have no group: seed_demo --groups 1 --members 500")
    group_id: int = answer.group_version_list[0].group_id
    return group_id


class Room:
    """What the members of one worker share."""

    def __init__(self, talk: GroupTalk, group_id: int) -> None:
        self.talk = talk
        self.group_id = group_id
        self.tally = Tally()
        self.is_measured = False
        self.is_over = False
        self.heard_at = 0.0
        self.overtaken = 0  # deliveries that came after one with a higher id
        self.filler = "." * (talk.text_bytes - len(FORMAT.format(0, 0)))

    def measure(self, is_measured: bool) -> None:
        """Begin or end what is counted."""
        self.is_measured = is_measured

    async def quiet(self) -> None:
        """Return when nothing more comes."""
        deadline = monotonic() + DRAIN_S
        while monotonic() < min(deadline, self.heard_at + QUIET_S):  # noqa: ASYNC110  # silence
            await asyncio.sleep(POLL_S)


class Member:
    """One member: what he wrote, and what he heard of whom."""

    def __init__(self, room: Room, client: Client) -> None:
        self._room = room
        self._client = client
        self._written = self._acked = self._last_id = 0
        self._heard: dict[int, int] = {}  # author: messages
        client.hear = self._take

    def start(self) -> None:
        """Begin to write."""
        for _ in range(self._room.talk.in_flight):
            self._write()

    def judge(self) -> None:
        """Hand in the counts."""
        tally = self._room.tally
        tally.counts["sent"] += self._written
        tally.counts["acknowledged"] += self._acked
        tally.counts["delivered"] += sum(self._heard.values())
        tally.faults["not acknowledged"] += self._written - self._acked
        tally.faults["connections lost"] += self._client.is_closed
        if self._written:
            tally.said[self._client.user_id] = self._acked
        tally.heard.update(self._heard.items())

    def _write(self) -> None:
        if self._room.is_over:
            return
        text = FORMAT.format(self._written, int(monotonic() * 1e6)) + self._room.filler
        self._written += 1
        self._client.send(
            pb.IMMsgData(
                from_user_id=self._client.user_id,
                to_session_id=self._room.group_id,
                msg_id=0,
                create_time=0,
                msg_type=MsgType.GROUP_TEXT,
                msg_data=text.encode(),
            ),
            self._client.next_seq(),
        )

    def _take(self, pdu: Pdu) -> None:
        if pdu.command_id == Command.MSG_DATA_ACK:
            self._acked += 1
            self._write()
        elif pdu.command_id == Command.MSG_DATA:
            self._hear(pb.IMMsgData.FromString(pdu.body))

    def _hear(self, message: pb.IMMsgData) -> None:
        room, author_id, text = self._room, message.from_user_id, message.msg_data
        number = self._heard.get(author_id, 0)
        if int(text[:10]) != number:
            room.tally.faults["lost, doubled or out of order"] += 1
        if message.msg_id <= self._last_id:
            room.overtaken += 1
        self._heard[author_id] = number + 1
        self._last_id = max(message.msg_id, self._last_id)
        room.heard_at = monotonic()
        if room.is_measured:
            room.tally.took(room.heard_at - int(text[10:26]) / 1e6)
