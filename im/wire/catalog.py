"""The one table of the protocol: command id, message class, direction; bodies to messages and back.

Numbers come from the .proto files.  A new command is a message and an enum value there, its name in
`Command` and a row in `_ROWS`.
"""

from enum import Flag, IntEnum

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import DecodeError, Message

from im.errors import BadBody
from im.wire.pdu import encode_pdu
from im.wire.proto import base_define_pb2 as pb
from im.wire.proto import buddy_pb2 as buddy
from im.wire.proto import file_pb2 as file
from im.wire.proto import group_pb2 as group
from im.wire.proto import login_pb2 as login
from im.wire.proto import message_pb2 as msg
from im.wire.proto import other_pb2 as other
from im.wire.proto import server_pb2 as server
from im.wire.proto import switch_service_pb2 as switch_service

Body = Message  # what a PDU's body is parsed into, for floors that know no protobuf


class Direction(Flag):
    """Who may send a command; `Direction.CLIENT_TO_SERVER in direction` asks about clients."""

    CLIENT_TO_SERVER = 1
    SERVER_TO_CLIENT = 2
    BOTH = CLIENT_TO_SERVER | SERVER_TO_CLIENT
    INTERNAL = 4  # between the original's daemons


class Command(IntEnum):
    """Command ids under their names in the schema, without the prefix CID_."""

    # login
    LOGIN_REQ_MSGSERVER = pb.CID_LOGIN_REQ_MSGSERVER
    LOGIN_RES_MSGSERVER = pb.CID_LOGIN_RES_MSGSERVER
    LOGIN_REQ_USERLOGIN = pb.CID_LOGIN_REQ_USERLOGIN
    LOGIN_RES_USERLOGIN = pb.CID_LOGIN_RES_USERLOGIN
    LOGIN_REQ_LOGINOUT = pb.CID_LOGIN_REQ_LOGINOUT
    LOGIN_RES_LOGINOUT = pb.CID_LOGIN_RES_LOGINOUT
    LOGIN_KICK_USER = pb.CID_LOGIN_KICK_USER
    LOGIN_REQ_DEVICETOKEN = pb.CID_LOGIN_REQ_DEVICETOKEN
    LOGIN_RES_DEVICETOKEN = pb.CID_LOGIN_RES_DEVICETOKEN
    LOGIN_REQ_KICKPCCLIENT = pb.CID_LOGIN_REQ_KICKPCCLIENT
    LOGIN_RES_KICKPCCLIENT = pb.CID_LOGIN_RES_KICKPCCLIENT
    LOGIN_REQ_PUSH_SHIELD = pb.CID_LOGIN_REQ_PUSH_SHIELD
    LOGIN_RES_PUSH_SHIELD = pb.CID_LOGIN_RES_PUSH_SHIELD
    LOGIN_REQ_QUERY_PUSH_SHIELD = pb.CID_LOGIN_REQ_QUERY_PUSH_SHIELD
    LOGIN_RES_QUERY_PUSH_SHIELD = pb.CID_LOGIN_RES_QUERY_PUSH_SHIELD

    # directory and presence
    BUDDY_LIST_RECENT_CONTACT_SESSION_REQUEST = pb.CID_BUDDY_LIST_RECENT_CONTACT_SESSION_REQUEST
    BUDDY_LIST_RECENT_CONTACT_SESSION_RESPONSE = pb.CID_BUDDY_LIST_RECENT_CONTACT_SESSION_RESPONSE
    BUDDY_LIST_STATUS_NOTIFY = pb.CID_BUDDY_LIST_STATUS_NOTIFY
    BUDDY_LIST_USER_INFO_REQUEST = pb.CID_BUDDY_LIST_USER_INFO_REQUEST
    BUDDY_LIST_USER_INFO_RESPONSE = pb.CID_BUDDY_LIST_USER_INFO_RESPONSE
    BUDDY_LIST_REMOVE_SESSION_REQ = pb.CID_BUDDY_LIST_REMOVE_SESSION_REQ
    BUDDY_LIST_REMOVE_SESSION_RES = pb.CID_BUDDY_LIST_REMOVE_SESSION_RES
    BUDDY_LIST_ALL_USER_REQUEST = pb.CID_BUDDY_LIST_ALL_USER_REQUEST
    BUDDY_LIST_ALL_USER_RESPONSE = pb.CID_BUDDY_LIST_ALL_USER_RESPONSE
    BUDDY_LIST_USERS_STATUS_REQUEST = pb.CID_BUDDY_LIST_USERS_STATUS_REQUEST
    BUDDY_LIST_USERS_STATUS_RESPONSE = pb.CID_BUDDY_LIST_USERS_STATUS_RESPONSE
    BUDDY_LIST_CHANGE_AVATAR_REQUEST = pb.CID_BUDDY_LIST_CHANGE_AVATAR_REQUEST
    BUDDY_LIST_CHANGE_AVATAR_RESPONSE = pb.CID_BUDDY_LIST_CHANGE_AVATAR_RESPONSE
    BUDDY_LIST_PC_LOGIN_STATUS_NOTIFY = pb.CID_BUDDY_LIST_PC_LOGIN_STATUS_NOTIFY
    BUDDY_LIST_REMOVE_SESSION_NOTIFY = pb.CID_BUDDY_LIST_REMOVE_SESSION_NOTIFY
    BUDDY_LIST_DEPARTMENT_REQUEST = pb.CID_BUDDY_LIST_DEPARTMENT_REQUEST
    BUDDY_LIST_DEPARTMENT_RESPONSE = pb.CID_BUDDY_LIST_DEPARTMENT_RESPONSE
    BUDDY_LIST_AVATAR_CHANGED_NOTIFY = pb.CID_BUDDY_LIST_AVATAR_CHANGED_NOTIFY
    BUDDY_LIST_CHANGE_SIGN_INFO_REQUEST = pb.CID_BUDDY_LIST_CHANGE_SIGN_INFO_REQUEST
    BUDDY_LIST_CHANGE_SIGN_INFO_RESPONSE = pb.CID_BUDDY_LIST_CHANGE_SIGN_INFO_RESPONSE
    BUDDY_LIST_SIGN_INFO_CHANGED_NOTIFY = pb.CID_BUDDY_LIST_SIGN_INFO_CHANGED_NOTIFY

    # messages
    MSG_DATA = pb.CID_MSG_DATA
    MSG_DATA_ACK = pb.CID_MSG_DATA_ACK
    MSG_READ_ACK = pb.CID_MSG_READ_ACK
    MSG_READ_NOTIFY = pb.CID_MSG_READ_NOTIFY
    MSG_TIME_REQUEST = pb.CID_MSG_TIME_REQUEST
    MSG_TIME_RESPONSE = pb.CID_MSG_TIME_RESPONSE
    MSG_UNREAD_CNT_REQUEST = pb.CID_MSG_UNREAD_CNT_REQUEST
    MSG_UNREAD_CNT_RESPONSE = pb.CID_MSG_UNREAD_CNT_RESPONSE
    MSG_LIST_REQUEST = pb.CID_MSG_LIST_REQUEST
    MSG_LIST_RESPONSE = pb.CID_MSG_LIST_RESPONSE
    MSG_GET_LATEST_MSG_ID_REQ = pb.CID_MSG_GET_LATEST_MSG_ID_REQ
    MSG_GET_LATEST_MSG_ID_RSP = pb.CID_MSG_GET_LATEST_MSG_ID_RSP
    MSG_GET_BY_MSG_ID_REQ = pb.CID_MSG_GET_BY_MSG_ID_REQ
    MSG_GET_BY_MSG_ID_RES = pb.CID_MSG_GET_BY_MSG_ID_RES

    # groups
    GROUP_NORMAL_LIST_REQUEST = pb.CID_GROUP_NORMAL_LIST_REQUEST
    GROUP_NORMAL_LIST_RESPONSE = pb.CID_GROUP_NORMAL_LIST_RESPONSE
    GROUP_INFO_REQUEST = pb.CID_GROUP_INFO_REQUEST
    GROUP_INFO_RESPONSE = pb.CID_GROUP_INFO_RESPONSE
    GROUP_CREATE_REQUEST = pb.CID_GROUP_CREATE_REQUEST
    GROUP_CREATE_RESPONSE = pb.CID_GROUP_CREATE_RESPONSE
    GROUP_CHANGE_MEMBER_REQUEST = pb.CID_GROUP_CHANGE_MEMBER_REQUEST
    GROUP_CHANGE_MEMBER_RESPONSE = pb.CID_GROUP_CHANGE_MEMBER_RESPONSE
    GROUP_SHIELD_GROUP_REQUEST = pb.CID_GROUP_SHIELD_GROUP_REQUEST
    GROUP_SHIELD_GROUP_RESPONSE = pb.CID_GROUP_SHIELD_GROUP_RESPONSE
    GROUP_CHANGE_MEMBER_NOTIFY = pb.CID_GROUP_CHANGE_MEMBER_NOTIFY

    # files
    FILE_LOGIN_REQ = pb.CID_FILE_LOGIN_REQ
    FILE_LOGIN_RES = pb.CID_FILE_LOGIN_RES
    FILE_STATE = pb.CID_FILE_STATE
    FILE_PULL_DATA_REQ = pb.CID_FILE_PULL_DATA_REQ
    FILE_PULL_DATA_RSP = pb.CID_FILE_PULL_DATA_RSP
    FILE_REQUEST = pb.CID_FILE_REQUEST
    FILE_RESPONSE = pb.CID_FILE_RESPONSE
    FILE_NOTIFY = pb.CID_FILE_NOTIFY
    FILE_HAS_OFFLINE_REQ = pb.CID_FILE_HAS_OFFLINE_REQ
    FILE_HAS_OFFLINE_RES = pb.CID_FILE_HAS_OFFLINE_RES
    FILE_ADD_OFFLINE_REQ = pb.CID_FILE_ADD_OFFLINE_REQ
    FILE_DEL_OFFLINE_REQ = pb.CID_FILE_DEL_OFFLINE_REQ

    # signals
    SWITCH_P2P_CMD = pb.CID_SWITCH_P2P_CMD

    # heartbeat; the rest ran between the original's daemons
    OTHER_HEARTBEAT = pb.CID_OTHER_HEARTBEAT
    OTHER_STOP_RECV_PACKET = pb.CID_OTHER_STOP_RECV_PACKET
    OTHER_VALIDATE_REQ = pb.CID_OTHER_VALIDATE_REQ
    OTHER_VALIDATE_RSP = pb.CID_OTHER_VALIDATE_RSP
    OTHER_GET_DEVICE_TOKEN_REQ = pb.CID_OTHER_GET_DEVICE_TOKEN_REQ
    OTHER_GET_DEVICE_TOKEN_RSP = pb.CID_OTHER_GET_DEVICE_TOKEN_RSP
    OTHER_ROLE_SET = pb.CID_OTHER_ROLE_SET
    OTHER_ONLINE_USER_INFO = pb.CID_OTHER_ONLINE_USER_INFO
    OTHER_MSG_SERV_INFO = pb.CID_OTHER_MSG_SERV_INFO
    OTHER_USER_STATUS_UPDATE = pb.CID_OTHER_USER_STATUS_UPDATE
    OTHER_USER_CNT_UPDATE = pb.CID_OTHER_USER_CNT_UPDATE
    OTHER_SERVER_KICK_USER = pb.CID_OTHER_SERVER_KICK_USER
    OTHER_LOGIN_STATUS_NOTIFY = pb.CID_OTHER_LOGIN_STATUS_NOTIFY
    OTHER_PUSH_TO_USER_REQ = pb.CID_OTHER_PUSH_TO_USER_REQ
    OTHER_PUSH_TO_USER_RSP = pb.CID_OTHER_PUSH_TO_USER_RSP
    OTHER_GET_SHIELD_REQ = pb.CID_OTHER_GET_SHIELD_REQ
    OTHER_GET_SHIELD_RSP = pb.CID_OTHER_GET_SHIELD_RSP
    OTHER_FILE_TRANSFER_REQ = pb.CID_OTHER_FILE_TRANSFER_REQ
    OTHER_FILE_TRANSFER_RSP = pb.CID_OTHER_FILE_TRANSFER_RSP
    OTHER_FILE_SERVER_IP_REQ = pb.CID_OTHER_FILE_SERVER_IP_REQ
    OTHER_FILE_SERVER_IP_RSP = pb.CID_OTHER_FILE_SERVER_IP_RSP


_UP = Direction.CLIENT_TO_SERVER
_DOWN = Direction.SERVER_TO_CLIENT
_BOTH = Direction.BOTH
_INTERNAL = Direction.INTERNAL

_ROWS: dict[Command, tuple[type[Message], Direction]] = {
    # login
    Command.LOGIN_REQ_MSGSERVER: (login.IMMsgServReq, _UP),
    Command.LOGIN_RES_MSGSERVER: (login.IMMsgServRsp, _DOWN),
    Command.LOGIN_REQ_USERLOGIN: (login.IMLoginReq, _UP),
    Command.LOGIN_RES_USERLOGIN: (login.IMLoginRes, _DOWN),
    Command.LOGIN_REQ_LOGINOUT: (login.IMLogoutReq, _UP),
    Command.LOGIN_RES_LOGINOUT: (login.IMLogoutRsp, _DOWN),
    Command.LOGIN_KICK_USER: (login.IMKickUser, _DOWN),
    Command.LOGIN_REQ_DEVICETOKEN: (login.IMDeviceTokenReq, _UP),
    Command.LOGIN_RES_DEVICETOKEN: (login.IMDeviceTokenRsp, _DOWN),
    Command.LOGIN_REQ_KICKPCCLIENT: (login.IMKickPCClientReq, _UP),
    Command.LOGIN_RES_KICKPCCLIENT: (login.IMKickPCClientRsp, _DOWN),
    Command.LOGIN_REQ_PUSH_SHIELD: (login.IMPushShieldReq, _UP),
    Command.LOGIN_RES_PUSH_SHIELD: (login.IMPushShieldRsp, _DOWN),
    Command.LOGIN_REQ_QUERY_PUSH_SHIELD: (login.IMQueryPushShieldReq, _UP),
    Command.LOGIN_RES_QUERY_PUSH_SHIELD: (login.IMQueryPushShieldRsp, _DOWN),
    # directory and presence
    Command.BUDDY_LIST_RECENT_CONTACT_SESSION_REQUEST: (buddy.IMRecentContactSessionReq, _UP),
    Command.BUDDY_LIST_RECENT_CONTACT_SESSION_RESPONSE: (buddy.IMRecentContactSessionRsp, _DOWN),
    Command.BUDDY_LIST_STATUS_NOTIFY: (buddy.IMUserStatNotify, _DOWN),
    Command.BUDDY_LIST_USER_INFO_REQUEST: (buddy.IMUsersInfoReq, _UP),
    Command.BUDDY_LIST_USER_INFO_RESPONSE: (buddy.IMUsersInfoRsp, _DOWN),
    Command.BUDDY_LIST_REMOVE_SESSION_REQ: (buddy.IMRemoveSessionReq, _UP),
    Command.BUDDY_LIST_REMOVE_SESSION_RES: (buddy.IMRemoveSessionRsp, _DOWN),
    Command.BUDDY_LIST_ALL_USER_REQUEST: (buddy.IMAllUserReq, _UP),
    Command.BUDDY_LIST_ALL_USER_RESPONSE: (buddy.IMAllUserRsp, _DOWN),
    Command.BUDDY_LIST_USERS_STATUS_REQUEST: (buddy.IMUsersStatReq, _UP),
    Command.BUDDY_LIST_USERS_STATUS_RESPONSE: (buddy.IMUsersStatRsp, _DOWN),
    Command.BUDDY_LIST_CHANGE_AVATAR_REQUEST: (buddy.IMChangeAvatarReq, _UP),
    Command.BUDDY_LIST_CHANGE_AVATAR_RESPONSE: (buddy.IMChangeAvatarRsp, _DOWN),
    Command.BUDDY_LIST_PC_LOGIN_STATUS_NOTIFY: (buddy.IMPCLoginStatusNotify, _DOWN),
    Command.BUDDY_LIST_REMOVE_SESSION_NOTIFY: (buddy.IMRemoveSessionNotify, _DOWN),
    Command.BUDDY_LIST_DEPARTMENT_REQUEST: (buddy.IMDepartmentReq, _UP),
    Command.BUDDY_LIST_DEPARTMENT_RESPONSE: (buddy.IMDepartmentRsp, _DOWN),
    Command.BUDDY_LIST_AVATAR_CHANGED_NOTIFY: (buddy.IMAvatarChangedNotify, _DOWN),
    Command.BUDDY_LIST_CHANGE_SIGN_INFO_REQUEST: (buddy.IMChangeSignInfoReq, _UP),
    Command.BUDDY_LIST_CHANGE_SIGN_INFO_RESPONSE: (buddy.IMChangeSignInfoRsp, _DOWN),
    Command.BUDDY_LIST_SIGN_INFO_CHANGED_NOTIFY: (buddy.IMSignInfoChangedNotify, _DOWN),
    # messages
    Command.MSG_DATA: (msg.IMMsgData, _BOTH),
    Command.MSG_DATA_ACK: (msg.IMMsgDataAck, _BOTH),
    Command.MSG_READ_ACK: (msg.IMMsgDataReadAck, _UP),
    Command.MSG_READ_NOTIFY: (msg.IMMsgDataReadNotify, _DOWN),
    Command.MSG_TIME_REQUEST: (msg.IMClientTimeReq, _UP),
    Command.MSG_TIME_RESPONSE: (msg.IMClientTimeRsp, _DOWN),
    Command.MSG_UNREAD_CNT_REQUEST: (msg.IMUnreadMsgCntReq, _UP),
    Command.MSG_UNREAD_CNT_RESPONSE: (msg.IMUnreadMsgCntRsp, _DOWN),
    Command.MSG_LIST_REQUEST: (msg.IMGetMsgListReq, _UP),
    Command.MSG_LIST_RESPONSE: (msg.IMGetMsgListRsp, _DOWN),
    Command.MSG_GET_LATEST_MSG_ID_REQ: (msg.IMGetLatestMsgIdReq, _UP),
    Command.MSG_GET_LATEST_MSG_ID_RSP: (msg.IMGetLatestMsgIdRsp, _DOWN),
    Command.MSG_GET_BY_MSG_ID_REQ: (msg.IMGetMsgByIdReq, _UP),
    Command.MSG_GET_BY_MSG_ID_RES: (msg.IMGetMsgByIdRsp, _DOWN),
    # groups
    Command.GROUP_NORMAL_LIST_REQUEST: (group.IMNormalGroupListReq, _UP),
    Command.GROUP_NORMAL_LIST_RESPONSE: (group.IMNormalGroupListRsp, _DOWN),
    Command.GROUP_INFO_REQUEST: (group.IMGroupInfoListReq, _UP),
    Command.GROUP_INFO_RESPONSE: (group.IMGroupInfoListRsp, _DOWN),
    Command.GROUP_CREATE_REQUEST: (group.IMGroupCreateReq, _UP),
    Command.GROUP_CREATE_RESPONSE: (group.IMGroupCreateRsp, _DOWN),
    Command.GROUP_CHANGE_MEMBER_REQUEST: (group.IMGroupChangeMemberReq, _UP),
    Command.GROUP_CHANGE_MEMBER_RESPONSE: (group.IMGroupChangeMemberRsp, _DOWN),
    Command.GROUP_SHIELD_GROUP_REQUEST: (group.IMGroupShieldReq, _UP),
    Command.GROUP_SHIELD_GROUP_RESPONSE: (group.IMGroupShieldRsp, _DOWN),
    Command.GROUP_CHANGE_MEMBER_NOTIFY: (group.IMGroupChangeMemberNotify, _DOWN),
    # files
    Command.FILE_LOGIN_REQ: (file.IMFileLoginReq, _UP),
    Command.FILE_LOGIN_RES: (file.IMFileLoginRsp, _DOWN),
    Command.FILE_STATE: (file.IMFileState, _BOTH),
    Command.FILE_PULL_DATA_REQ: (file.IMFilePullDataReq, _BOTH),
    Command.FILE_PULL_DATA_RSP: (file.IMFilePullDataRsp, _BOTH),
    Command.FILE_REQUEST: (file.IMFileReq, _UP),
    Command.FILE_RESPONSE: (file.IMFileRsp, _DOWN),
    Command.FILE_NOTIFY: (file.IMFileNotify, _DOWN),
    Command.FILE_HAS_OFFLINE_REQ: (file.IMFileHasOfflineReq, _UP),
    Command.FILE_HAS_OFFLINE_RES: (file.IMFileHasOfflineRsp, _DOWN),
    Command.FILE_ADD_OFFLINE_REQ: (file.IMFileAddOfflineReq, _UP),
    Command.FILE_DEL_OFFLINE_REQ: (file.IMFileDelOfflineReq, _UP),
    # signals
    Command.SWITCH_P2P_CMD: (switch_service.IMP2PCmdMsg, _BOTH),
    # heartbeat; the rest ran between the original's daemons
    Command.OTHER_HEARTBEAT: (other.IMHeartBeat, _BOTH),
    Command.OTHER_STOP_RECV_PACKET: (server.IMStopReceivePacket, _INTERNAL),
    Command.OTHER_VALIDATE_REQ: (server.IMValidateReq, _INTERNAL),
    Command.OTHER_VALIDATE_RSP: (server.IMValidateRsp, _INTERNAL),
    Command.OTHER_GET_DEVICE_TOKEN_REQ: (server.IMGetDeviceTokenReq, _INTERNAL),
    Command.OTHER_GET_DEVICE_TOKEN_RSP: (server.IMGetDeviceTokenRsp, _INTERNAL),
    Command.OTHER_ROLE_SET: (server.IMRoleSet, _INTERNAL),
    Command.OTHER_ONLINE_USER_INFO: (server.IMOnlineUserInfo, _INTERNAL),
    Command.OTHER_MSG_SERV_INFO: (server.IMMsgServInfo, _INTERNAL),
    Command.OTHER_USER_STATUS_UPDATE: (server.IMUserStatusUpdate, _INTERNAL),
    Command.OTHER_USER_CNT_UPDATE: (server.IMUserCntUpdate, _INTERNAL),
    Command.OTHER_SERVER_KICK_USER: (server.IMServerKickUser, _INTERNAL),
    Command.OTHER_LOGIN_STATUS_NOTIFY: (server.IMServerPCLoginStatusNotify, _INTERNAL),
    Command.OTHER_PUSH_TO_USER_REQ: (server.IMPushToUserReq, _INTERNAL),
    Command.OTHER_PUSH_TO_USER_RSP: (server.IMPushToUserRsp, _INTERNAL),
    Command.OTHER_GET_SHIELD_REQ: (server.IMGroupGetShieldReq, _INTERNAL),
    Command.OTHER_GET_SHIELD_RSP: (server.IMGroupGetShieldRsp, _INTERNAL),
    Command.OTHER_FILE_TRANSFER_REQ: (server.IMFileTransferReq, _INTERNAL),
    Command.OTHER_FILE_TRANSFER_RSP: (server.IMFileTransferRsp, _INTERNAL),
    Command.OTHER_FILE_SERVER_IP_REQ: (server.IMFileServerIPReq, _INTERNAL),
    Command.OTHER_FILE_SERVER_IP_RSP: (server.IMFileServerIPRsp, _INTERNAL),
}

ATTACH_DATA = "attach_data"  # field 20: how the original's daemons found the waiting connection

_CLASS_OF: dict[int, type[Message]] = {int(row): _ROWS[row][0] for row in _ROWS}
_COMMAND_OF = {message_type: command for command, (message_type, _) in _ROWS.items()}
_WITH_ATTACH_DATA = frozenset(
    message_type
    for message_type in _COMMAND_OF
    if ATTACH_DATA in message_type.DESCRIPTOR.fields_by_name
)
_TEXT_FIELDS = {
    message_type: tuple(
        field.name
        for field in message_type.DESCRIPTOR.fields
        if field.type == FieldDescriptor.TYPE_STRING
    )
    for message_type in _COMMAND_OF
}


def message_class(command_id: int) -> type[Message] | None:
    """Return the class of a command's body, None for a command nobody knows."""
    return _CLASS_OF.get(command_id)


def command_of(message: Message | type[Message]) -> Command:
    """Return the command whose body this is.  Raises KeyError for embedded structures."""
    return _COMMAND_OF[message if isinstance(message, type) else type(message)]


def direction_of(command: Command) -> Direction:
    """Return who may send a command."""
    return _ROWS[command][1]


def reply_of(command: Command) -> Command | None:
    """Return the command that answers this one, None where the protocol has no answer.

    The schema's names say it: a reply is called as its request, but for the word; an
    acknowledgement has ACK behind the name of what it acknowledges; a heartbeat answers itself.
    """
    if command is Command.OTHER_HEARTBEAT:
        return command
    words = command.name.split("_")
    names = [
        "_".join(answer if word == request else word for word in words)
        for request, answer in _ANSWERS
        if request in words
    ]
    found = (Command.__members__.get(name) for name in [*names, f"{command.name}_ACK"])
    return next((reply for reply in found if reply is not None), None)


_ANSWERS = (("REQ", "RES"), ("REQ", "RSP"), ("REQUEST", "RESPONSE"))


def decode(command_id: int, body: bytes) -> Message:
    """Return the message in a PDU's body, without the fields its class does not know.

    Raises BadBody for an unknown command id, a corrupt body, a missing required field (an unknown
    number in a required enum counts as missing) and for text that is not UTF-8 (spec: protocol,
    sections 3.4 and 12).  Text inside embedded structures, which only servers send, is not looked
    at.
    """
    message_type = _CLASS_OF.get(command_id)
    if message_type is None:
        raise BadBody(f"unknown command 0x{command_id:04x}")
    try:
        message = message_type.FromString(body)
    except DecodeError as error:
        raise BadBody(f"corrupt body of 0x{command_id:04x}") from error
    if not message.IsInitialized():
        raise BadBody(f"incomplete body of 0x{command_id:04x}")
    for name in _TEXT_FIELDS[message_type]:
        if isinstance(getattr(message, name), bytes):  # what upb gives for text that is not UTF-8
            raise BadBody(f"{name} of 0x{command_id:04x} is not UTF-8")
    message.DiscardUnknownFields()  # lest a relayed message carries them on, number 20 among them
    return message


def encode(message: Message, seq: int = 0, *, followed_by: int = 0) -> bytes:
    """Return the whole PDU of a message, without its attach_data, which is no client's business.

    `followed_by`: that many bytes of encoded fields will be sent behind it and belong to it.

    Raises EncodeError when a required field is not set and KeyError for embedded structures.
    """
    message_type = type(message)
    if message_type in _WITH_ATTACH_DATA and message.HasField(ATTACH_DATA):
        stripped = message_type()
        stripped.CopyFrom(message)
        stripped.ClearField(ATTACH_DATA)
        message = stripped
    body = message.SerializeToString()
    return encode_pdu(_COMMAND_OF[message_type], body, seq, followed_by=followed_by)
