"""What a connection, a PDU and a delivery may take of memory.  Never a time: bytes and blocks."""

import asyncio
import gc
import sys
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest

from im.consumers import client
from im.consumers.client import TcpConsumer
from im.delivery.local.sessions import Delivery
from im.types import ClientType
from im.wire.catalog import Command, decode, encode
from im.wire.pdu import Decoder
from tcpgateway.connection import Connection
from tests.client import text_to
from tests.gateway.connected import ADA, BOB, Connected, connected
from tests.gateway.transport import RecordingTransport, SmallHost

CONNECTIONS = 200
IDLE_BYTES = 1_100  # 925 measured: our objects; the transport's own come on top
PDU_BLOCKS = 5  # the PDU, its body, the decoded body, its memory, and the tuple here
LONG_TEXT = b"x" * 100_000


def held_bytes(make: Callable[[], Any]) -> int:
    """Return how much memory is held by what `make` returns, and by what it leaves behind."""
    gc.collect()
    tracemalloc.start()
    kept = make()
    gc.collect()
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept is not None
    return size


def logged_in(node: Any, host: SmallHost, user_id: int) -> Connection:
    """Return a connection of a user who is there and says nothing."""
    consumer = TcpConsumer()
    connection = Connection(host, consumer)
    connection.connection_made(RecordingTransport())
    node.sessions.bind(consumer._session, user_id, ClientType.WINDOWS)
    return connection


@pytest.fixture
def node_is(monkeypatch: pytest.MonkeyPatch) -> Callable[[Connected], None]:
    """Return a function that lets new connections find this node."""
    return lambda ada: monkeypatch.setattr(client, "here", lambda: ada.node)


async def test_an_idle_connection_takes_little(node_is: Callable[[Connected], None]) -> None:
    async with connected() as ada:
        node_is(ada)
        host = SmallHost()

        held = held_bytes(lambda: [logged_in(ada.node, host, 10 + n) for n in range(CONNECTIONS)])
        transport = held_bytes(lambda: [RecordingTransport() for _ in range(CONNECTIONS)])

        assert (held - transport) / CONNECTIONS < IDLE_BYTES


def test_a_decoded_pdu_takes_a_few_blocks_and_leaves_none() -> None:
    decoder = Decoder(1 << 20)
    stream = encode(text_to(ADA, BOB, "text"), 7) * 1000
    kept: list[Any] = [None] * 1000

    def decoded() -> None:
        for index, pdu in enumerate(decoder.feed(stream)):
            kept[index] = pdu, decode(Command.MSG_DATA, pdu.body)

    decoded()
    kept[:] = [None] * 1000
    before = sys.getallocatedblocks()
    decoded()
    during = sys.getallocatedblocks()
    kept[:] = [None] * 1000
    after = sys.getallocatedblocks()

    assert (during - before) / 1000 < PDU_BLOCKS + 0.5
    assert abs(after - before) < 100


async def test_a_message_to_many_is_kept_once(node_is: Callable[[Connected], None]) -> None:
    async with connected() as ada:
        node_is(ada)
        host = SmallHost()
        host.outbox_bytes = 10 * len(LONG_TEXT)
        people = range(10, 10 + CONNECTIONS)
        links = [logged_in(ada.node, host, user_id) for user_id in people]

        def deliver() -> int:
            pdu = encode(text_to(ADA, BOB, LONG_TEXT))
            ada.node.sessions.deliver(Delivery(pdu, tuple(people)))
            return len(pdu)

        assert held_bytes(deliver) < 2 * len(LONG_TEXT)
        assert len(links) == CONNECTIONS
        await asyncio.sleep(0)
