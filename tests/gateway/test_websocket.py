"""The WebSocket protocol under the consumer: what frames cost that it never sees, or not yet."""

import asyncio
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import pytest
from twisted.internet.testing import StringTransport

from tcpgateway.http.websocket import MAX_UNTAKEN, SLACK, WINDOW_S, WINDOW_STEPS, Factory, Protocol

HANDSHAKE = (
    b"GET /chat/socket HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n"
)
CONTINUED, TEXT, BINARY, PING = 0x00, 0x81, 0x82, 0x89
PONG = b"\x8a\x00"


def frame(kind: int, payload: bytes = b"") -> bytes:
    """Return a client's frame, masked with zeros."""
    assert len(payload) < 126
    return bytes((kind, 0x80 | len(payload), 0, 0, 0, 0)) + payload


def head(kind: int, length: int) -> bytes:
    """Return the beginning of a long frame."""
    return bytes((kind, 0xFF)) + length.to_bytes(8, "big") + bytes(4)


def _transport() -> Any:  # Any: twisted's has no types
    return StringTransport()  # type: ignore[no-untyped-call]


class Opened:
    """A protocol after its handshake, over a transport that remembers."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        server = SimpleNamespace(
            root_path="",
            proxy_forwarded_address_header=None,
            protocol_connected=lambda protocol: None,
            protocol_disconnected=lambda protocol: None,
            create_application=lambda protocol, scope: self.queue,
            log_action=lambda *args: None,
        )
        factory = Factory(server)
        factory.setProtocolOptions(maxMessagePayloadSize=1 << 20, openHandshakeTimeout=0)
        self.protocol: Protocol = factory.buildProtocol(None)
        self.transport = _transport()
        self.transport.connected = True  # as a socket's is
        self.transport.registerProducer(object(), True)  # the HTTP channel that this was
        self.protocol.makeConnection(self.transport)
        self.protocol._raw_query_string = b""
        self.protocol.dataReceived(HANDSHAKE)
        assert self.queue.get_nowait()["type"] == "websocket.connect"
        self.protocol.handle_reply({"type": "websocket.accept"})
        self.handshake = self.transport.value()
        self.transport.clear()

    @property
    def is_read(self) -> bool:
        """Whether the transport is to read on."""
        return bool(self.transport.producerState == "producing")

    def pongs(self) -> int:
        """Return how many pings were answered."""
        return int(self.transport.value().count(PONG))

    def take(self) -> bytes:
        """Take a message, as the consumer does."""
        message = self.queue.get_nowait()
        self.protocol.took()
        data: bytes = message.get("bytes") or message["text"].encode()
        return data


@pytest.fixture
async def opened() -> AsyncIterator[Opened]:
    opened = Opened()
    yield opened
    if opened.protocol._next_window is not None:
        opened.protocol._next_window.cancel()


async def test_compression_is_not_offered(opened: Opened) -> None:
    assert b"101 Switching Protocols" in opened.handshake
    assert b"Extensions" not in opened.handshake


async def test_a_flood_of_pings_is_answered_over_many_windows(opened: Opened) -> None:
    opened.protocol.dataReceived(1_000 * frame(PING))
    at_once = opened.pongs()
    is_read_at_first = opened.is_read
    await asyncio.sleep(3 * WINDOW_S)
    later = opened.pongs()

    assert 0 < at_once <= WINDOW_STEPS
    assert at_once < later <= 5 * WINDOW_STEPS
    assert not is_read_at_first


async def test_pings_of_who_does_not_read_are_not_answered(opened: Opened) -> None:
    opened.protocol.pauseProducing()
    opened.protocol.dataReceived(5 * frame(PING))
    unread = opened.pongs()
    opened.protocol.resumeProducing()
    opened.protocol.dataReceived(frame(PING))

    assert (unread, opened.pongs()) == (0, 1)


async def test_a_message_of_tiny_fragments_takes_many_windows(opened: Opened) -> None:
    opened.protocol.dataReceived(frame(0x02, b"x") + 500 * frame(CONTINUED, b"x") + frame(0x80))

    assert opened.queue.empty()
    assert not opened.is_read
    while opened.queue.empty():  # noqa: ASYNC110  # nothing tells
        await asyncio.sleep(WINDOW_S)
    assert opened.take() == 501 * b"x"
    assert opened.is_read


async def test_only_few_messages_wait_for_the_consumer(opened: Opened) -> None:
    opened.protocol.dataReceived(b"".join(frame(TEXT, b"%d" % n) for n in range(10)))
    waiting, is_read_at_first = opened.queue.qsize(), opened.is_read
    taken = [opened.take() for _ in range(10)]

    assert waiting == MAX_UNTAKEN
    assert not is_read_at_first
    assert taken == [b"%d" % n for n in range(10)]
    assert opened.is_read


async def test_while_the_consumer_pauses_no_frame_is_taken(opened: Opened) -> None:
    opened.protocol.pause_reading(True)
    opened.protocol.dataReceived(frame(BINARY, b"x") + frame(PING))
    before = opened.queue.qsize(), opened.pongs(), opened.is_read
    opened.protocol.pause_reading(False)

    assert before == (0, 0, False)
    assert (opened.queue.qsize(), opened.pongs(), opened.is_read) == (1, 1, True)


async def test_a_frame_far_too_long_is_refused_by_its_head(opened: Opened) -> None:
    longest = 100_000
    opened.protocol.limit(lambda: longest)

    opened.protocol.dataReceived(head(BINARY, SLACK * longest))
    is_open = not opened.transport.disconnecting
    opened.protocol.dataReceived(bytes(SLACK * longest))
    opened.take()
    opened.protocol.dataReceived(head(BINARY, SLACK * longest + 1))

    assert is_open
    assert opened.protocol.wasMaxMessagePayloadSizeExceeded


async def test_bytes_one_at_a_time_have_a_bound(opened: Opened) -> None:
    opened.protocol.dataReceived(head(BINARY, 100_000))

    for _ in range(2 * WINDOW_STEPS):
        opened.protocol.dataReceived(b"x")

    assert not opened.is_read
