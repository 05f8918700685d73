"""Batches between gateways: one per turn and peer, numbered, so that a loss is noticed."""

import asyncio
from typing import Any

import pytest

from im.delivery.cluster import bus as bus_module
from im.delivery.cluster.bus import Bus
from tests.doubles import RecordingLayer


@pytest.fixture
def layer() -> RecordingLayer:
    return RecordingLayer()


@pytest.fixture
def sender(layer: RecordingLayer) -> Bus:
    return Bus(layer, "here")


@pytest.fixture
def receiver(layer: RecordingLayer) -> Bus:
    return Bus(layer, "there")


def batches(layer: RecordingLayer, channel: str) -> list[dict[str, Any]]:  # Any: as sent
    return [message for to, message in layer.sent if to == channel]


async def test_what_one_turn_posts_is_one_batch_per_peer(
    sender: Bus, layer: RecordingLayer
) -> None:
    sender.post(["there", "elsewhere"], ("item", 1))
    sender.post(["there"], ("item", 2))
    await sender.flush()

    assert layer.sent == [
        ("there", bus_module.batch("here", 0, [("item", 1), ("item", 2)], turn=1)),
        ("elsewhere", bus_module.batch("here", 0, [("item", 1)], turn=1)),
    ]


async def test_batches_are_numbered_per_peer(sender: Bus, layer: RecordingLayer) -> None:
    for channels in (["there"], ["there", "elsewhere"], ["there"]):
        sender.post(channels, ("item",))
        await sender.flush()

    assert [batch["number"] for batch in batches(layer, "there")] == [0, 1, 2]
    assert [batch["number"] for batch in batches(layer, "elsewhere")] == [0]


async def test_a_receiver_knows_how_far_the_sender_was(
    sender: Bus, receiver: Bus, layer: RecordingLayer
) -> None:
    assert receiver.heard("here") == sender.turn == 0

    sender.post(["there"], ("item", 1))
    await sender.flush()
    sender.post(["elsewhere"], ("item", 2))
    await sender.flush()
    sender.post(["there"], ("item", 3))
    await sender.flush()
    heard = []
    for message in batches(layer, "there"):
        receiver.received(message)
        heard.append(receiver.heard("here"))

    assert heard == [1, 3]
    assert sender.turn == 3
    receiver.forget("here")
    assert receiver.heard("here") == 0


async def test_what_is_posted_while_the_layer_is_slow_goes_with_the_next_batch(
    sender: Bus, layer: RecordingLayer
) -> None:
    sender.post(["there"], ("item", 1))
    await asyncio.sleep(0)
    sender.post(["there"], ("item", 2))
    sender.post(["there"], ("item", 3))
    await sender.flush()

    items = [batch["items"] for batch in batches(layer, "there")]
    assert [item for part in items for item in part] == [("item", 1), ("item", 2), ("item", 3)]


async def test_a_complete_stream_shows_no_gap(
    sender: Bus, receiver: Bus, layer: RecordingLayer
) -> None:
    for number in range(3):
        sender.post(["there"], ("item", number))
        await sender.flush()

    received = [receiver.received(batch) for batch in batches(layer, "there")]

    assert received == [([("item", number)], False) for number in range(3)]


async def test_the_loss_of_the_first_batches_is_noticed(
    sender: Bus, receiver: Bus, layer: RecordingLayer
) -> None:
    for number in range(3):
        sender.post(["there"], ("item", number))
        await sender.flush()

    assert receiver.received(batches(layer, "there")[2]) == ([("item", 2)], True)


async def test_a_lost_batch_is_noticed_once(
    sender: Bus, receiver: Bus, layer: RecordingLayer
) -> None:
    for number in range(4):
        sender.post(["there"], ("item", number))
        await sender.flush()
    first, _, third, fourth = batches(layer, "there")

    gaps = [receiver.received(batch)[1] for batch in (first, third, fourth)]

    assert gaps == [False, True, False]


async def test_what_a_broken_layer_swallows_is_noticed_too(
    sender: Bus, receiver: Bus, layer: RecordingLayer
) -> None:
    for is_down in (False, True, False):
        layer.is_down = is_down
        sender.post(["there"], ("item",))
        await sender.flush()

    assert [receiver.received(batch)[1] for batch in batches(layer, "there")] == [False, True]


async def test_more_than_the_backlog_holds_is_dropped_and_noticed(
    sender: Bus, receiver: Bus, layer: RecordingLayer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bus_module, "MAX_BACKLOG", 3)
    sender.post(["there"], ("before",))
    await sender.flush()

    for number in range(5):
        sender.post(["there"], ("item", number))
    await sender.flush()

    received = [receiver.received(batch) for batch in batches(layer, "there")]
    assert received == [
        ([("before",)], False),
        ([("item", 0), ("item", 1), ("item", 2)], True),
    ]


async def test_senders_are_counted_apart(receiver: Bus, layer: RecordingLayer) -> None:
    for sender in (Bus(layer, "one"), Bus(layer, "two")):
        sender.post(["there"], ("item",))
        sender.post(["there"], ("item",))
        await sender.flush()

    assert [receiver.received(batch)[1] for batch in batches(layer, "there")] == [False, False]


async def test_a_peer_that_comes_back_begins_anew(
    sender: Bus, receiver: Bus, layer: RecordingLayer
) -> None:
    for _ in range(3):
        sender.post(["there"], ("item",))
        await sender.flush()
    for batch in batches(layer, "there"):
        receiver.received(batch)

    sender.forget("there")
    receiver.forget("here")
    sender.post(["there"], ("item",))
    await sender.flush()

    last = batches(layer, "there")[-1]
    assert (last["number"], receiver.received(last)[1]) == (0, False)


async def test_batches_from_outside_have_no_numbers_and_no_gaps(receiver: Bus) -> None:
    outside = bus_module.batch(bus_module.OUTSIDE, 0, [("item",)])

    assert [receiver.received(outside)[1] for _ in range(3)] == [False, False, False]


async def test_a_flush_with_nothing_to_send_returns(sender: Bus) -> None:
    await sender.flush()
