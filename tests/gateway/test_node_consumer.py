"""The consumer of a gateway itself: what comes over the bus can't end it."""

from typing import Any

import pytest

from im.consumers.node import NodeConsumer
from im.delivery.cluster.bus import Bus
from im.delivery.cluster.gateway_registry import Gateway
from im.delivery.node import Node, Notices
from im.delivery.remote import control
from tests.doubles import ConnectingLayer, NothingMissed


class DeadLayer:
    """A channel layer whose Redis is gone."""

    async def send(self, channel: str, message: dict[str, Any]) -> None:
        raise ConnectionError("no Redis")


@pytest.fixture
async def consumer() -> NodeConsumer:
    consumer = NodeConsumer()
    consumer.channel_layer = DeadLayer()
    consumer._node = Node(
        bus=Bus(ConnectingLayer(), "a"),
        gateway=Gateway("a", "a", "127.0.0.1", "127.0.0.1", 8000, 0, 10),
        lanes={},
        notices=Notices(
            displaced=lambda user_id: b"",
            presence=lambda user_id, is_online: [],
            pc_presence=lambda user_id, is_online: [],
        ),
        truth=NothingMissed(),
        accounts=NothingMissed(),
    )
    return consumer


@pytest.mark.parametrize(
    "message",
    [
        pytest.param({"type": "bus.batch"}, id="a batch of nobody"),
        pytest.param(
            {"type": "bus.batch", "sender": "b", "number": "x", "items": [1]}, id="no items"
        ),
        pytest.param(
            {"type": "bus.batch", "sender": "", "number": 0, "items": [["deliver"]]},
            id="a delivery of nothing",
        ),
        pytest.param({"type": "bus.gossip"}, id="what is not known here"),
        pytest.param(control.question("sessions", ["x"], "reply"), id="half a question"),
        pytest.param(
            control.question(control.SESSIONS, [0, 1, None], "reply"), id="nobody to answer"
        ),
    ],
)
async def test_nothing_that_comes_over_the_bus_ends_the_node(
    consumer: NodeConsumer, message: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    await consumer.dispatch(message)

    assert "a message of the bus is lost" in caplog.text
