"""Long lists in several PDUs, for clients that take no PDU beyond a length.

Android cuts the connection at a frame above 400 KiB.  Of a list in several PDUs of one command and
sequence number it adds each to what it has; what stands beside the list is the same in all of them.
"""

from collections.abc import Iterator, Sequence

from google.protobuf.message import Message

from im.wire.pdu import HEADER_LENGTH
from im.wire.proto import buddy_pb2, file_pb2, group_pb2, message_pb2

ANDROID_PDU_BYTES = 400 * 1024 - 1  # the longest it takes, header included
HEAD_BYTES = 64  # at most, of a directory's PDU: its header, the user's id and the stamp

# The field of each reply that may be given in parts.
LISTS: dict[type[Message], str] = {
    buddy_pb2.IMAllUserRsp: "user_list",
    buddy_pb2.IMDepartmentRsp: "dept_list",
    buddy_pb2.IMRecentContactSessionRsp: "contact_session_list",
    buddy_pb2.IMUsersInfoRsp: "user_info_list",
    buddy_pb2.IMUsersStatRsp: "user_stat_list",
    file_pb2.IMFileHasOfflineRsp: "offline_file_list",
    group_pb2.IMGroupInfoListRsp: "group_info_list",
    group_pb2.IMNormalGroupListRsp: "group_version_list",
    message_pb2.IMGetMsgByIdRsp: "msg_list",
    message_pb2.IMGetMsgListRsp: "msg_list",
    message_pb2.IMUnreadMsgCntRsp: "unreadinfo_list",
}


def split(message: Message, longest: int) -> list[Message]:
    """Return a reply as several whose PDUs have at most so many bytes.

    An entry that is longer than that by itself is left out; what has no list is returned as it is.
    """
    name = LISTS.get(type(message))
    if name is None:
        return [message]
    rest = type(message)()
    rest.CopyFrom(message)
    rest.ClearField(name)
    room = longest - HEADER_LENGTH - rest.ByteSize()
    parts: list[Message] = []
    left = 0
    for entry in getattr(message, name):
        size = entry.ByteSize()
        size += 1 + _varint_bytes(size)  # the field's number and the length before it
        if size > room:
            continue
        if size > left:
            part = type(message)()
            part.CopyFrom(rest)
            parts.append(part)
            left = room
        getattr(parts[-1], name).append(entry)
        left -= size
    return parts or [rest]


def ends(steps: Sequence[bytes], longest: int) -> tuple[int, ...]:
    """Return where to cut a joined list so that no part has more than so many bytes.

    Each of `steps` holds whole entries, encoded as a field of a message one behind the other.  They
    are only looked into where one of them is too long; an entry that is longer by itself stays.
    """
    found: list[int] = []
    begin = before = position = 0  # of the part, of the last entry, of the step
    for step in steps:
        for end in (len(step),) if len(step) <= longest else _ends_of_entries(step):
            if position + end - begin > longest and before > begin:
                found.append(before)
                begin = before
            before = position + end
        position += len(step)
    return (*found, position)


def _ends_of_entries(encoded: bytes) -> Iterator[int]:
    """Yield where each entry ends."""
    end = 0
    while end < len(encoded):
        end += 1  # the field's number, below 16
        length = shift = 0
        while True:
            byte = encoded[end]
            end += 1
            length |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                break
        end += length
        yield end


def _varint_bytes(value: int) -> int:
    return max(1, (value.bit_length() + 6) // 7)
