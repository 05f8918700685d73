"""What the benchmark's talk notices: a message lost, doubled, out of order or under another id."""

from typing import cast

import pytest
from google.protobuf.message import Message

from bench.client import Client
from bench.talk import Conversation, Pair, Talk
from im.wire.catalog import Command
from im.wire.pdu import Pdu
from im.wire.proto import message_pb2


class SilentClient(Client):
    """A connection without a socket; keeps what is sent."""

    def __init__(self, user_id: int) -> None:
        super().__init__()
        self.user_id = user_id
        self.sent: list[tuple[Message, int]] = []

    def send(self, message: Message, seq: int = 0) -> None:
        self.sent.append((message, seq))


class Served:
    """A pair whose server is the test; three messages are on their way."""

    def __init__(self) -> None:
        self.writer, self.hearer = SilentClient(1), SilentClient(2)
        self._about = Conversation(Talk(1, in_flight=3))
        self._pair = Pair(self._about, self.writer, self.hearer)
        self._pair.start(delay_s=0)
        self._on_their_way = list(self.writer.sent)
        self._about.is_over = True

    def acknowledge(self, index: int, msg_id: int) -> None:
        _, seq = self._on_their_way[index]
        ack = message_pb2.IMMsgDataAck(user_id=1, session_id=2, msg_id=msg_id, session_type=1)
        self.writer.hear(Pdu(Command.MSG_DATA_ACK, ack.SerializeToString(), seq))

    def deliver(self, index: int, msg_id: int) -> None:
        message = message_pb2.IMMsgData()
        message.CopyFrom(cast(message_pb2.IMMsgData, self._on_their_way[index][0]))
        message.msg_id = msg_id
        self.hearer.hear(Pdu(Command.MSG_DATA, message.SerializeToString()))

    def faults(self) -> set[str]:
        self._pair.judge()
        return {reason for reason, count in self._about.tally.faults.items() if count}


ALL = [(0, 5), (1, 6), (2, 7)]


@pytest.mark.parametrize(
    ("acked", "delivered", "faults"),
    [
        (ALL, ALL, set()),
        (ALL[:2], ALL, {"not acknowledged"}),
        (ALL, ALL[:2], {"acknowledged, not delivered"}),
        (ALL, [*ALL, ALL[2]], {"doubled"}),
        ([(0, 5), (1, 7), (2, 6)], [(0, 5), (2, 6), (1, 7)], {"out of order"}),
        (ALL, [(0, 5), (1, 6), (2, 8)], {"ids with gaps", "delivered with another id"}),
        ([*ALL, (2, 7)], ALL, {"ACKs of nothing"}),
    ],
)
def test_the_talk_notices(
    acked: list[tuple[int, int]], delivered: list[tuple[int, int]], faults: set[str]
) -> None:
    served = Served()

    for told in acked:
        served.acknowledge(*told)
    for told in delivered:
        served.deliver(*told)

    assert served.faults() >= faults
    assert bool(served.faults()) == bool(faults)
