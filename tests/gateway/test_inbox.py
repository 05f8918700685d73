"""The commands of one connection: their order, what waits for what, and when reading pauses."""

import asyncio
import threading
from dataclasses import replace

import pytest
from google.protobuf.message import Message
from pytest_django.fixtures import Settings

from im.consumers.inbox import MAX_QUESTIONS, TURN
from im.delivery.local.sessions import Session
from im.handlers.execution.registry import HANDLERS, NOTHING, ON_LOOP, WRITER, ItemInMaking, Outcome
from im.storage.writer.requests import NewMessage
from im.wire.catalog import Command, command_of
from im.wire.pdu import Pdu
from im.wire.proto import buddy_pb2, file_pb2, group_pb2, message_pb2, switch_service_pb2
from tests.clock import run_jumping
from tests.gateway.connected import ADA, BOB, Connected, connected

LATEST_ID = message_pb2.IMGetLatestMsgIdReq(user_id=ADA, session_type=1, session_id=BOB)


@pytest.fixture(autouse=True)
def _without_limits(settings: Settings) -> None:
    settings.IM_MESSAGES_PER_SECOND = 0
    settings.IM_INBOX_PDUS = 64


# --- order ------------------------------------------------------------------------------------


async def test_messages_do_not_wait_for_each_other() -> None:
    async with connected() as ada:
        ada.say(10)
        await ada.link.until_sent(10)

        assert ada.writer.batches == [10]
        assert ada.acks() == list(range(1, 11))


async def test_a_question_waits_for_the_messages_before_it_and_holds_up_those_behind(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stored_before: list[int] = []
    question = Command.MSG_GET_LATEST_MSG_ID_REQ
    async with connected() as ada:

        def answer(caller: Session, req: message_pb2.IMGetLatestMsgIdReq) -> Outcome:
            stored_before.append(sum(ada.writer.batches))
            return Outcome(
                message_pb2.IMGetLatestMsgIdRsp(
                    user_id=ADA, session_type=1, session_id=BOB, latest_msg_id=0
                )
            )

        monkeypatch.setitem(HANDLERS, question, replace(HANDLERS[question], run=answer))
        ask = Pdu(question, LATEST_ID.SerializeToString(), 99)

        ada.say(3)
        ada.put([ask])
        ada.say(2)
        await ada.link.until_sent(6)

    assert stored_before == [3]
    assert ada.writer.batches == [3, 2]


UNREAD = message_pb2.IMUnreadMsgCntReq(user_id=ADA)


async def test_lists_are_asked_for_together_and_answered_in_order() -> None:
    async with connected() as ada:
        for seq in (7, 8, 9):
            ada.ask(UNREAD, seq)
        await ada.link.until_sent(3)

        assert ada.lists.batches == [3]
        assert ada.answered_seqs() == [7, 8, 9]


async def test_a_list_waits_for_the_messages_before_it_and_holds_up_none() -> None:
    async with connected() as ada:
        ada.writer.go.clear()
        ada.lists.go.clear()
        before = ada.say(1)
        ada.ask(UNREAD, 99)
        behind = ada.say(1)
        await asyncio.sleep(0.01)
        batches_before = list(ada.lists.batches)
        ada.writer.go.set()
        await ada.link.until_sent(2)
        ada.lists.go.set()
        await ada.link.until_sent(3)

        assert batches_before == []
        assert ada.answered_seqs() == [before[0].seq, behind[0].seq, 99]


async def test_who_asks_for_many_lists_has_not_the_desk_to_himself() -> None:
    async with connected() as ada:
        for seq in range(1, 3 * MAX_QUESTIONS):
            ada.ask(UNREAD, seq)
        await ada.link.until_sent(3 * MAX_QUESTIONS - 1)

        assert max(ada.lists.batches) == MAX_QUESTIONS
        assert ada.answered_seqs() == list(range(1, 3 * MAX_QUESTIONS))


async def test_a_heartbeat_does_not_wait_for_the_writer() -> None:
    async with connected() as ada:
        ada.writer.go.clear()
        ada.say(3)
        ada.put([Pdu(Command.OTHER_HEARTBEAT)])

        assert ada.link.sent == [Pdu(Command.OTHER_HEARTBEAT).encode()]


async def fill_writer(ada: Connected) -> None:
    """Let one item be worked on, and another one take the only place of those that wait."""
    writer = ada.node.lane(WRITER.name)
    for _ in range(2):
        writer.submit(NewMessage(BOB, ADA, 1, "text", 0), lambda result, error: None)
        while ada.writer.batches == []:  # noqa: ASYNC110  # a thread's list is no event
            await asyncio.sleep(0)


class Making:
    """Lets the first message take a thread, until `go` is set; it then fails if `error` is."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.error: Exception | None = None
        self.go = threading.Event()
        self._text = HANDLERS[Command.MSG_DATA].run
        handler = replace(HANDLERS[Command.MSG_DATA], run=self._run)
        monkeypatch.setitem(HANDLERS, Command.MSG_DATA, handler)

    def _run(self, caller: Session, req: message_pb2.IMMsgData, seq: int) -> object:
        item = self._text(caller, req, seq)
        return item if seq > 1 else ItemInMaking(lambda: self._make(item))

    def _make(self, item: NewMessage) -> NewMessage:
        assert self.go.wait(10)
        if self.error is not None:
            raise self.error
        return item


async def test_what_follows_an_item_in_making_keeps_its_place(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    making = Making(monkeypatch)
    async with connected() as ada:
        ada.say(4)
        before = list(ada.writer.batches)
        making.go.set()
        await ada.link.until_sent(4)

        assert before == []
        assert ada.acks() == [1, 2, 3, 4]
        assert ada.answered_seqs() == [1, 2, 3, 4]


async def test_an_item_that_can_not_be_made_is_not_acknowledged_and_holds_up_nobody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    making = Making(monkeypatch)
    making.error = OSError("no space left")
    making.go.set()
    async with connected() as ada:
        ada.say(3)
        await ada.link.until_sent(2)

        assert ada.answered_seqs() == [2, 3]
        assert ada.node.counters["errors"] == 1


async def test_an_item_that_is_made_while_there_is_no_room_keeps_its_place(
    monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    settings.IM_WAITING_ITEMS = 1
    making = Making(monkeypatch)
    async with connected() as ada:
        ada.writer.go.clear()
        await fill_writer(ada)
        ada.say(2)
        making.go.set()
        await asyncio.sleep(0.05)  # nothing tells that it has found no room
        ada.writer.go.set()
        await ada.link.until_sent(2)

        assert ada.answered_seqs() == [1, 2]


async def test_an_item_whose_node_stops_while_it_is_made_is_not_acknowledged(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    making = Making(monkeypatch)
    async with connected() as ada:
        ada.say(1)
        await ada.node.stop()
        making.go.set()
        while not ada.node.counters["overloaded"]:  # noqa: ASYNC110  # a counter is no event
            await asyncio.sleep(0)

        assert ada.link.sent == []


async def test_a_connection_that_ends_drops_what_waits_but_not_what_is_being_stored(
    settings: Settings,
) -> None:
    settings.IM_INBOX_PDUS = 2
    async with connected() as ada:
        ada.writer.go.clear()
        ada.say(5)
        ada.inbox.close()
        ada.node.close(ada.session)
        ada.writer.go.set()
    assert ada.writer.batches == [2]
    assert ada.link.sent == []


async def test_who_was_dismissed_is_not_listened_to() -> None:
    async with connected() as ada:
        ada.session.leave()
        ada.say(2)
        ada.put([Pdu(Command.OTHER_HEARTBEAT)])

    assert ada.writer.batches == []
    assert ada.link.sent == []


async def test_a_node_that_stops_takes_no_command_and_answers_what_it_took() -> None:
    async with connected() as ada:
        ada.writer.go.clear()
        ada.say(3)
        stopping = asyncio.ensure_future(ada.node.stop())
        await asyncio.sleep(0)
        ada.say(4)
        ada.writer.go.set()
        await stopping

        assert ada.acks() == [1, 2, 3]


# --- backpressure -----------------------------------------------------------------------------


async def test_reading_pauses_while_something_waits(settings: Settings) -> None:
    settings.IM_INBOX_PDUS = 4
    async with connected() as ada:
        ada.writer.go.clear()

        ada.say(4)  # all of them are on their way
        before = list(ada.link.pauses)
        ada.say(3)
        ada.put([Pdu(Command.OTHER_HEARTBEAT)])
        while_full = list(ada.link.pauses)
        ada.writer.go.set()
        await ada.link.until_sent(8)

        assert (before, while_full) == ([], [True])
        assert ada.link.pauses == [True, False]
        assert sorted(ada.writer.batches) == [3, 4]


async def test_what_the_writer_has_no_room_for_waits_until_it_has(settings: Settings) -> None:
    settings.IM_WAITING_ITEMS = 3
    settings.IM_INBOX_PDUS = 10
    async with connected() as ada:
        ada.writer.go.clear()
        ada.say(15)
        while_full = list(ada.link.pauses)
        ada.writer.go.set()
        await ada.link.until_sent(15)

        assert ada.acks() == list(range(1, 16))
        assert ada.writer.batches == [3, 3, 3, 3, 3]
        assert (while_full, ada.link.pauses) == ([True], [True, False])


async def test_who_waits_for_room_and_goes_is_waited_for_by_nobody(settings: Settings) -> None:
    settings.IM_WAITING_ITEMS = 1
    async with connected() as ada:
        ada.writer.go.clear()
        await fill_writer(ada)
        ada.say(2)
        ada.inbox.close()
        came: list[int] = []
        ada.node.lane(WRITER.name).when_room(lambda: came.append(1))
        ada.writer.go.set()
        while not came:  # noqa: ASYNC110  # nothing tells
            await asyncio.sleep(0)

    assert ada.writer.batches == [1, 1]


async def test_a_turns_worth_of_heartbeats_does_not_pause_the_reading() -> None:
    async with connected() as ada:
        ada.put([Pdu(Command.OTHER_HEARTBEAT, seq=seq) for seq in range(TURN)])

        assert len(ada.link.sent) == TURN
        assert ada.link.pauses == []


@pytest.fixture
def handled_at_s(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """When each message was let through, at 20 a second, in seconds of the loop."""
    settings.IM_MESSAGES_PER_SECOND = 20
    times: list[float] = []

    def let_through(caller: Session, req: message_pb2.IMMsgData) -> Outcome:
        times.append(asyncio.get_running_loop().time())
        return NOTHING

    # On the loop: the clock jumps, and a thread would not jump with it.
    handler = replace(HANDLERS[Command.MSG_DATA], run=let_through, lane=ON_LOOP, answer=None)
    monkeypatch.setitem(HANDLERS, Command.MSG_DATA, handler)
    return times


def test_a_fast_sender_gets_his_rate_and_loses_nothing(handled_at_s: list[float]) -> None:
    async def test() -> None:
        async with connected() as ada:
            began_s = asyncio.get_running_loop().time()
            ada.say(120)
            await asyncio.sleep(60)

            after_s = [time_s - began_s for time_s in handled_at_s]
            assert len(after_s) == 120
            assert after_s[19] == 0
            assert after_s[20] == pytest.approx(0.05, abs=0.002)
            assert after_s[-1] == pytest.approx(5.0, abs=0.2)
            assert ada.link.pauses == [True, False]

    run_jumping(test())


async def test_waiting_for_ones_own_messages_costs_no_allowance(settings: Settings) -> None:
    settings.IM_BROADCASTS_PER_SECOND = 1
    settings.IM_MESSAGES_PER_SECOND = 0
    change = Pdu(
        Command.BUDDY_LIST_CHANGE_AVATAR_REQUEST,
        buddy_pb2.IMChangeAvatarReq(user_id=ADA, avatar_url="x" * 256).SerializeToString(),
    )
    async with connected() as ada:
        loop = asyncio.get_running_loop()
        begun = loop.time()
        ada.writer.go.clear()
        ada.say(1)
        ada.say(1)
        ada.put([change])  # waits for both, and is looked at again when each is stored
        ada.writer.go.set()
        await ada.link.until_sent(3)

        assert loop.time() - begun < 1


def test_who_was_silent_may_send_a_seconds_worth_at_once_and_no_more(
    handled_at_s: list[float],
) -> None:
    async def test() -> None:
        async with connected() as ada:
            ada.say(20)
            await asyncio.sleep(60)
            began_s = asyncio.get_running_loop().time()
            ada.say(21)
            await asyncio.sleep(60)

            after_s = [time_s - began_s for time_s in handled_at_s[20:]]
            assert after_s[19] == 0
            assert after_s[20] == pytest.approx(0.05, abs=0.002)

    run_jumping(test())


def test_a_closed_connection_is_not_worked_for_when_its_pause_is_over(
    handled_at_s: list[float],
) -> None:
    async def test() -> None:
        async with connected() as ada:
            ada.say(25)
            await asyncio.sleep(0)  # for they are a turn and a half
            ada.inbox.close()
            ada.node.close(ada.session)
            await asyncio.sleep(60)

            assert len(handled_at_s) == 20

    run_jumping(test())


@pytest.mark.parametrize(
    ("kind", "setting", "rate"),
    [
        (switch_service_pb2.IMP2PCmdMsg, "IM_SIGNALS_PER_SECOND", 20),
        (buddy_pb2.IMChangeAvatarReq, "IM_BROADCASTS_PER_SECOND", 2),
        (buddy_pb2.IMChangeSignInfoReq, "IM_BROADCASTS_PER_SECOND", 2),
        (group_pb2.IMGroupCreateReq, "IM_SIGNALS_PER_SECOND", 20),
        (group_pb2.IMGroupChangeMemberReq, "IM_SIGNALS_PER_SECOND", 20),
        (file_pb2.IMFileReq, "IM_SIGNALS_PER_SECOND", 20),
        (file_pb2.IMFileAddOfflineReq, "IM_SIGNALS_PER_SECOND", 20),
    ],
)
def test_what_others_hear_of_has_a_pace_of_its_own(
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    kind: type[Message],
    setting: str,
    rate: int,
) -> None:
    command = command_of(kind)
    body = _filled(kind).SerializeToString()
    times: list[float] = []

    def let_through(caller: Session, req: Message) -> Outcome:
        times.append(asyncio.get_running_loop().time())
        return NOTHING

    async def test() -> None:
        async with connected() as ada:
            assert getattr(settings, setting) == rate  # the default
            ada.put([Pdu(command, body)] * (3 * rate))
            await asyncio.sleep(60)

            after_s = [time_s - times[0] for time_s in times]
            assert len(after_s) == 3 * rate
            assert after_s[rate - 1] == 0
            assert after_s[rate] == pytest.approx(1 / rate, abs=0.002)
            assert after_s[-1] == pytest.approx(2, abs=0.1)

    handler = replace(HANDLERS[command], run=let_through, lane=ON_LOOP)
    monkeypatch.setitem(HANDLERS, command, handler)
    run_jumping(test())


def _filled(kind: type[Message]) -> Message:
    """Return a message whose required fields are 1 or "x"."""
    message = kind()
    for field in kind.DESCRIPTOR.fields:
        if field.is_required:
            setattr(message, field.name, "x" if field.type == field.TYPE_STRING else 1)
    return message
