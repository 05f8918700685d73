"""One-to-one talk: pairs of which one writes, the other hears; every message is followed."""

import asyncio
from dataclasses import dataclass
from time import monotonic, time_ns

from bench.client import Client
from bench.loads import USUAL, Share, Window, log_all_in
from bench.tally import Tally
from im.types import ClientType, MsgType, SessionType
from im.wire.catalog import Command
from im.wire.pdu import Pdu
from im.wire.proto import message_pb2 as pb

NUMBER_CHARS = 10  # a text begins with its number
POLL_S = 0.05
DRAIN_S = 15.0  # for the answers to what was sent last
LATE_S = 0.002  # the loop's timers tick in milliseconds; later than that counts as waiting
ACKS_OF_HEARERS = (pb.IMMsgDataAck,)
ACKS_OF_READERS = (pb.IMMsgDataAck, pb.IMMsgDataReadAck)


@dataclass(frozen=True, slots=True)
class Talk:
    """Pairs 1+2, 3+4, …; the first of each writes.

    Closed loop with `per_second` 0: `in_flight` messages of each writer wait for their ACK at a
    time.  Open loop otherwise: each writes so often, whatever comes back, and a message's time
    counts from when it was due; only while `at_most` of his wait, if given, a writer leaves his
    turns out.
    """

    pairs: int
    in_flight: int = 8
    per_second: float = 0.0
    at_most: int = 0
    reads: bool = False  # a read ack for every message heard
    text_bytes: int = 64
    window: Window = USUAL
    workers: int = 1

    async def run(self, share: Share) -> Tally:
        """Do one worker's part."""
        mine = share.of(range(self.pairs))
        people = [(2 * pair + side, ClientType.WINDOWS) for pair in mine for side in (1, 2)]
        clients = await log_all_in(share.entrance, people)
        conversation = Conversation(self)
        pairs = [Pair(conversation, *two) for two in zip(clients[::2], clients[1::2], strict=True)]
        begin = await share.begin()
        await asyncio.sleep(begin - monotonic())
        for number, pair in enumerate(pairs):
            pair.start(delay_s=number / len(pairs) / self.per_second if self.per_second else 0)
        await self.window.through(begin, conversation.measure)
        conversation.is_over = True
        await _drained(pairs)
        for pair in pairs:
            pair.judge()
        return conversation.tally

    def check(self, whole: Tally) -> None:
        """All is checked pair by pair already."""


class Conversation:
    """What the pairs of one worker share."""

    def __init__(self, talk: Talk) -> None:
        self.talk = talk
        self.tally = Tally()
        self.is_measured = False
        self.is_over = False
        # Texts differ from those of earlier runs: equal ones would count as a client's retries.
        self.filler = f" {time_ns()} ".ljust(talk.text_bytes - NUMBER_CHARS, ".")

    def measure(self, is_measured: bool) -> None:
        """Begin or end what is counted."""
        self.is_measured = is_measured


class Pair:
    """One writer and one hearer, in one process: so all can be compared here."""

    def __init__(self, conversation: Conversation, writer: Client, hearer: Client) -> None:
        self._about = conversation
        self._writer = writer
        self._hearer = hearer
        self._due_at: list[float] = []  # by the message's number
        self._waiting: dict[int, int] = {}  # sequence number: number
        self._acked: dict[int, int] = {}  # number: message id
        self._heard: dict[int, int] = {}  # number: message id
        self._last_number = self._last_id = -1  # that was heard
        writer.hear, hearer.hear = self._answered, self._arrived

    def start(self, *, delay_s: float) -> None:
        """Begin to write."""
        if self._about.talk.per_second:
            self._write_when_due(monotonic() + delay_s)
        else:
            for _ in range(self._about.talk.in_flight):
                self._write(monotonic())

    def is_answered(self) -> bool:
        """Tell whether all that was written was acknowledged and heard."""
        return not self._waiting and len(self._heard) >= len(self._due_at)

    def judge(self) -> None:
        """Compare what was promised with what came."""
        tally = self._about.tally
        tally.counts["sent"] += len(self._due_at)
        tally.counts["acknowledged"] += len(self._acked)
        tally.counts["delivered"] += len(self._heard)
        tally.faults["not acknowledged"] += len(self._waiting)
        for number, msg_id in self._acked.items():
            if number not in self._heard:
                tally.faults["acknowledged, not delivered"] += 1
            elif self._heard[number] != msg_id:
                tally.faults["delivered with another id"] += 1
        tally.faults["connections lost"] += self._writer.is_closed + self._hearer.is_closed

    # --- writing ------------------------------------------------------------------------------

    def _write_when_due(self, due_at: float) -> None:
        if self._about.is_over or self._writer.is_closed:
            return
        now = monotonic()
        if now < due_at:
            loop = asyncio.get_running_loop()
            loop.call_later(due_at - now, self._write_and_go_on, due_at)
        else:
            self._write_and_go_on(due_at)

    def _write_and_go_on(self, due_at: float) -> None:
        now, at_most = monotonic(), self._about.talk.at_most
        if not at_most or len(self._waiting) < at_most:
            self._write(due_at if now - due_at > LATE_S else now)
        self._write_when_due(due_at + 1 / self._about.talk.per_second)

    def _write(self, due_at: float) -> None:
        if self._about.is_over:
            return
        number = len(self._due_at)
        self._due_at.append(due_at)
        seq = self._writer.next_seq()
        self._waiting[seq] = number
        self._writer.send(
            pb.IMMsgData(
                from_user_id=self._writer.user_id,
                to_session_id=self._hearer.user_id,
                msg_id=0,
                create_time=0,
                msg_type=MsgType.SINGLE_TEXT,
                msg_data=f"{number:0{NUMBER_CHARS}d}{self._about.filler}".encode(),
            ),
            seq,
        )

    # --- what comes back ----------------------------------------------------------------------

    def _answered(self, pdu: Pdu) -> None:
        if pdu.command_id != Command.MSG_DATA_ACK:
            return
        number = self._waiting.pop(pdu.seq, None)
        if number is None:
            self._about.tally.faults["ACKs of nothing"] += 1
            return
        self._acked[number] = pb.IMMsgDataAck.FromString(pdu.body).msg_id
        if self._about.is_measured:
            self._about.tally.other_seconds.append(monotonic() - self._due_at[number])
        if not self._about.talk.per_second:
            self._write(monotonic())

    def _arrived(self, pdu: Pdu) -> None:
        if pdu.command_id != Command.MSG_DATA:
            return
        message = pb.IMMsgData.FromString(pdu.body)
        number, msg_id = int(message.msg_data[:NUMBER_CHARS]), message.msg_id
        tally = self._about.tally
        if number in self._heard:
            tally.faults["doubled"] += 1
        elif number < self._last_number:
            tally.faults["out of order"] += 1
        elif msg_id != self._last_id + 1 and self._heard:
            tally.faults["ids with gaps"] += 1
        self._heard[number] = msg_id
        self._last_number, self._last_id = number, msg_id
        if self._about.is_measured and number < len(self._due_at):
            tally.took(monotonic() - self._due_at[number])
        self._acknowledge(message.from_user_id, msg_id, pdu.seq)

    def _acknowledge(self, author_id: int, msg_id: int, seq: int) -> None:
        me = self._hearer.user_id
        for kind in ACKS_OF_READERS if self._about.talk.reads else ACKS_OF_HEARERS:
            ack = kind(
                user_id=me, session_id=author_id, msg_id=msg_id, session_type=SessionType.SINGLE
            )
            self._hearer.send(ack, seq)


async def _drained(pairs: list[Pair]) -> None:
    """Wait until all is answered, or time is up."""
    deadline = monotonic() + DRAIN_S
    # Many places could tell; none of them shall cost anything while it is measured.
    while not all(p.is_answered() for p in pairs) and monotonic() < deadline:  # noqa: ASYNC110
        await asyncio.sleep(POLL_S)
