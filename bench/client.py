"""A TeamTalk client made for load: as little work per PDU as a check of every PDU allows."""

import asyncio
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import TypeVar, cast

from google.protobuf.message import Message

from im.types import ClientType, OnlineStatus
from im.wire.catalog import command_of, encode
from im.wire.pdu import Decoder, Pdu
from im.wire.proto import login_pb2

MAX_PDU_BYTES = 64 << 20  # a directory of 100,000 people has 15 MiB
REPLY_S = 60.0  # for a reply; a server under load answers late, but it answers

M = TypeVar("M", bound=Message)
Hear = Callable[[Pdu], None]


class Refused(Exception):
    """The server let somebody not in, or did not answer."""


@dataclass(frozen=True, slots=True)
class Entrance:
    """Where the server is, and who may come in: people named prefix + number from 1.

    With several gateways each person has his own, by chance but always the same.
    """

    ports: tuple[int, ...]
    host: str = "127.0.0.1"
    prefix: str = "u"
    password: str = "pass"

    def port_of(self, number: int) -> int:
        """Return the gateway of person `number`."""
        return self.ports[Random(number).randrange(len(self.ports))]

    async def log_in(self, number: int, client_type: int = ClientType.WINDOWS) -> "Client":
        """Return a connection of person `number`.  Raises Refused, OSError."""
        loop = asyncio.get_running_loop()
        _, client = await loop.create_connection(Client, self.host, self.port_of(number))
        await client.log_in(f"{self.prefix}{number:05d}", self.password, client_type)
        return client


class Client(asyncio.Protocol):
    """One connection.  What nobody has called for goes to `hear`."""

    __slots__ = (
        "_decoder", "_expected", "_seq", "_transport", "hear", "is_closed", "take_bytes", "user_id",
    )  # fmt: skip

    _transport: asyncio.Transport

    def __init__(self) -> None:
        self.user_id = 0
        self.is_closed = False
        self.hear: Hear = _ignore
        self.take_bytes: Callable[[bytes], None] | None = None  # if set, gets all, undecoded
        self._decoder = Decoder(MAX_PDU_BYTES)
        self._seq = 0
        self._expected: dict[int, asyncio.Future[Pdu]] = {}  # by the reply's command id

    # --- from the transport -------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_closed = True
        for reply in self._expected.values():
            if not reply.done():
                reply.set_exception(Refused("the server closed the connection"))

    def data_received(self, data: bytes) -> None:
        if self.take_bytes is not None:
            self.take_bytes(data)
            return
        for pdu in self._decoder.feed(data):
            reply = self._expected.pop(pdu.command_id, None) if self._expected else None
            if reply is None:
                self.hear(pdu)
            elif not reply.done():
                reply.set_result(pdu)

    # --- for the load -------------------------------------------------------------------------

    def send(self, message: Message, seq: int = 0) -> None:
        """Send a message."""
        self._transport.write(encode(message, seq))

    def next_seq(self) -> int:
        """Return the next sequence number, never 0."""
        self._seq = self._seq % 0xFFFF + 1
        return self._seq

    async def call(self, request: Message, kind: type[Message]) -> Pdu:
        """Send a request and return its reply.  Raises Refused."""
        reply: asyncio.Future[Pdu] = asyncio.get_running_loop().create_future()
        self._expected[command_of(kind)] = reply
        self.send(request, self.next_seq())
        try:
            async with asyncio.timeout(REPLY_S):
                return await reply
        except TimeoutError as exc:
            raise Refused(f"no {kind.__name__} in {REPLY_S:.0f} s") from exc

    async def ask(self, request: Message, kind: type[M]) -> M:
        """Send a request and return its decoded reply.  Raises Refused."""
        return kind.FromString((await self.call(request, kind)).body)

    async def log_in(self, name: str, password: str, client_type: int) -> None:
        """Log in.  Raises Refused."""
        request = login_pb2.IMLoginReq(
            user_name=name,
            password=hashlib.md5(password.encode()).hexdigest(),
            online_status=OnlineStatus.ONLINE,
            client_type=client_type,
            client_version="load/1",
        )
        answer = await self.ask(request, login_pb2.IMLoginRes)
        if answer.result_code:
            raise Refused(f"{name} may not log in: {answer.result_string}")
        self.user_id = answer.user_info.user_id

    def close(self) -> None:
        """Close the connection."""
        self._transport.close()


def _ignore(pdu: Pdu) -> None:
    """Hear nothing."""
