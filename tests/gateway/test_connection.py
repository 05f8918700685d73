"""One connection between its transport and its consumer: writes, bounds, and how it ends."""

import asyncio

from im.wire.pdu import Pdu
from tcpgateway.connection import IGNORED_BYTES, LINGER_S, Connection
from tests.clock import run_jumping
from tests.gateway.transport import RecordingConsumer, RecordingTransport, SmallHost


class Opened:
    """A connection that was just accepted."""

    def __init__(self, *, is_full: bool = False) -> None:
        self.host = SmallHost()
        self.host.is_full = is_full
        self.consumer = RecordingConsumer()
        self.transport = RecordingTransport()
        self.connection = Connection(self.host, self.consumer)
        self.connection.connection_made(self.transport)


# --- in ---------------------------------------------------------------------------------------


async def test_pdus_reach_the_consumer_as_they_are_completed() -> None:
    opened = Opened()
    first, second = Pdu(0x0701), Pdu(0x0301, b"body", seq=7)
    stream = first.encode() + second.encode()

    opened.connection.data_received(stream[:20])
    before = list(opened.consumer.pdus)
    opened.connection.data_received(stream[20:])

    assert before == [first]
    assert opened.consumer.pdus == [first, second]


async def test_a_broken_frame_ends_the_connection_behind_the_pdus_before_it() -> None:
    opened = Opened()

    opened.connection.data_received(Pdu(0x0701).encode() + bytes(16))
    opened.connection.data_received(Pdu(0x0701).encode())
    await asyncio.sleep(0)

    assert opened.consumer.pdus == [Pdu(0x0701)]
    assert opened.transport.calls[-1] == "write_eof"


async def test_a_frame_beyond_the_hosts_limit_is_broken() -> None:
    opened = Opened()

    opened.connection.data_received(Pdu(0x0701, bytes(985)).encode()[:16])
    await asyncio.sleep(0)

    assert opened.transport.calls[-1] == "write_eof"


async def test_a_stranger_sends_no_long_frames_until_he_is_known() -> None:
    stranger, known = Opened(), Opened()
    stranger.consumer.is_known = known.consumer.is_known = False
    short, long = Pdu(0x0701, bytes(84)), Pdu(0x0701, bytes(85))

    for opened in (stranger, known):
        opened.connection.data_received(short.encode())
    known.consumer.is_known = True
    for opened in (stranger, known):
        opened.connection.data_received(long.encode())
    await asyncio.sleep(0)

    assert known.consumer.pdus == [short, long]
    assert stranger.consumer.pdus == [short]
    assert stranger.transport.calls[-1] == "write_eof"


async def test_where_there_is_no_room_the_consumer_never_hears_of_it() -> None:
    opened = Opened(is_full=True)

    opened.connection.data_received(Pdu(0x0701).encode())
    opened.connection.connection_lost(None)

    assert opened.transport.calls == ["abort"]
    assert (opened.consumer.calls, opened.consumer.pdus) == ([], [])
    assert opened.host.connections == set()


async def test_the_consumer_hears_of_the_end_once() -> None:
    opened = Opened()

    opened.connection.connection_lost(None)
    opened.connection.send(b"too late")
    opened.connection.close()
    opened.connection.pause(True)
    await asyncio.sleep(0)

    assert opened.consumer.calls == ["connect", "disconnect"]
    assert opened.transport.writes == []
    assert opened.host.connections == set()


async def test_reading_pauses_and_goes_on_as_the_consumer_wishes() -> None:
    opened = Opened()

    opened.connection.pause(True)
    opened.connection.pause(False)

    assert opened.transport.calls == ["pause_reading", "resume_reading"]


# --- out --------------------------------------------------------------------------------------


async def test_what_one_turn_sends_leaves_in_one_write() -> None:
    opened = Opened()

    for part in (b"a", b"b", b"c"):
        opened.connection.send(part)
    written_at_once = list(opened.transport.writes)
    await asyncio.sleep(0)
    opened.connection.send(b"d")
    await asyncio.sleep(0)

    assert written_at_once == []
    assert opened.transport.writes == [b"abc", b"d"]


async def test_who_leaves_too_much_unread_is_cut_off() -> None:
    opened = Opened()

    opened.transport.buffered = SmallHost.outbox_bytes
    opened.connection.send(b"just enough")
    before = list(opened.transport.calls)
    opened.transport.buffered += 1
    opened.connection.send(b"too much")
    opened.connection.data_received(Pdu(0x0701).encode())

    assert before == []
    assert opened.transport.calls == ["abort"]
    assert opened.consumer.pdus == []


# --- closing ----------------------------------------------------------------------------------


def test_a_close_writes_what_is_queued_and_cuts_who_lingers() -> None:
    async def test() -> None:
        opened = Opened()

        opened.connection.send(b"the last words")
        opened.connection.close()
        opened.connection.data_received(Pdu(0x0701).encode())
        await asyncio.sleep(LINGER_S / 2)
        calls = list(opened.transport.calls)
        await asyncio.sleep(LINGER_S)

        assert opened.transport.writes == [b"the last words"]
        assert calls == ["resume_reading", "write_eof"]
        assert opened.transport.calls[-1] == "abort"
        assert opened.consumer.pdus == []

    run_jumping(test())


def test_a_close_with_a_grace_leaves_time_to_leave() -> None:
    async def test() -> None:
        opened = Opened()

        opened.connection.send(b"you are displaced")
        opened.connection.close(grace_s=5)
        opened.connection.data_received(Pdu(0x0701).encode())
        await asyncio.sleep(4)
        calls = list(opened.transport.calls)
        await asyncio.sleep(2)

        assert opened.transport.writes == [b"you are displaced"]
        assert "write_eof" not in calls
        assert opened.transport.calls[-1] == "write_eof"
        assert opened.consumer.pdus == []

    run_jumping(test())


def test_of_several_closes_the_first_counts() -> None:
    async def test() -> None:
        opened = Opened()

        opened.connection.close(grace_s=5)
        opened.connection.close()
        await asyncio.sleep(4)

        assert "write_eof" not in opened.transport.calls

    run_jumping(test())


def test_a_client_that_goes_during_its_grace_is_let_go() -> None:
    async def test() -> None:
        opened = Opened()

        opened.connection.close(grace_s=5)
        opened.connection.connection_lost(None)
        await asyncio.sleep(10)

        assert opened.transport.calls == ["resume_reading"]
        assert opened.consumer.calls == ["connect", "disconnect"]

    run_jumping(test())


async def test_who_sends_on_and_on_after_the_end_is_cut_off() -> None:
    opened = Opened()
    half = bytes(IGNORED_BYTES // 2)

    opened.connection.close(grace_s=5)
    opened.connection.data_received(half)
    opened.connection.data_received(half)
    before = list(opened.transport.calls)
    opened.connection.data_received(b"x")

    assert before == ["resume_reading"]
    assert opened.transport.calls[-1] == "abort"
