"""The queue before a transport: one write a turn, long parts in slices, nothing without a bound."""

import asyncio

import pytest

from tcpgateway.outbox import MAX_LONG_PARTS, SLICE_BYTES, Flush, Outbox
from tests.gateway.transport import RecordingTransport

LIMIT_BYTES = SLICE_BYTES + 100_000
LONG = bytes(range(256)) * (SLICE_BYTES * 10 // 256) + b"its end"


@pytest.fixture
def transport() -> RecordingTransport:
    return RecordingTransport()


@pytest.fixture
async def outbox(transport: RecordingTransport) -> Outbox:
    return Outbox(Flush(asyncio.get_running_loop()), transport, limit_bytes=LIMIT_BYTES)


async def all_turns() -> None:
    """Let everything that is ready to run do so."""
    for _ in range(20):
        await asyncio.sleep(0)


async def test_what_a_turn_queues_leaves_in_one_write(transport: RecordingTransport) -> None:
    flush, other = Flush(asyncio.get_running_loop()), RecordingTransport()
    one, two = (Outbox(flush, t, limit_bytes=LIMIT_BYTES) for t in (transport, other))
    for part in (b"a", b"b"):
        one.put(part)
        two.put(part * 2)
    before = [*transport.writes, *other.writes]
    await asyncio.sleep(0)
    one.put(b"c")
    await asyncio.sleep(0)

    assert before == []
    assert (transport.writes, other.writes) == ([b"ab", b"c"], [b"aabb"])


async def test_one_transports_failure_costs_no_other_its_write(
    transport: RecordingTransport, caplog: pytest.LogCaptureFixture
) -> None:
    flush, broken = Flush(asyncio.get_running_loop()), RecordingTransport()
    broken.write_eof()  # refuses to be written to
    for t in (broken, transport):
        Outbox(flush, t, limit_bytes=LIMIT_BYTES).put(b"text")
    await asyncio.sleep(0)

    assert transport.writes == [b"text"]
    assert "a flush failed" in caplog.text


async def test_a_long_part_is_written_in_slices_with_its_neighbours_in_order(
    outbox: Outbox, transport: RecordingTransport
) -> None:
    for part in (b"before", LONG, b"behind"):
        outbox.put(part)
    await all_turns()
    outbox.put(b"later")
    await all_turns()

    assert b"".join(transport.writes) == b"before" + LONG + b"behind" + b"later"
    assert max(map(len, transport.writes)) == SLICE_BYTES


async def test_no_turn_of_the_loop_writes_more_than_a_slice(
    outbox: Outbox, transport: RecordingTransport
) -> None:
    for part in (b"before", LONG, b"behind"):
        outbox.put(part)
    by_turn: list[bytes] = []
    while sum(map(len, by_turn)) < len(LONG) + 12:
        await asyncio.sleep(0)
        by_turn.append(b"".join(transport.writes))
        transport.writes.clear()

    assert {len(written) for written in by_turn[:-1]} == {SLICE_BYTES}
    assert b"".join(by_turn) == b"before" + LONG + b"behind"


async def test_a_congested_transport_gets_nothing_until_it_is_free(
    outbox: Outbox, transport: RecordingTransport
) -> None:
    outbox.put(LONG)
    outbox.congested(True)
    await all_turns()
    while_congested = list(transport.writes)
    outbox.put(b"behind")
    await all_turns()
    outbox.congested(False)
    await all_turns()

    assert while_congested == []
    assert b"".join(transport.writes) == LONG + b"behind"


async def test_the_end_waits_for_the_long_part(
    outbox: Outbox, transport: RecordingTransport
) -> None:
    outbox.put(LONG)
    outbox.end()
    before = list(transport.calls)
    await all_turns()

    assert before == []
    assert b"".join(transport.writes) == LONG
    assert transport.calls == ["write_eof"]


async def test_an_end_with_nothing_to_write_is_at_once(
    outbox: Outbox, transport: RecordingTransport
) -> None:
    outbox.end()

    assert transport.calls == ["write_eof"]


async def test_what_is_held_up_by_a_long_part_counts_as_unread(
    outbox: Outbox, transport: RecordingTransport
) -> None:
    outbox.congested(True)
    outbox.put(LONG)
    outbox.put(bytes(SLICE_BYTES))  # not longer than a slice: its own
    await all_turns()
    before = outbox.is_overfull()
    outbox.put(bytes(LIMIT_BYTES - SLICE_BYTES + 1))
    await all_turns()

    assert not before  # the long part is shared, it costs this connection nothing
    assert outbox.is_overfull()
    outbox.congested(False)
    await all_turns()
    assert not outbox.is_overfull()


async def test_too_many_long_parts_are_too_much(outbox: Outbox) -> None:
    outbox.congested(True)
    for _ in range(MAX_LONG_PARTS):
        outbox.put(LONG)
        await all_turns()
    before = outbox.is_overfull()
    outbox.put(LONG)

    assert not before
    assert outbox.is_overfull()


async def test_long_parts_that_were_read_do_not_count_any_more(
    outbox: Outbox, transport: RecordingTransport
) -> None:
    for _ in range(3 * MAX_LONG_PARTS):
        outbox.put(LONG)
        await all_turns()
        assert not outbox.is_overfull()

    assert b"".join(transport.writes) == 3 * MAX_LONG_PARTS * LONG


async def test_nothing_is_written_to_a_transport_that_is_closing(
    outbox: Outbox, transport: RecordingTransport
) -> None:
    outbox.put(LONG)
    await asyncio.sleep(0)
    written = len(transport.writes)
    outbox.put(b"behind")
    transport.abort()
    await all_turns()

    assert len(transport.writes) == written


async def test_pieces_of_a_shared_list_count_as_one_long_part(
    outbox: Outbox, transport: RecordingTransport
) -> None:
    shared = memoryview(LONG)
    pieces: list[bytes | memoryview] = [
        b"head",
        shared[: len(LONG) // 2],
        b"head",
        shared[len(LONG) // 2 :],
    ]
    for _ in range(MAX_LONG_PARTS):
        outbox.put(b"x")
        outbox.put_shared(pieces)

    assert not outbox.is_overfull()
    outbox.put_shared(pieces)
    assert outbox.is_overfull()
    for _ in range(MAX_LONG_PARTS * len(LONG) // SLICE_BYTES):
        await all_turns()

    written = b"".join(b"x" + b"".join(pieces) for _ in range(MAX_LONG_PARTS))
    assert b"".join(transport.writes) == written + b"".join(pieces)
    assert max(map(len, transport.writes)) <= SLICE_BYTES
    assert not outbox.is_overfull()


async def test_what_is_written_in_two_slices_is_not_counted_for_ever(
    outbox: Outbox, transport: RecordingTransport
) -> None:
    for _ in range(8):  # each time the part of our own is cut by the end of a slice
        outbox.put(LONG)
        outbox.put(b"x" * (SLICE_BYTES - 1))
        for _ in range(3):
            await all_turns()

    assert len(b"".join(transport.writes)) == 8 * (len(LONG) + SLICE_BYTES - 1)
    transport.writes.clear()
    assert not outbox.is_overfull()
