"""A person with an unmodified client: talks, keeps what comes, reconnects and syncs."""

import asyncio
import contextlib
import itertools
import random
from collections.abc import Sequence
from dataclasses import dataclass, field

from im.types import GROUP_TYPES, MsgType, SessionType
from im.wire.catalog import Command
from im.wire.pdu import Pdu
from im.wire.proto import message_pb2
from tests.client import Client, Closed

PAUSE_S = 0.5  # between two messages of one person
RECONNECT_S = 0.3
ASK_S = 20.0  # for answers that the database must give, which may be starting
PAGE = 500

Session = tuple[SessionType, int]  # as its owner sees it: with whom, or in which group


@dataclass(frozen=True, slots=True)
class Said:
    """A message that was acknowledged."""

    sender_id: int
    session: Session
    msg_id: int
    content: str


@dataclass
class Chatter:
    """One person.  `got` is what his client has of each conversation: message id -> text."""

    name: str
    user_id: int
    sessions: Sequence[Session]
    ports: Sequence[int]
    acked: list[Said]
    got: dict[Session, dict[int, str]] = field(default_factory=dict)
    logins: int = 0
    is_quiet: bool = False
    is_online: bool = False
    wrong: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._choice = random.Random(self.user_id)
        self._numbers = itertools.count()
        self._on_their_way: dict[int, tuple[Session, str]] = {}
        self._client: Client | None = None

    async def run(self) -> None:
        """Be online until cancelled."""
        while True:
            with contextlib.suppress(Closed, OSError, TimeoutError):
                async with await Client.connect(self._choice.choice(self.ports)) as client:
                    await self._be_online(client)
            await asyncio.sleep(RECONNECT_S * (0.5 + self._choice.random()))

    def leave(self) -> None:
        """Break the connection, as a client that lost its network."""
        if self._client is not None:
            self._client.abort()

    async def _be_online(self, client: Client) -> None:
        answer = await client.try_log_in(self.name)
        if answer.result_code:
            return  # the database can't be asked: try again
        client.user_id = self.user_id
        self._client = client
        self._on_their_way.clear()
        try:
            for session in self.sessions:
                await self._sync(client, session)
            for pdu in client.unread:
                self._take(pdu)
            client.unread.clear()
            self.logins += 1
            self.is_online = True
            talking = asyncio.create_task(self._talk(client))
            try:
                while True:
                    self._take(await client.next_pdu(timeout_s=120))
            finally:
                talking.cancel()
        finally:
            self.is_online = False
            self._client = None

    async def _talk(self, client: Client) -> None:
        while True:
            await asyncio.sleep(PAUSE_S * (0.5 + self._choice.random()))
            if self.is_quiet:
                continue
            kind, session_id = session = self._choice.choice(self.sessions)
            content = f"{self.user_id} says {next(self._numbers)}"
            is_group = kind is SessionType.GROUP
            message = message_pb2.IMMsgData(
                from_user_id=self.user_id,
                to_session_id=session_id,
                msg_id=0,
                create_time=0,
                msg_type=MsgType.GROUP_TEXT if is_group else MsgType.SINGLE_TEXT,
                msg_data=content.encode(),
            )
            self._on_their_way[client.send(message)] = (session, content)

    async def _sync(self, client: Client, session: Session) -> None:
        """Ask for what is newer than the newest message up to which nothing is missing."""
        has = self.got.setdefault(session, {})
        newest = 0
        while True:
            request = message_pb2.IMGetMsgListReq(
                user_id=self.user_id,
                session_type=session[0],
                session_id=session[1],
                msg_id_begin=newest,
                msg_cnt=PAGE,
            )
            seq = client.send(request)
            page = await client.receive(message_pb2.IMGetMsgListRsp, seq, timeout_s=ASK_S)
            for entry in page.msg_list:
                self._keep(session, entry.msg_id, entry.msg_data.decode())
            oldest = min((entry.msg_id for entry in page.msg_list), default=1)
            if oldest == 1 or all(number in has for number in range(1, oldest)):
                return
            newest = oldest - 1

    def _take(self, pdu: Pdu) -> None:
        if pdu.command_id == Command.MSG_DATA_ACK:
            ack = message_pb2.IMMsgDataAck.FromString(pdu.body)
            session, content = self._on_their_way.pop(pdu.seq)
            self.acked.append(Said(self.user_id, session, ack.msg_id, content))
            self._keep(session, ack.msg_id, content)
        elif pdu.command_id == Command.MSG_DATA:
            message = message_pb2.IMMsgData.FromString(pdu.body)
            is_group = message.msg_type in GROUP_TYPES
            is_mine = message.from_user_id == self.user_id
            peer = message.to_session_id if is_group or is_mine else message.from_user_id
            kind = SessionType.GROUP if is_group else SessionType.SINGLE
            self._keep((kind, peer), message.msg_id, message.msg_data.decode())

    def _keep(self, session: Session, msg_id: int, content: str) -> None:
        """Keep a message; what is there by its id already is dropped, but must be the same."""
        kept = self.got.setdefault(session, {}).setdefault(msg_id, content)
        if kept != content:
            self.wrong.append(f"{self.name}, {session}: {msg_id} is {kept!r} and {content!r}")
