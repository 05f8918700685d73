"""Whose a command is: the connection's user's, whatever it claims, and nobody's before login."""

import pytest
from google.protobuf.message import Message

from im.handlers.execution.registry import HANDLERS
from im.types import ClientType, SessionType
from im.wire import catalog
from im.wire.catalog import Command, Direction
from im.wire.pdu import encode_pdu
from im.wire.proto import base_define_pb2 as base
from im.wire.proto import (
    buddy_pb2,
    file_pb2,
    group_pb2,
    login_pb2,
    message_pb2,
    switch_service_pb2,
)
from tests.client import SILENCE_S
from tests.people import Entrance, People

GROUP, SINGLE = SessionType.GROUP, SessionType.SINGLE

# --- the connection's user is the only identity -----------------------------------------------

# Of each reply the field that says whose it is; requests claim to be somebody else's.
CLAIMS: list[Message] = [
    buddy_pb2.IMRecentContactSessionReq(latest_update_time=0),
    buddy_pb2.IMUsersInfoReq(user_id_list=[1]),
    buddy_pb2.IMRemoveSessionReq(session_type=SINGLE, session_id=1),
    buddy_pb2.IMAllUserReq(latest_update_time=2**31),
    buddy_pb2.IMUsersStatReq(user_id_list=[1]),
    buddy_pb2.IMChangeAvatarReq(avatar_url="x"),
    buddy_pb2.IMDepartmentReq(latest_update_time=2**31),
    buddy_pb2.IMChangeSignInfoReq(sign_info="x"),
    group_pb2.IMNormalGroupListReq(),
    group_pb2.IMGroupInfoListReq(),
    group_pb2.IMGroupCreateReq(
        group_type=base.GROUP_TYPE_TMP, group_name="", group_avatar="", member_id_list=[1]
    ),
    group_pb2.IMGroupChangeMemberReq(change_type=base.GROUP_MODIFY_TYPE_ADD, group_id=1),
    group_pb2.IMGroupShieldReq(group_id=2**31, shield_status=1),
    message_pb2.IMMsgData(
        to_session_id=1, msg_id=0, create_time=0, msg_type=base.MSG_TYPE_SINGLE_TEXT, msg_data=b"x"
    ),
    message_pb2.IMUnreadMsgCntReq(),
    message_pb2.IMGetMsgListReq(session_type=GROUP, session_id=1, msg_id_begin=0, msg_cnt=1),
    message_pb2.IMGetLatestMsgIdReq(session_type=GROUP, session_id=1),
    message_pb2.IMGetMsgByIdReq(session_type=GROUP, session_id=1),
    login_pb2.IMKickPCClientReq(),
    login_pb2.IMPushShieldReq(shield_status=0),
    login_pb2.IMQueryPushShieldReq(),
    login_pb2.IMDeviceTokenReq(device_token="a token of this test"),
    file_pb2.IMFileReq(to_user_id=1, file_name="a", file_size=1, trans_mode=2),
    file_pb2.IMFileHasOfflineReq(),
]
# Client commands that claim nothing, or that have no reply: tested one by one.
WITHOUT_CLAIM_OR_REPLY = {
    Command.LOGIN_REQ_MSGSERVER,
    Command.LOGIN_REQ_USERLOGIN,
    Command.LOGIN_REQ_LOGINOUT,
    Command.MSG_TIME_REQUEST,
    Command.OTHER_HEARTBEAT,
    Command.MSG_DATA_ACK,
    Command.MSG_READ_ACK,
    Command.SWITCH_P2P_CMD,
    Command.FILE_ADD_OFFLINE_REQ,
    Command.FILE_DEL_OFFLINE_REQ,
}


@pytest.mark.parametrize("request_", CLAIMS, ids=lambda claim: type(claim).__name__)
async def test_a_reply_is_for_whom_the_connection_belongs_to(
    entrance: Entrance, people: People, request_: Message
) -> None:
    ada, bob = people(2)
    phone = await entrance.log_in(ada, ClientType.IOS)
    names = {field.name for field in request_.DESCRIPTOR.fields}
    name = "from_user_id" if "from_user_id" in names else "user_id"
    claim = type(request_)()
    claim.CopyFrom(request_)
    setattr(claim, name, bob.id)
    reply = catalog.reply_of(catalog.command_of(claim))
    assert reply is not None
    kind = catalog.message_class(reply)
    assert kind is not None

    answer = await phone.call(claim, kind)

    [whose] = [
        value for field, value in answer.ListFields() if field.name in ("user_id", "from_user_id")
    ]
    assert whose == ada.id


def test_every_command_with_a_claim_and_a_reply_is_tested_above() -> None:
    tested = {catalog.command_of(claim) for claim in CLAIMS}

    assert tested | WITHOUT_CLAIM_OR_REPLY == {Command(number) for number in HANDLERS}


# --- before login -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "command",
    [
        command
        for command in Command
        if Direction.CLIENT_TO_SERVER in catalog.direction_of(command)
        and not (command in HANDLERS and HANDLERS[command].anonymous)
    ],
    ids=lambda command: f"0x{command:04x}",
)
async def test_nobody_is_served_before_login(entrance: Entrance, command: Command) -> None:
    guest = await entrance.connect()
    kind = catalog.message_class(command)
    assert kind is not None

    guest.send_bytes(encode_pdu(command, kind().SerializePartialToString(), 1))

    assert await guest.closed(timeout_s=5)
    assert guest.unread == []


async def test_a_signal_before_login_reaches_nobody(entrance: Entrance, people: People) -> None:
    [ada] = people(1)
    a, guest = await entrance.log_in(ada), await entrance.connect()

    guest.send(
        switch_service_pb2.IMP2PCmdMsg(from_user_id=1, to_user_id=ada.id, cmd_msg_data="boo")
    )

    assert await guest.closed()
    assert await a.silence(switch_service_pb2.IMP2PCmdMsg, for_s=SILENCE_S)
