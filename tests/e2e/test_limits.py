"""Everything has a bound: a server with small ones shows what happens there."""

import asyncio
import contextlib
import shutil
import socket
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from im.types import ClientType
from im.wire.catalog import Command
from im.wire.pdu import HEADER, HEADER_LENGTH, Pdu, encode_pdu
from im.wire.proto import message_pb2, other_pb2
from tests.client import Client
from tests.conftest import manage
from tests.people import Entrance, Person
from tests.server import Server

PEOPLE = 20
MAX_PDU_BYTES = 64 * 1024
LOGIN_PDU_BYTES = 16 * 1024
OUTBOX_BYTES = 256 * 1024
MESSAGES_PER_SECOND = 20  # the default
SILENCE_S = 1
# Loopback sockets hold up to 10 MB between two processes; more than that must be left unread.
TOO_MUCH = 20 * 1024 * 1024


@pytest.fixture(scope="module")
def strict_server(
    sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """A server that waits for nobody; its limits have nothing to do with the database."""
    path = tmp_path_factory.mktemp("strict") / "teamtalk.sqlite3"
    shutil.copyfile(sqlite_template, path)
    manage(
        "seed_demo", "--users", str(PEOPLE), "--password", "pass", database_url=f"sqlite:///{path}"
    )
    server = Server(
        f"sqlite:///{path}",
        tmp_path_factory.mktemp("var"),
        IM_MAX_PDU_BYTES=MAX_PDU_BYTES,
        IM_LOGIN_PDU_BYTES=LOGIN_PDU_BYTES,
        IM_OUTBOX_BYTES=OUTBOX_BYTES,
        IM_LOGIN_WAIT_SECONDS=SILENCE_S,
        IM_PC_SILENCE_SECONDS=SILENCE_S,
        IM_MOBILE_SILENCE_SECONDS=30,
        IM_HISTORY_PAGE=30,
    ).start()
    yield server
    assert server.stop() == 0
    assert server.complaints() == []


@pytest.fixture
async def entrance(strict_server: Server) -> AsyncIterator[Entrance]:
    """The way into the strict server."""
    async with Entrance(strict_server.port) as entrance:
        yield entrance


def person(number: int) -> Person:
    return Person(number, f"u{number:05d}")


@contextlib.asynccontextmanager
async def kept_alive(client: Client) -> AsyncIterator[None]:
    """Send heartbeats in the background."""

    async def beat() -> None:
        while True:
            client.send(other_pb2.IMHeartBeat())
            await asyncio.sleep(SILENCE_S / 5)

    heart = asyncio.create_task(beat())
    try:
        yield
    finally:
        heart.cancel()


# --- silence ----------------------------------------------------------------------------------


async def test_who_does_not_log_in_in_time_is_closed_even_with_a_heartbeat(
    entrance: Entrance,
) -> None:
    silent, stuck, beating = [await entrance.connect() for _ in range(3)]
    stuck.send_bytes(HEADER.pack(100, 1, 0, 1, Command.LOGIN_REQ_USERLOGIN, 0, 0) + b"half")

    async with kept_alive(beating):
        closed = await asyncio.gather(*(c.closed() for c in (silent, stuck, beating)))

    assert closed == [True, True, True]


async def test_a_silent_pc_is_closed_while_a_beating_one_and_a_phone_stay(
    entrance: Entrance,
) -> None:
    silent = await entrance.log_in(person(1))
    beating = await entrance.log_in(person(2))
    phone = await entrance.log_in(person(3), ClientType.IOS)

    async with kept_alive(beating):
        assert await silent.closed()
        assert not await beating.closed(timeout_s=SILENCE_S)

    assert await phone.unread_counts() == {}


# --- speed ------------------------------------------------------------------------------------


async def test_who_writes_too_fast_is_slowed_down_and_loses_nothing(entrance: Entrance) -> None:
    client = await entrance.log_in(person(4))
    count = 2 * MESSAGES_PER_SECOND

    began = time.monotonic()
    seqs = [client.say(5, f"text {number}") for number in range(count)]
    question = client.send(message_pb2.IMClientTimeReq())  # waits in the line like everything

    assert await client.acks(count) == list(zip(seqs, range(1, count + 1), strict=True))
    assert time.monotonic() - began > 0.9 * (count - MESSAGES_PER_SECOND) / MESSAGES_PER_SECOND
    await client.receive(message_pb2.IMClientTimeRsp, question)
    assert len(await client.history(5, count=1000)) == 30  # a page has no more


async def test_others_are_not_slowed_down_by_it(entrance: Entrance) -> None:
    fast, other = await entrance.log_in(person(6)), await entrance.log_in(person(7))

    for number in range(MESSAGES_PER_SECOND + 5):
        fast.say(8, f"text {number}")
    all_acks = asyncio.create_task(fast.acks(MESSAGES_PER_SECOND + 5))
    await other.tell(8, "me too")

    assert not all_acks.done()
    assert (await all_acks)[-1][1] == MESSAGES_PER_SECOND + 5


# --- size -------------------------------------------------------------------------------------


async def test_the_frame_limit_is_a_setting(entrance: Entrance) -> None:
    client = await entrance.log_in(person(11))
    largest = Pdu(Command.OTHER_HEARTBEAT, bytes(MAX_PDU_BYTES - HEADER_LENGTH))

    client.send_bytes(largest.encode())
    echo = await client.next_pdu()
    client.send_bytes(encode_pdu(Command.OTHER_HEARTBEAT, bytes(len(largest.body) + 1)))

    assert echo == largest
    assert await client.closed()


async def test_a_stranger_sends_no_long_frames(entrance: Entrance) -> None:
    client = await entrance.connect()
    largest = Pdu(Command.OTHER_HEARTBEAT, bytes(LOGIN_PDU_BYTES - HEADER_LENGTH))

    client.send_bytes(largest.encode())
    echo = await client.next_pdu()
    client.send_bytes(HEADER.pack(LOGIN_PDU_BYTES + 1, 1, 0, 7, Command.OTHER_HEARTBEAT, 0, 0))

    assert echo == largest
    assert await client.closed()


async def test_who_does_not_read_is_cut_off_while_others_go_on(
    strict_server: Server, entrance: Entrance
) -> None:
    connection = socket.create_connection(("127.0.0.1", strict_server.port))
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    a, b = await entrance.log_in(person(9)), await entrance.log_in(person(10))
    echoes = TOO_MUCH // LOGIN_PDU_BYTES
    heartbeat = Pdu(Command.OTHER_HEARTBEAT, bytes(LOGIN_PDU_BYTES - HEADER_LENGTH)).encode()

    reader, writer = await asyncio.open_connection(sock=connection, limit=4096)
    writer.write(echoes * heartbeat)
    for number in range(MESSAGES_PER_SECOND):
        await a.tell(10, f"text {number}")
        await b.receive(message_pb2.IMMsgData)
    writer.transport.resume_reading()  # type: ignore[attr-defined]  # a socket's can
    received = await _read_until_closed(reader)
    writer.close()

    assert received < TOO_MUCH


async def _read_until_closed(reader: asyncio.StreamReader) -> int:
    received = 0
    with contextlib.suppress(ConnectionError):
        while chunk := await reader.read(1 << 20):
            received += len(chunk)
    return received
