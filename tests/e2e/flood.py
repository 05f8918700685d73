"""People who talk without a pause, and remember what the server promised them."""

import asyncio
import itertools
import random
from collections.abc import Sequence
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Self

from im.types import ClientType, SessionType
from im.wire.catalog import Command
from im.wire.pdu import Pdu
from im.wire.proto import message_pb2
from tests.client import Client, Closed
from tests.consistency import Acked, ReadTold
from tests.people import Person

WINDOW = 32  # messages on their way per person
READ_EVERY = 5  # messages got per read ack

_content = itertools.count(1)


class Told:
    """What the server told all people of a test."""

    def __init__(self) -> None:
        self.acked: list[Acked] = []
        self.read: list[ReadTold] = []
        self._awaited = 0
        self._is_reached = asyncio.Event()

    def acknowledged(self, acked: Acked) -> None:
        """Note an acknowledgement."""
        self.acked.append(acked)
        if len(self.acked) >= self._awaited:
            self._is_reached.set()

    async def reach(self, more: int) -> None:
        """Return when that many more messages were acknowledged."""
        self._awaited = len(self.acked) + more
        self._is_reached.clear()
        await self._is_reached.wait()


class Flood:
    """`people` write to each other, each with a PC that talks and a phone that hears of reading.

    Begins on entry and goes on until the connections are lost; the exit waits for that.
    """

    def __init__(self, port: int, people: Sequence[Person], told: Told) -> None:
        self._port = port
        self._people = people
        self._told = told
        self._stack = AsyncExitStack()
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        for person in self._people:
            pc = await self._connect(person, ClientType.WINDOWS)
            phone = await self._connect(person, ClientType.ANDROID)
            self._tasks += [
                asyncio.create_task(_Talker(pc, self._people, self._told).run()),
                asyncio.create_task(self._hear(phone)),
            ]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await asyncio.gather(*self._tasks)
        await self._stack.aclose()

    async def _connect(self, person: Person, client_type: ClientType) -> Client:
        client = await self._stack.enter_async_context(await Client.connect(self._port))
        return await client.log_in(person.name, client_type=client_type)

    async def _hear(self, phone: Client) -> None:
        try:
            while True:
                pdu = await phone.next_pdu()
                if pdu.command_id == Command.MSG_READ_NOTIFY:
                    notify = message_pb2.IMMsgDataReadNotify.FromString(pdu.body)
                    self._told.read.append(
                        ReadTold(phone.user_id, notify.session_id, notify.msg_id)
                    )
        except Closed:
            pass


class _Talker:
    """One person's PC."""

    def __init__(self, client: Client, people: Sequence[Person], told: Told) -> None:
        self._client = client
        self._peers = [peer.id for peer in people if peer.id != client.user_id]
        self._told = told
        self._choice = random.Random(client.user_id)
        self._on_their_way: dict[int, tuple[int, str]] = {}
        self._got = 0

    async def run(self) -> None:
        try:
            while True:
                while len(self._on_their_way) < WINDOW:
                    self._say_something()
                self._take(await self._client.next_pdu())
        except Closed:
            pass

    def _say_something(self) -> None:
        peer_id, content = self._choice.choice(self._peers), f"text {next(_content)}"
        self._on_their_way[self._client.say(peer_id, content)] = (peer_id, content)

    def _take(self, pdu: Pdu) -> None:
        if pdu.command_id == Command.MSG_DATA_ACK:
            ack = message_pb2.IMMsgDataAck.FromString(pdu.body)
            peer_id, content = self._on_their_way.pop(pdu.seq)
            self._told.acknowledged(Acked(self._client.user_id, peer_id, ack.msg_id, content))
        elif pdu.command_id == Command.MSG_DATA:
            message = message_pb2.IMMsgData.FromString(pdu.body)
            if message.from_user_id == self._client.user_id:
                return  # a repair after a gap repeats what one said oneself
            self._got += 1
            if self._got % READ_EVERY == 0:
                self._client.send(
                    message_pb2.IMMsgDataReadAck(
                        user_id=self._client.user_id,
                        session_id=message.from_user_id,
                        msg_id=message.msg_id,
                        session_type=SessionType.SINGLE,
                    )
                )
