"""What a client sees of errors behind the scenes: the answer the protocol has, or silence."""

import asyncio
import gc
import logging
import weakref
from collections.abc import Callable
from dataclasses import replace

import pytest
from django.db import OperationalError
from google.protobuf.message import Message
from pytest_django.fixtures import Settings

from im.delivery.local.sessions import Session
from im.errors import Refused
from im.handlers.execution.registry import HANDLERS, IN_THREAD, NOT_YET, Outcome
from im.storage import retry
from im.storage.retry import CommitOutcomeUnknown
from im.types import LoginResult
from im.wire.catalog import Command, command_of, decode, reply_of
from im.wire.pdu import HEADER_LENGTH, Decoder, Pdu
from im.wire.proto import base_define_pb2 as base
from im.wire.proto import buddy_pb2, file_pb2, group_pb2, login_pb2, message_pb2
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
        ada.put(lost)
        await ada.link.until_sent(3)

        assert Decoder(1000).feed(ada.link.sent.pop(0))[0].command_id == ANSWER
        assert ada.acks() == [1, 2]
        assert ada.node.counters["messages not stored"] == 2


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
        ada.put([HEARTBEAT])
        await ada.link.until_sent(1)

        assert ada.link.sent == [HEARTBEAT.encode()]
        assert ada.node.counters[counter] == 1
        assert ada.link.closed_after_s is None


REFUSABLE = [
    buddy_pb2.IMChangeAvatarReq(user_id=BOB, avatar_url="x"),
    buddy_pb2.IMChangeSignInfoReq(user_id=BOB, sign_info="x"),
    group_pb2.IMGroupChangeMemberReq(
        user_id=BOB, change_type=base.GROUP_MODIFY_TYPE_DEL, group_id=7, member_id_list=[1]
    ),
    group_pb2.IMGroupCreateReq(
        user_id=BOB, group_type=base.GROUP_TYPE_TMP, group_name="club", group_avatar=""
    ),
    group_pb2.IMGroupShieldReq(user_id=BOB, group_id=7, shield_status=1),
    login_pb2.IMPushShieldReq(user_id=BOB, shield_status=1),
    login_pb2.IMQueryPushShieldReq(user_id=BOB),
    login_pb2.IMKickPCClientReq(user_id=BOB),
    file_pb2.IMFileReq(from_user_id=BOB, to_user_id=9, file_name="C:/a", file_size=1, trans_mode=1),
]


@pytest.mark.parametrize("error", [Refused("no"), OperationalError("database is locked")])
@pytest.mark.parametrize("request_", REFUSABLE, ids=lambda request: type(request).__name__)
async def test_what_is_not_done_is_refused_wherever_the_protocol_can_say_so(
    monkeypatch: pytest.MonkeyPatch, request_: Message, error: Exception
) -> None:
    command = command_of(request_)

    def fail(caller: Session, req: Message) -> Outcome:
        raise error

    monkeypatch.setattr(retry, "PAUSES_S", (0, 0, 0))
    monkeypatch.setitem(HANDLERS, command, replace(HANDLERS[command], run=fail, lane=IN_THREAD))
    async with connected() as ada:
        ada.ask(request_, 7)
        await ada.link.until_sent(1)
        [pdu] = Decoder(1000).feed(ada.link.sent[0])

    reply = decode(pdu.command_id, pdu.body)
    assert (pdu.command_id, pdu.seq) == (reply_of(command), 7)
    assert {field.name: value for field, value in reply.ListFields()} == _expected(request_, reply)


def _expected(request: Message, reply: Message) -> dict[str, object]:
    """Return what a refusal says: code 1, Ada, and what the request named."""
    required = {field.name for field in reply.DESCRIPTOR.fields if field.is_required}
    asked = {field.name: value for field, value in request.ListFields() if field.name in required}
    whose = {name: ADA for name in ("user_id", "from_user_id") if name in required}
    empty = {"task_id": ""} if "task_id" in required else {}
    return asked | whose | empty | {"result_code": 1}


async def test_of_a_commit_of_unknown_outcome_nothing_is_claimed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    command = Command.BUDDY_LIST_CHANGE_AVATAR_REQUEST

    def fail(caller: Session, req: Message) -> Outcome:
        raise CommitOutcomeUnknown("lost")

    monkeypatch.setitem(HANDLERS, command, replace(HANDLERS[command], run=fail, lane=IN_THREAD))
    async with connected() as ada:
        ada.ask(buddy_pb2.IMChangeAvatarReq(user_id=ADA, avatar_url="x"))
        ada.put([HEARTBEAT])
        await ada.link.until_sent(1)

        assert ada.link.sent == [HEARTBEAT.encode()]
        assert ada.node.counters["outcomes unknown"] == 1


async def test_a_bad_body_is_counted_and_nothing_else() -> None:
    async with connected() as ada:
        ada.put([Pdu(Command.MSG_DATA, b"\xff"), HEARTBEAT])
        await asyncio.sleep(0)  # a bad body takes a turn

        assert ada.link.sent == [HEARTBEAT.encode()]
        assert ada.node.counters["bad bodies"] == 1


@pytest.mark.parametrize(
    "command", [0x7777, Command.MSG_DATA_ACK + 0x8000, *sorted(NOT_YET), Command.LOGIN_KICK_USER]
)
async def test_a_command_nobody_handles_is_counted_and_said_at_debug_and_nothing_else(
    command: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "im.dispatch")
    async with connected() as ada:
        ada.put([Pdu(command, b"x"), HEARTBEAT])
        await asyncio.sleep(0)  # an unknown command takes a turn

        assert ada.link.sent == [HEARTBEAT.encode()]
        assert ada.node.counters["unknown commands"] == 1
        assert ada.link.closed_after_s is None
    [record] = caplog.get_records("call")
    assert (record.levelname, f"0x{command:04x}" in record.getMessage()) == ("DEBUG", True)


class Failing(Exception):
    """What a handler raises."""


async def test_what_fails_in_a_thread_leaves_no_cycle_to_the_collector() -> None:
    left: list[weakref.ref[Exception]] = []

    def finished(result: object, error: Exception | None) -> None:
        assert error is not None
        left.append(weakref.ref(error))

    gc.disable()
    try:
        async with connected() as ada:
            ada.node.in_thread(fails, finished)
            async with asyncio.timeout(10):
                while not left or left[0]() is not None:  # noqa: ASYNC110  # nobody says when
                    await asyncio.sleep(0.01)
    finally:
        gc.enable()


def fails() -> None:
    raise Failing()
