"""What a client sees of errors behind the scenes: the answer the protocol has, or silence."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from pytest_django.fixtures import Settings

from im.delivery.sessions import Session
from im.errors import Refused
from im.handlers.registry import HANDLERS, Outcome
from im.types import LoginResult
from im.wire.catalog import Command
from im.wire.pdu import HEADER_LENGTH, Decoder, Pdu
from im.wire.proto import login_pb2, message_pb2
from tests.gateway.connected import ADA, BOB, connected

LATEST_ID = message_pb2.IMGetLatestMsgIdReq(user_id=ADA, session_type=1, session_id=BOB)

QUESTION, ANSWER = Command.MSG_GET_LATEST_MSG_ID_REQ, Command.MSG_GET_LATEST_MSG_ID_RSP
HEARTBEAT = Pdu(Command.OTHER_HEARTBEAT)


@pytest.fixture(autouse=True)
def _without_limits(settings: Settings) -> None:
    settings.IM_MESSAGES_PER_SECOND = 0


async def test_a_login_that_cannot_be_checked_gets_code_3_and_the_end() -> None:
    async with connected() as ada:
        ada.node.sessions.unbind(ada.session)
        ada.session.user_id = 0
        ada.ask(
            login_pb2.IMLoginReq(user_name="ada", password="", online_status=1, client_type=1), 7
        )
        await ada.link.until_sent(1)

        answer = login_pb2.IMLoginRes.FromString(ada.link.sent[0][HEADER_LENGTH:])
        assert (answer.result_code, answer.result_string) == (
            (int(LoginResult.NO_DB_SERVER), "服务端异常")
        )
        assert ada.link.closed_after_s == 0


async def test_what_could_not_be_stored_is_not_acknowledged_and_its_retry_is_stored(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(HANDLERS, QUESTION, replace(HANDLERS[QUESTION], run=_answer))
    async with connected() as ada:
        ada.writer.error = ConnectionError("the database is gone")
        lost = ada.say(2)
        ada.ask(LATEST_ID)  # waits until both have failed
        await ada.link.until_sent(1)
        ada.writer.error = None
        ada.inbox.put(lost)
        await ada.link.until_sent(3)

        assert Decoder(1000).feed(ada.link.sent.pop(0))[0].command_id == ANSWER
        assert ada.acks() == [1, 2]
        assert ada.node.counters["messages not stored"] == 2


async def test_what_the_writer_has_no_room_for_is_not_acknowledged(settings: Settings) -> None:
    settings.IM_WAITING_ITEMS = 3
    async with connected() as ada:
        pdus = ada.say(5)
        await ada.link.until_sent(3)
        ada.inbox.put(pdus[3:])
        await ada.link.until_sent(5)

        assert ada.node.counters["overloaded"] == 2
        assert ada.writer.batches == [3, 2]


def _answer(caller: Session, req: message_pb2.IMGetLatestMsgIdReq) -> Outcome:
    return Outcome(
        message_pb2.IMGetLatestMsgIdRsp(
            user_id=caller.user_id, session_type=1, session_id=BOB, latest_msg_id=0
        )
    )


def _refuse(caller: Session, req: message_pb2.IMGetLatestMsgIdReq) -> Outcome:
    raise Refused("not for you")


def _fail(caller: Session, req: message_pb2.IMGetLatestMsgIdReq) -> Outcome:
    raise ZeroDivisionError("a bug")


@pytest.mark.parametrize(("run", "counter"), [(_refuse, "refused"), (_fail, "errors")])
async def test_a_question_that_fails_costs_its_answer_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch, run: Callable[..., Outcome], counter: str
) -> None:
    monkeypatch.setitem(HANDLERS, QUESTION, replace(HANDLERS[QUESTION], run=run))
    async with connected() as ada:
        ada.ask(LATEST_ID)
        ada.inbox.put([HEARTBEAT])
        await ada.link.until_sent(1)

        assert ada.link.sent == [HEARTBEAT.encode()]
        assert ada.node.counters[counter] == 1
        assert ada.link.closed_after_s is None


async def test_a_bad_body_is_counted_and_nothing_else() -> None:
    async with connected() as ada:
        ada.inbox.put([Pdu(Command.MSG_DATA, b"\xff"), Pdu(0x7777), HEARTBEAT])

        assert ada.link.sent == [HEARTBEAT.encode()]
        assert ada.node.counters["bad bodies"] == ada.node.counters["unknown commands"] == 1
