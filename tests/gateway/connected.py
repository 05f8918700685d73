"""A connection to a node that stores nothing: all of the server between socket and database."""

import asyncio
import itertools
import threading
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from im.consumers.inbox import Inbox
from im.delivery.cluster.bus import Bus
from im.delivery.cluster.gateway_registry import Gateway
from im.delivery.local.sessions import Session
from im.delivery.node import Batched, Node, Notices
from im.handlers.encoding import notifications
from im.handlers.execution.batched_lists import ListQuestion
from im.handlers.execution.registry import LISTS, LOGIN_DESK, WRITER
from im.storage.writer.requests import NewMessage
from im.types import ClientType, Event, Message, MessageStored, SessionType
from im.wire.catalog import Body, Command, command_of
from im.wire.pdu import HEADER, HEADER_LENGTH, Pdu
from im.wire.proto import message_pb2
from tests.client import TIMEOUT_S, text_to
from tests.doubles import NothingMissed, RecordingLayer, RecordingLink, session_on

ADA, BOB = 1, 2
GATEWAY = Gateway("id", "channel", "127.0.0.1", "127.0.0.1", 8000, 0, 100)


class NoDatabase:
    """The writer's place: stores in memory, in batches it remembers, while `go` is set.

    While there is an `error` it raises that instead.
    """

    def __init__(self) -> None:
        self.batches: list[int] = []
        self.error: Exception | None = None
        self.go = threading.Event()
        self.go.set()
        self._last_id = 0

    def __call__(self, items: Sequence[NewMessage], /) -> Sequence[Event]:
        self.batches.append(len(items))
        assert self.go.wait(10)
        if self.error is not None:
            raise self.error
        return [self._stored(item) for item in items]

    def close(self) -> None:
        pass

    def _stored(self, item: NewMessage) -> Event:
        self._last_id += 1
        message = Message(
            self._last_id, item.sender_id, item.created, item.msg_type, item.content.encode()
        )
        receivers = (item.sender_id, item.receiver_id)
        return MessageStored(SessionType.SINGLE, item.receiver_id, message, receivers)


class WaitingLink(RecordingLink):
    """Lets a test wait for what is sent."""

    def __init__(self) -> None:
        super().__init__()
        self._news = asyncio.Event()

    def send(self, data: bytes) -> None:
        super().send(data)
        self._news.set()

    async def until_sent(self, count: int) -> None:
        """Wait for so many PDUs in all."""
        async with asyncio.timeout(TIMEOUT_S):
            while len(self.sent) < count:
                self._news.clear()
                await self._news.wait()


class EmptyLists:
    """The list desk's place: has an empty list for everybody, while `go` is set."""

    def __init__(self) -> None:
        self.batches: list[int] = []
        self.go = threading.Event()
        self.go.set()

    def __call__(self, questions: Sequence[ListQuestion], /) -> Sequence[Body]:
        self.batches.append(len(questions))
        assert self.go.wait(10)
        return [message_pb2.IMUnreadMsgCntRsp(user_id=ADA, total_cnt=0) for _ in questions]

    def close(self) -> None:
        pass


class NoDesk:
    """The login desk's place: it can't be asked."""

    def __call__(self, attempts: Sequence[Any], /) -> Sequence[Any]:  # Any: as of a Work
        raise ConnectionError("the database is gone")

    def close(self) -> None:
        pass


class Connected:
    """A connection of Ada's to a node that stores in memory."""

    def __init__(
        self,
        node: Node,
        writer: NoDatabase,
        lists: EmptyLists,
        client_type: ClientType = ClientType.MAC,
    ) -> None:
        self.node = node
        self.writer = writer
        self.lists = lists
        self.link = WaitingLink()
        self.session: Session = session_on(self.link, node)
        self.inbox = Inbox(self.session)
        self._seqs = itertools.count(1)
        node.sessions.bind(self.session, ADA, client_type)

    def again(self, client_type: ClientType = ClientType.MAC) -> "Connected":
        """Connect Ada once more, to the same node."""
        return Connected(self.node, self.writer, self.lists, client_type)

    def hang_up(self) -> None:
        """End the connection, as a client does that is gone."""
        self.inbox.close()
        self.node.close(self.session)

    def put(self, pdus: Sequence[Pdu]) -> None:
        """Let PDUs arrive at once."""
        self.link.arrived.extend(pdus)
        self.inbox.arrived()

    def say(self, count: int) -> list[Pdu]:
        """Let `count` texts arrive at once; return them."""
        body = text_to(ADA, BOB, "text").SerializeToString()
        pdus = [Pdu(Command.MSG_DATA, body, seq) for seq in itertools.islice(self._seqs, count)]
        self.put(pdus)
        return pdus

    def ask(self, question: Body, seq: int = 1) -> None:
        """Let a question arrive."""
        self.put([Pdu(command_of(question), question.SerializeToString(), seq)])

    def answered_seqs(self) -> list[int]:
        """Return the sequence numbers of what was answered so far, in order."""
        return [HEADER.unpack_from(pdu)[5] for pdu in self.link.sent]

    def acks(self) -> list[int]:
        """Return the message ids acknowledged so far; nothing else may have been sent."""
        bodies = [pdu[HEADER_LENGTH:] for pdu in self.link.sent]
        return [message_pb2.IMMsgDataAck.FromString(body).msg_id for body in bodies]


@asynccontextmanager
async def connected() -> AsyncIterator[Connected]:
    """Connect Ada, and stop the node at the end."""
    writer, lists = NoDatabase(), EmptyLists()
    node = Node(
        bus=Bus(RecordingLayer(), "channel"),
        gateway=GATEWAY,
        lanes={
            WRITER.name: Batched(lambda: writer),
            LISTS.name: Batched(lambda: lists),
            LOGIN_DESK.name: Batched(NoDesk),
        },
        notices=Notices(notifications.displaced, notifications.presence, notifications.pc_presence),
        truth=(database := NothingMissed()),
        accounts=database,
    )
    yield Connected(node, writer, lists)
    writer.go.set()
    lists.go.set()
    if not node.is_stopping:
        await node.stop()
