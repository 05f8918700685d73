"""How long a body may be: what costs more to look at than its command deserves is not looked at."""

import asyncio
from dataclasses import replace

import pytest
from google.protobuf.message import Message
from pytest_django.fixtures import Settings

from im.delivery.sessions import Session
from im.handlers.registry import HANDLERS, NOTHING, ON_LOOP, Outcome, Pace
from im.types import MsgType
from im.wire.catalog import Command, command_of, message_class
from im.wire.pdu import Pdu
from im.wire.proto import base_define_pb2 as base
from im.wire.proto import buddy_pb2, group_pb2, message_pb2
from tests.e2e.test_hostile import sample
from tests.gateway.connected import ADA, BOB, connected

MEBIBYTE = 1 << 20
LARGEST_ID = 0xFFFF_FFFF
UNKNOWN_FIELD = b"\xa0\x06\x01"  # number 100
WITH_A_BODY = [
    Command(number)
    for number, handler in sorted(HANDLERS.items())
    if handler.empty is None and not handler.anonymous
]


def ids(count: int) -> range:
    """Return so many ids, as long as ids get."""
    return range(LARGEST_ID - count, LARGEST_ID)


async def taken(monkeypatch: pytest.MonkeyPatch, command: int, body: bytes) -> bool:
    """Let a command arrive and tell whether its handler was run."""
    runs: list[Message] = []

    def run(caller: Session, req: Message) -> Outcome:
        runs.append(req)
        return NOTHING

    quick = replace(HANDLERS[command], run=run, lane=ON_LOOP, answer=None, pace=Pace.FREE)
    monkeypatch.setitem(HANDLERS, command, quick)
    async with connected() as ada:
        ada.put([Pdu(command, body, 7)])
        await asyncio.sleep(0)
        assert ada.node.counters["bad bodies"] == (not runs)
        assert [refused[:2] for refused in ada.link.refused] == ([] if runs else [(command, 7)])
    return bool(runs)


@pytest.mark.parametrize("command", WITH_A_BODY, ids=lambda command: command.name)
async def test_no_command_takes_a_mebibyte(
    monkeypatch: pytest.MonkeyPatch, command: Command
) -> None:
    kind = message_class(command)
    assert kind is not None
    short = sample(kind).SerializeToString()
    long = short + (MEBIBYTE - len(short)) // len(UNKNOWN_FIELD) * UNKNOWN_FIELD

    assert await taken(monkeypatch, command, short)
    assert not await taken(monkeypatch, command, long)


async def test_what_has_no_list_takes_far_less(monkeypatch: pytest.MonkeyPatch) -> None:
    request = message_pb2.IMUnreadMsgCntReq(user_id=ADA).SerializeToString()

    assert await taken(monkeypatch, Command.MSG_UNREAD_CNT_REQUEST, request + 5_000 * UNKNOWN_FIELD)
    assert not await taken(
        monkeypatch, Command.MSG_UNREAD_CNT_REQUEST, request + 6_000 * UNKNOWN_FIELD
    )


async def test_a_voice_message_may_be_as_long_as_voice_may_be(
    monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    voice = message_pb2.IMMsgData(
        from_user_id=LARGEST_ID, to_session_id=LARGEST_ID, msg_id=0, create_time=LARGEST_ID,
        msg_type=MsgType.SINGLE_AUDIO, msg_data=bytes(4 + settings.IM_VOICE_BYTES),
        client_msg_id=64 * "x",
    )  # fmt: skip

    assert await taken(monkeypatch, Command.MSG_DATA, voice.SerializeToString())


@pytest.mark.parametrize(
    "request_of_all",
    [
        lambda settings: buddy_pb2.IMUsersInfoReq(
            user_id=LARGEST_ID, user_id_list=ids(settings.IM_USERS_BY_ID)
        ),
        lambda settings: buddy_pb2.IMUsersStatReq(user_id=LARGEST_ID, user_id_list=ids(1_000)),
        lambda settings: message_pb2.IMGetMsgByIdReq(
            user_id=LARGEST_ID, session_type=1, session_id=BOB, msg_id_list=ids(1_000)
        ),
        lambda settings: group_pb2.IMGroupInfoListReq(
            user_id=LARGEST_ID,
            group_version_list=[
                base.GroupVersionInfo(group_id=one, version=LARGEST_ID)
                for one in ids(settings.IM_GROUPS)
            ],
        ),
        lambda settings: group_pb2.IMGroupCreateReq(
            user_id=LARGEST_ID,
            group_type=2,
            group_name=256 * "组",
            group_avatar=256 * "x",
            member_id_list=ids(settings.IM_GROUP_MEMBERS),
        ),
        lambda settings: group_pb2.IMGroupChangeMemberReq(
            user_id=LARGEST_ID,
            change_type=1,
            group_id=LARGEST_ID,
            member_id_list=ids(settings.IM_GROUP_MEMBERS),
        ),
    ],
)
async def test_a_list_may_be_as_long_as_its_answer(
    monkeypatch: pytest.MonkeyPatch, settings: Settings, request_of_all: object
) -> None:
    assert callable(request_of_all)
    request = request_of_all(settings)

    assert await taken(monkeypatch, command_of(request), request.SerializeToString())
