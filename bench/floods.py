"""One connection that sends as fast as it can: the floods of `bench.hostile`.

Each is one connection again and again: what the server closes comes back at once.
"""

import asyncio
import contextlib
import hashlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

from im.wire.catalog import Command, encode
from im.wire.pdu import Pdu, encode_pdu
from im.wire.proto import buddy_pb2, login_pb2, message_pb2

Flood = Callable[[int, int], Coroutine[Any, Any, None]]  # of the TCP and the HTTP port; endless
FLOODS: dict[str, Flood] = {}

ATTACKER = 1_900  # the person who has logged in
MEBIBYTE = 1 << 20
CHUNK_BYTES = 64 * 1024
READ_BYTES = 256 * 1024
PAUSE_S = 0.01  # before coming back
PASSWORD = hashlib.md5(b"pass").hexdigest()
LOGIN = login_pb2.IMLoginReq(
    user_name=f"u{ATTACKER:05d}", password=PASSWORD, online_status=1, client_type=1
)
HEARTBEAT = Pdu(Command.OTHER_HEARTBEAT).encode()
TIME_REQUEST = encode(message_pb2.IMClientTimeReq())
BAD_BODY = encode_pdu(Command.MSG_LIST_REQUEST, b"\xff")
UNKNOWN = encode_pdu(0x7777, b"")
MANY_IDS = 480_000


def flood(title: str) -> Callable[[Flood], Flood]:
    """Register a flood under the words it has in the table."""

    def register(run: Flood) -> Flood:
        FLOODS[title] = run
        return run

    return register


async def again_and_again(attack: Callable[[], Awaitable[None]]) -> None:
    """Attack, come back when the connection was closed, and so on."""
    while True:
        with contextlib.suppress(Exception):  # however it was sent away
            await attack()
        await asyncio.sleep(PAUSE_S)


async def pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, data: bytes) -> None:
    """Send `data` for ever, reading all that comes, until the connection is closed."""

    async def read() -> None:
        while await reader.read(READ_BYTES):
            pass
        writer.transport.abort()

    reading = asyncio.create_task(read())
    try:
        while not reading.done():
            writer.write(data)
            await writer.drain()
    finally:
        reading.cancel()
        writer.transport.abort()


async def anonymous(port: int, data: bytes) -> None:
    """Pour without a login."""
    await again_and_again(lambda: _pour_at(port, data))


async def _pour_at(port: int, data: bytes) -> None:
    await pour(*await asyncio.open_connection("127.0.0.1", port), data)


async def logged_in(port: int, data: bytes) -> None:
    """Pour with a login."""

    async def attack() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(encode(LOGIN, 1))
        await reader.read(READ_BYTES)
        await pour(reader, writer, data)

    await again_and_again(attack)


def repeated(command: bytes, size: int = CHUNK_BYTES) -> bytes:
    """Return a command so often that it makes about `size` bytes."""
    return size // len(command) * command


# --- without a login --------------------------------------------------------------------------


@flood("heartbeats, pipelined, no login")
async def heartbeats(port: int, http_port: int) -> None:
    await anonymous(port, repeated(HEARTBEAT))


@flood("time requests, pipelined, no login")
async def time_requests(port: int, http_port: int) -> None:
    await anonymous(port, repeated(TIME_REQUEST))


def _one_write(megabytes: int) -> Flood:
    async def run(port: int, http_port: int) -> None:
        await anonymous(port, repeated(HEARTBEAT, megabytes * MEBIBYTE))

    return run


for _megabytes in (1, 4, 8):
    flood(f"writes of {_megabytes} MB of heartbeats, no login")(_one_write(_megabytes))


# --- with a login -----------------------------------------------------------------------------


def _of(command: bytes) -> Flood:
    async def run(port: int, http_port: int) -> None:
        await logged_in(port, repeated(command))

    return run


for _title, _command in (
    ("heartbeats", HEARTBEAT),
    ("time requests", TIME_REQUEST),
    ("bad bodies of one byte", BAD_BODY),
    ("unknown commands", UNKNOWN),
    ("questions who of 1,000 is online", encode(
        buddy_pb2.IMUsersStatReq(user_id=0, user_id_list=range(1, 1001)), 1
    )),
    ("read marks", encode(
        message_pb2.IMMsgDataReadAck(user_id=0, session_id=1, msg_id=1, session_type=1), 1
    )),
):  # fmt: skip
    flood(f"{_title}, pipelined, logged in")(_of(_command))


@flood("480,000 ids in each request, logged in")
async def many_ids(port: int, http_port: int) -> None:
    ids = [1] * MANY_IDS
    await logged_in(port, encode(buddy_pb2.IMUsersInfoReq(user_id=0, user_id_list=ids), 1))


# --- WebSockets -------------------------------------------------------------------------------


@asynccontextmanager
async def web_login(http_port: int) -> AsyncIterator[ClientConnection]:
    """Log the attacker in from a WebSocket."""
    url = f"ws://127.0.0.1:{http_port}/chat/socket"
    async with connect(url, compression=None, max_size=None, ping_interval=None) as socket:
        body = {"user_name": LOGIN.user_name, "password": PASSWORD}
        await socket.send(json.dumps({"cmd": "IMLoginReq", "seq": 1, "body": body}))
        await socket.recv()
        yield socket


async def send_frames(http_port: int, frame: str) -> None:
    """Send a frame for ever, reading what comes."""

    async def attack() -> None:
        async with web_login(http_port) as socket:
            reading = asyncio.create_task(_read_all(socket))
            try:
                while not reading.done():
                    await socket.send(frame)
            finally:
                reading.cancel()

    await again_and_again(attack)


async def _read_all(socket: ClientConnection) -> None:
    async for _ in socket:
        pass


@flood("JSON frames of 1 MB, logged in")
async def long_json(port: int, http_port: int) -> None:
    body = f'{{"user_id_list":[{(MEBIBYTE // 2 - 100) * "1,"}1]}}'
    await send_frames(http_port, f'{{"cmd":"IMUsersStatReq","seq":1,"body":{body}}}')


@flood("JSON frames of 60 kB, logged in")
async def middling_json(port: int, http_port: int) -> None:
    body = f'{{"user_id_list":[{30_000 * "1,"}1]}}'
    await send_frames(http_port, f'{{"cmd":"IMUsersStatReq","seq":1,"body":{body}}}')


@flood("pings of a WebSocket, logged in")
async def pings(port: int, http_port: int) -> None:
    async def attack() -> None:
        async with web_login(http_port) as socket:
            ping = repeated(bytes((0x89, 0x80, 0, 0, 0, 0)))
            while True:
                socket.transport.write(ping)
                while socket.transport.get_write_buffer_size() > len(ping):
                    await asyncio.sleep(0.001)
                    if socket.transport.is_closing():
                        return

    await again_and_again(attack)
