"""Bodies to messages and back: what is dropped, what is refused, what never leaves."""

import pytest
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import EncodeError

from im.errors import BadBody
from im.types import ClientType, MsgType, SessionType
from im.wire.catalog import (
    Command,
    Direction,
    command_of,
    decode,
    direction_of,
    encode,
    message_class,
)
from im.wire.pdu import HEADER_LENGTH
from im.wire.proto import base_define_pb2 as pb
from im.wire.proto import group_pb2, login_pb2, message_pb2, other_pb2, switch_service_pb2

TEXT = message_pb2.IMMsgData(
    from_user_id=1,
    to_session_id=2,
    msg_id=0,
    create_time=0,
    msg_type=MsgType.SINGLE_TEXT,
    msg_data=b"nnZSBwfPCz60q69ddmfIJA==",
)
BODY = TEXT.SerializeToString()
FIELD_20 = b"\xa2\x01\x03abc"  # number 20, three bytes
COMMANDS_OF_CLIENTS = [
    command for command in Command if Direction.CLIENT_TO_SERVER in direction_of(command)
]


def required_fields(command: Command) -> list[str]:
    body_class = message_class(command)
    assert body_class is not None
    return [field.name for field in body_class.DESCRIPTOR.fields if field.is_required]


def test_a_body_becomes_the_message_of_its_command() -> None:
    assert decode(0x0301, BODY) == TEXT


def test_an_empty_body_is_a_message_without_fields() -> None:
    assert decode(Command.OTHER_HEARTBEAT, b"") == other_pb2.IMHeartBeat()


@pytest.mark.parametrize("command_id", [0x0000, 0x070C, 0x0713, 0x0735, 0xFFFF])
def test_an_unknown_command_is_a_bad_body(command_id: int) -> None:
    assert message_class(command_id) is None
    with pytest.raises(BadBody, match=f"0x{command_id:04x}"):
        decode(command_id, b"")


@pytest.mark.parametrize("length", range(1, len(BODY)))
def test_a_body_that_was_cut_is_bad(length: int) -> None:
    with pytest.raises(BadBody):
        decode(Command.MSG_DATA, BODY[:length])


@pytest.mark.parametrize("command", [c for c in Command if required_fields(c)])
def test_an_empty_body_is_bad_where_fields_are_required(command: Command) -> None:
    with pytest.raises(BadBody, match="incomplete"):
        decode(command, b"")


@pytest.mark.parametrize("command", [c for c in Command if not required_fields(c)])
def test_an_empty_body_is_good_where_none_are_required(command: Command) -> None:
    assert type(decode(command, b"")) is message_class(command)


def test_a_missing_required_field_is_a_bad_body() -> None:
    with pytest.raises(BadBody, match="incomplete"):
        decode(Command.MSG_READ_ACK, bytes.fromhex("080110021803"))


def test_a_default_does_not_stand_in_for_a_required_field() -> None:
    with pytest.raises(BadBody, match="incomplete"):
        decode(Command.GROUP_CREATE_REQUEST, bytes.fromhex("08011a01672200"))


def test_a_missing_field_of_an_embedded_structure_is_a_bad_body() -> None:
    with pytest.raises(BadBody, match="incomplete"):
        decode(Command.GROUP_INFO_REQUEST, bytes.fromhex("0801 1202 0807"))


def test_an_unknown_number_in_a_required_enum_is_a_bad_body() -> None:
    with pytest.raises(BadBody, match="incomplete"):
        decode(Command.MSG_DATA, BODY.replace(b"\x28\x01", b"\x28\x05"))


def test_an_unknown_number_in_an_optional_enum_is_ignored() -> None:
    token = decode(Command.LOGIN_REQ_DEVICETOKEN, bytes.fromhex("0801 1201 74 1805"))

    assert token == login_pb2.IMDeviceTokenReq(user_id=1, device_token="t")


def test_the_web_client_type_is_known() -> None:
    login = decode(Command.LOGIN_REQ_USERLOGIN, bytes.fromhex("0a01 61 1201 62 1801 2021"))

    assert login == login_pb2.IMLoginReq(
        user_name="a", password="b", online_status=pb.USER_STATUS_ONLINE, client_type=ClientType.WEB
    )


def test_text_that_is_not_utf8_is_a_bad_body() -> None:
    with pytest.raises(BadBody, match="cmd_msg_data"):
        decode(Command.SWITCH_P2P_CMD, b"\x08\x01\x10\x02\x1a\x02\xff\xfe")


def test_no_client_sends_text_inside_an_embedded_structure() -> None:
    body_classes = [message_class(command) for command in COMMANDS_OF_CLIENTS]
    kinds = {
        inner.type
        for body_class in body_classes
        if body_class
        for field in body_class.DESCRIPTOR.fields
        if field.message_type
        for inner in field.message_type.fields
    }

    assert kinds == {FieldDescriptor.TYPE_UINT32}


def test_bytes_that_are_not_utf8_stay_as_they_are() -> None:
    message = message_pb2.IMMsgData(msg_data=b"\xff\xfe", msg_type=MsgType.GROUP_AUDIO)
    message.from_user_id = message.to_session_id = message.msg_id = message.create_time = 1

    assert decode(Command.MSG_DATA, message.SerializeToString()) == message


def test_packed_numbers_are_accepted() -> None:
    packed = decode(Command.BUDDY_LIST_USER_INFO_REQUEST, bytes.fromhex("0801 1202 0203"))

    assert packed == decode(Command.BUDDY_LIST_USER_INFO_REQUEST, bytes.fromhex("0801 1002 1003"))


def test_repeated_numbers_are_sent_unpacked() -> None:
    notify = group_pb2.IMGroupChangeMemberNotify(
        user_id=1,
        change_type=pb.GROUP_MODIFY_TYPE_ADD,
        group_id=2,
        cur_user_id_list=[3, 4],
        chg_user_id_list=[4],
    )

    assert encode(notify)[HEADER_LENGTH:] == bytes.fromhex("0801 1001 1802 2003 2004 2804")


def test_attach_data_of_a_client_does_not_leave_again() -> None:
    message = decode(Command.MSG_DATA, BODY + FIELD_20)

    assert encode(message)[HEADER_LENGTH:] == BODY


def test_encoding_leaves_the_message_as_it_was() -> None:
    message = message_pb2.IMMsgData(attach_data=b"abc")
    message.MergeFrom(TEXT)

    encode(message)

    assert message.attach_data == b"abc"


def test_a_field_the_class_does_not_know_does_not_leave_again() -> None:
    signal = switch_service_pb2.IMP2PCmdMsg(from_user_id=1, to_user_id=2, cmd_msg_data="{}")
    body = signal.SerializeToString()

    assert encode(decode(Command.SWITCH_P2P_CMD, body + FIELD_20))[HEADER_LENGTH:] == body


def test_an_encoded_message_carries_its_command_and_seq() -> None:
    read = message_pb2.IMMsgDataReadNotify(
        user_id=1, session_id=2, msg_id=3, session_type=SessionType.GROUP
    )

    assert encode(read, seq=0xFF03) == bytes.fromhex(
        "00000018 0001 0000 0003 0304 ff03 0000 0801 1002 1803 2002"
    )


def test_an_incomplete_message_cannot_be_encoded() -> None:
    with pytest.raises(EncodeError):
        encode(message_pb2.IMClientTimeRsp())


def test_command_of_takes_messages_and_their_classes() -> None:
    assert command_of(TEXT) is command_of(message_pb2.IMMsgData) is Command.MSG_DATA


def test_embedded_structures_have_no_command() -> None:
    with pytest.raises(KeyError):
        command_of(pb.UserInfo)


@pytest.mark.parametrize("command", Command)
def test_a_body_class_belongs_to_one_command_only(command: Command) -> None:
    body_class = message_class(command)
    assert body_class is not None

    assert command_of(body_class) is command


@pytest.mark.parametrize(
    ("command", "direction"),
    [
        (Command.LOGIN_REQ_USERLOGIN, Direction.CLIENT_TO_SERVER),
        (Command.LOGIN_KICK_USER, Direction.SERVER_TO_CLIENT),
        (Command.MSG_DATA, Direction.BOTH),
        (Command.MSG_DATA_ACK, Direction.BOTH),
        (Command.OTHER_HEARTBEAT, Direction.BOTH),
        (Command.OTHER_VALIDATE_REQ, Direction.INTERNAL),
    ],
)
def test_a_command_has_its_direction(command: Command, direction: Direction) -> None:
    assert direction_of(command) is direction


def test_internal_commands_are_nothing_clients_send() -> None:
    assert Direction.CLIENT_TO_SERVER not in direction_of(Command.OTHER_SERVER_KICK_USER)
