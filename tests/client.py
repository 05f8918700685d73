"""A small TeamTalk client for tests: it speaks PDUs over a real socket and remembers what comes.

async with await Client.connect(port) as alice:
    await alice.log_in("u00001")
    ack = await alice.call(message_pb2.IMMsgData(...), message_pb2.IMMsgDataAck)
    push = await bob.receive(message_pb2.IMMsgData)
"""

import asyncio
import contextlib
import hashlib
import socket
import struct
from collections.abc import Iterable
from typing import Self, TypeVar

from google.protobuf.message import Message

from im.types import ClientType, OnlineStatus, SessionType
from im.wire import catalog
from im.wire.pdu import HEADER, HEADER_LENGTH, Pdu
from im.wire.proto import buddy_pb2, login_pb2, message_pb2

TIMEOUT_S = 10.0  # for what must come
SILENCE_S = 0.3  # for what must not come

M = TypeVar("M", bound=Message)


def wire_password(password: str) -> str:
    """Return what a client sends for a password."""
    return hashlib.md5(password.encode()).hexdigest()


class Closed(Exception):
    """The server closed the connection."""


class Client:
    """One connection.  PDUs that nobody asked for yet wait, in order, in `unread`."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._seq = 0
        self.unread: list[Pdu] = []
        self.sent: set[int] = set()  # commands
        self.user_id = 0

    @classmethod
    async def connect(cls, port: int, host: str = "127.0.0.1", own_host: str = "") -> Self:
        """Connect to `host`, from the address `own_host` if that is given."""
        own = (own_host, 0) if own_host else None
        return cls(*await asyncio.open_connection(host, port, local_addr=own))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connection, as a client that quits without a word."""
        self._writer.close()
        with contextlib.suppress(OSError):  # reset: closed too
            await self._writer.wait_closed()

    def half_close(self) -> None:
        """Send nothing any more, and go on reading."""
        self._writer.write_eof()

    def abort(self) -> None:
        """Reset the connection, as a client that crashed."""
        no_lingering = struct.pack("ii", 1, 0)
        connection = self._writer.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, no_lingering)
        self._writer.transport.abort()

    # --- PDUs ---------------------------------------------------------------------------------

    def send_bytes(self, data: bytes) -> None:
        """Send raw bytes, whatever they are."""
        self._writer.write(data)

    async def flushed(self) -> None:
        """Wait until the kernel has what was sent."""
        self._writer.transport.set_write_buffer_limits(high=0)
        await self._writer.drain()

    def send(self, message: Message, seq: int | None = None) -> int:
        """Send a message and return its sequence number (by default the next one)."""
        if seq is None:
            seq = self._seq = self._seq % 0xFF00 + 1
        self.sent.add(catalog.command_of(message))
        self.send_bytes(catalog.encode(message, seq))
        return seq

    async def next_pdu(self, timeout_s: float = TIMEOUT_S) -> Pdu:
        """Return the next PDU off the socket.  Raises Closed, TimeoutError."""
        try:
            async with asyncio.timeout(timeout_s):
                header = await self._reader.readexactly(HEADER_LENGTH)
                length, version, flag, service, command, seq, reserved = HEADER.unpack(header)
                body = await self._reader.readexactly(length - HEADER_LENGTH)
        except (asyncio.IncompleteReadError, ConnectionError) as exc:
            raise Closed from exc
        return Pdu(command, body, seq, service, version, flag, reserved)

    async def receive_pdu(
        self, kind: type[Message], seq: int | None = None, timeout_s: float = TIMEOUT_S
    ) -> Pdu:
        """Return the next PDU of this kind (and sequence number); others wait in `unread`."""
        command = catalog.command_of(kind)

        def fits(pdu: Pdu) -> bool:
            return pdu.command_id == command and seq in (None, pdu.seq)

        for index, pdu in enumerate(self.unread):
            if fits(pdu):
                return self.unread.pop(index)
        async with asyncio.timeout(timeout_s):
            while True:
                pdu = await self.next_pdu(timeout_s)
                if fits(pdu):
                    return pdu
                self.unread.append(pdu)

    async def receive(
        self, kind: type[M], seq: int | None = None, timeout_s: float = TIMEOUT_S
    ) -> M:
        """Return the next message of this kind."""
        pdu = await self.receive_pdu(kind, seq, timeout_s)
        message = catalog.decode(pdu.command_id, pdu.body)
        assert isinstance(message, kind)
        return message

    async def call(self, request: Message, kind: type[M]) -> M:
        """Send a request and return its reply: the kind asked for, the same sequence number."""
        return await self.receive(kind, self.send(request))

    async def silence(self, kind: type[Message], for_s: float = SILENCE_S) -> bool:
        """Tell whether no message of this kind comes for a while."""
        try:
            await self.receive_pdu(kind, timeout_s=for_s)
        except TimeoutError:
            return True
        except Closed:
            return True
        return False

    async def arrived(self, kind: type[M]) -> list[M]:
        """Return and take the messages of this kind that the server has sent so far.

        All of them are there: the server answers a question only when what it had queued before
        has been written, and what this connection sent before has been stored.
        """
        await (self.unread_counts() if self.user_id else self.server_time())
        command = catalog.command_of(kind)
        found = [pdu for pdu in self.unread if pdu.command_id == command]
        self.unread = [pdu for pdu in self.unread if pdu.command_id != command]
        return [kind.FromString(pdu.body) for pdu in found]

    async def closed(self, timeout_s: float = TIMEOUT_S) -> bool:
        """Tell whether the server closes the connection in time."""
        try:
            async with asyncio.timeout(timeout_s):
                while True:
                    self.unread.append(await self.next_pdu(timeout_s))
        except Closed:
            return True
        except TimeoutError:
            return False

    # --- what clients do ----------------------------------------------------------------------

    async def try_log_in(
        self,
        name: str,
        password: str = "pass",
        client_type: int = ClientType.WINDOWS,
        online_status: int = OnlineStatus.ONLINE,
    ) -> login_pb2.IMLoginRes:
        """Ask for a login and return the answer, whatever it is."""
        request = login_pb2.IMLoginReq(
            user_name=name,
            password=wire_password(password),
            online_status=online_status,
            client_type=client_type,
            client_version="test/1",
        )
        return await self.call(request, login_pb2.IMLoginRes)

    async def log_in(
        self, name: str, password: str = "pass", client_type: int = ClientType.WINDOWS
    ) -> Self:
        """Log in; anything but success fails the test."""
        answer = await self.try_log_in(name, password, client_type)
        assert answer.result_code == 0, answer.result_string
        self.user_id = answer.user_info.user_id
        return self

    def say(self, to_user_id: int, text: str | bytes, seq: int | None = None) -> int:
        """Send a text without waiting; return its sequence number."""
        return self.send(text_to(self.user_id, to_user_id, text), seq)

    async def tell(self, to_user_id: int, text: str | bytes) -> int:
        """Send a text, wait for its ACK and return the message id."""
        message = text_to(self.user_id, to_user_id, text)
        return (await self.call(message, message_pb2.IMMsgDataAck)).msg_id

    async def acks(self, count: int) -> list[tuple[int, int]]:
        """Return (sequence number, message id) of the next ACKs."""
        pdus = [await self.receive_pdu(message_pb2.IMMsgDataAck) for _ in range(count)]
        return [(pdu.seq, message_pb2.IMMsgDataAck.FromString(pdu.body).msg_id) for pdu in pdus]

    async def received_acks(self) -> list[tuple[int, int]]:
        """Return (sequence number, message id) of the ACKs that have been read already."""
        count = sum(pdu.command_id == catalog.Command.MSG_DATA_ACK for pdu in self.unread)
        return await self.acks(count)

    async def server_time(self) -> int:
        """Ask for the time, which needs no login."""
        reply = await self.call(message_pb2.IMClientTimeReq(), message_pb2.IMClientTimeRsp)
        return reply.server_time

    async def history(
        self, peer_id: int, begin: int = 0, count: int = 100
    ) -> list[tuple[int, bytes]]:
        """Return (msg_id, content) of a page of history."""
        request = message_pb2.IMGetMsgListReq(
            user_id=self.user_id,
            session_type=SessionType.SINGLE,
            session_id=peer_id,
            msg_id_begin=begin,
            msg_cnt=count,
        )
        page = await self.call(request, message_pb2.IMGetMsgListRsp)
        return [(entry.msg_id, entry.msg_data) for entry in page.msg_list]

    async def unread_counts(self) -> dict[int, int]:
        """Return the number of unread messages per peer."""
        request = message_pb2.IMUnreadMsgCntReq(user_id=self.user_id)
        answer = await self.call(request, message_pb2.IMUnreadMsgCntRsp)
        counts = {entry.session_id: entry.unread_cnt for entry in answer.unreadinfo_list}
        assert answer.total_cnt == sum(counts.values())
        return counts

    async def statuses(self, *user_ids: int) -> list[int]:
        """Ask who is online; the answer is in the order of the question."""
        request = buddy_pb2.IMUsersStatReq(user_id=self.user_id, user_id_list=user_ids)
        answer = await self.call(request, buddy_pb2.IMUsersStatRsp)
        assert [stat.user_id for stat in answer.user_stat_list] == list(user_ids)
        return [stat.status for stat in answer.user_stat_list]

    async def mark_read(self, peer_id: int, msg_id: int) -> None:
        """Send a read ack; there is no reply, so ask something to know it was taken."""
        self.send(
            message_pb2.IMMsgDataReadAck(
                user_id=self.user_id,
                session_id=peer_id,
                msg_id=msg_id,
                session_type=SessionType.SINGLE,
            )
        )
        await self.unread_counts()


def text_to(sender_id: int, receiver_id: int, text: str | bytes) -> message_pb2.IMMsgData:
    """Return a one-to-one text as clients send it."""
    return message_pb2.IMMsgData(
        from_user_id=sender_id,
        to_session_id=receiver_id,
        msg_id=0,
        create_time=0,
        msg_type=1,
        msg_data=text.encode() if isinstance(text, str) else text,
    )


def texts(messages: Iterable[tuple[int, bytes]]) -> list[str]:
    """Return the texts of a page of history."""
    return [content.decode() for _, content in messages]
