"""The recorder's connections, opened again at the server under test."""

import asyncio
from collections.abc import Callable
from typing import Self

from im.wire.catalog import Command, encode
from im.wire.pdu import Decoder, Pdu
from im.wire.proto import login_pb2, message_pb2

MAX_PDU_BYTES = 1024 * 1024
ASKED_SEQ = 0xFFF1  # of our own questions, which no recording contains

_HEARTBEAT = Pdu(Command.OTHER_HEARTBEAT, seq=ASKED_SEQ, reserved=ASKED_SEQ).encode()


class Wire(asyncio.Protocol):
    """One connection.  What arrives waits in `pdus`; `changed` is called whenever something did."""

    def __init__(self, changed: Callable[[], None]) -> None:
        self.pdus: list[Pdu] = []
        self.is_closed = False
        self.is_kicked = False
        self.user_id = 0
        self._changed = changed
        self._decoder = Decoder(MAX_PDU_BYTES)
        self._asked = 0  # questions of our own
        self._answered = 0

    @classmethod
    async def connect(cls, port: int, changed: Callable[[], None]) -> Self:
        """Return a connection to this port."""
        loop = asyncio.get_running_loop()
        return (await loop.create_connection(lambda: cls(changed), "127.0.0.1", port))[1]

    def send(self, data: bytes) -> None:
        """Send bytes; a connection that the server has closed swallows them."""
        if not self.is_closed:
            self._transport.write(data)

    def ask(self) -> None:
        """Ask what is answered when everything sent before has been dealt with."""
        if self.is_closed or self.is_kicked:
            return
        self._asked += 1
        if self.user_id:  # the database is asked when the connection's own messages are stored
            self.send(encode(message_pb2.IMUnreadMsgCntReq(user_id=self.user_id), ASKED_SEQ))
        else:
            self.send(_HEARTBEAT)

    def knock(self) -> None:
        """Ask what is answered behind everything that was queued for this connection."""
        if not self.is_closed and not self.is_kicked:
            self._asked += 1
            self.send(_HEARTBEAT)

    @property
    def is_answered(self) -> bool:
        """Tell whether all questions of ours have their answers, or will never have."""
        return self._answered == self._asked or self.is_closed or self.is_kicked

    def take(self) -> list[Pdu]:
        """Return what has arrived and forget it."""
        pdus, self.pdus = self.pdus, []
        return pdus

    def close(self) -> None:
        """Close the connection from this side."""
        self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        for pdu in self._decoder.feed(data):
            self._arrived(pdu)
        self._changed()

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_closed = True
        self._changed()

    def _arrived(self, pdu: Pdu) -> None:
        if pdu.seq == ASKED_SEQ:
            self._answered += 1
            return
        self.pdus.append(pdu)
        if pdu.command_id == Command.LOGIN_KICK_USER:
            self.is_kicked = True
        elif pdu.command_id == Command.LOGIN_RES_USERLOGIN:
            self.user_id = login_pb2.IMLoginRes.FromString(pdu.body).user_info.user_id
