"""What one message costs between socket and writer, and back, without either."""

import asyncio

import pytest
from pytest_benchmark.fixture import BenchmarkFixture
from pytest_django.fixtures import Settings

from im.delivery.local.sessions import Delivery
from im.handlers.encoding import notifications
from im.types import ClientType, Message, MessageStored, SessionType
from im.wire.catalog import Command, decode, encode
from im.wire.pdu import Decoder
from im.wire.proto import message_pb2
from tests.client import text_to
from tests.doubles import RecordingLink, session_on
from tests.gateway.connected import ADA, BOB, connected

PDU = encode(text_to(ADA, BOB, "x" * 64), 7)
EVENT = MessageStored(SessionType.SINGLE, BOB, Message(1, ADA, 1, 1, b"x" * 64), (ADA, BOB))
MANY = 100


def test_cutting_and_decoding_a_pdu(benchmark: BenchmarkFixture) -> None:
    decoder = Decoder(1 << 20)

    def cut() -> object:
        [pdu] = decoder.feed(PDU)
        return decode(Command.MSG_DATA, pdu.body)

    assert benchmark(cut)


def test_encoding_an_ack(benchmark: BenchmarkFixture) -> None:
    ack = message_pb2.IMMsgDataAck(user_id=1, session_id=2, msg_id=3, session_type=1)

    assert benchmark(encode, ack, 7)


def test_turning_a_stored_message_into_a_delivery(benchmark: BenchmarkFixture) -> None:
    assert benchmark(notifications.of, EVENT)


@pytest.mark.parametrize("count", [1, MANY])
def test_the_road_through_inbox_dispatch_and_batcher(
    benchmark: BenchmarkFixture, settings: Settings, count: int
) -> None:
    settings.IM_MESSAGES_PER_SECOND = 0
    settings.IM_INBOX_PDUS = 2 * MANY
    with asyncio.Runner() as runner:
        road = connected()
        ada = runner.run(road.__aenter__())

        async def there_and_back() -> int:
            ada.link.sent.clear()
            ada.say(count)
            await ada.link.until_sent(count)
            return len(ada.link.sent)

        assert benchmark(lambda: runner.run(there_and_back())) == count
        runner.run(road.__aexit__(None, None, None))


def test_delivering_to_the_500_of_a_group(benchmark: BenchmarkFixture) -> None:
    with asyncio.Runner() as runner:
        road = connected()
        ada = runner.run(road.__aenter__())
        people = range(10, 510)
        for user_id in people:
            ada.node.sessions.bind(session_on(RecordingLink(), ada.node), user_id, ClientType.MAC)
        delivery = Delivery(PDU, tuple(people))

        benchmark(ada.node.sessions.deliver, delivery)

        runner.run(road.__aexit__(None, None, None))
