"""Lists that are too long for one PDU of Android's: cut between entries, and nothing lost."""

import pytest
from google.protobuf.message import Message

from im.wire import pieces
from im.wire.catalog import Command, Direction, direction_of, encode, message_class
from im.wire.pieces import ANDROID_PDU_BYTES
from im.wire.proto import base_define_pb2 as base
from im.wire.proto import buddy_pb2, file_pb2, message_pb2

LONGEST = 500


def person(number: int, name: str = "") -> base.UserInfo:
    return base.UserInfo(
        user_id=number, user_gender=1, user_nick_name=name, avatar_url="", department_id=1,
        email="", user_real_name="", user_tel="", user_domain="", status=0,
    )  # fmt: skip


def said(number: int, text: bytes = b"text") -> base.MsgInfo:
    return base.MsgInfo(
        msg_id=number, from_session_id=1, create_time=1, msg_type=base.MSG_TYPE_SINGLE_TEXT,
        msg_data=text,
    )  # fmt: skip


PEOPLE = buddy_pb2.IMAllUserRsp(
    user_id=7, latest_update_time=99, user_list=[person(n, "x" * (n % 90)) for n in range(100)]
)
LISTS: list[tuple[Message, str]] = [
    (PEOPLE, "user_list"),
    (
        buddy_pb2.IMDepartmentRsp(
            user_id=7,
            latest_update_time=99,
            dept_list=[
                base.DepartInfo(
                    dept_id=n, priority=1, dept_name="d" * 30, parent_dept_id=0, dept_status=0
                )
                for n in range(100)
            ],
        ),
        "dept_list",
    ),
    (
        message_pb2.IMGetMsgListRsp(
            user_id=7, session_type=1, session_id=8, msg_id_begin=100,
            msg_list=[said(n, b"x" * n) for n in range(100, 0, -1)],
        ),
        "msg_list",
    ),
    (
        message_pb2.IMGetMsgByIdRsp(
            user_id=7, session_type=1, session_id=8, msg_list=[said(n) for n in range(100)]
        ),
        "msg_list",
    ),
    (
        message_pb2.IMUnreadMsgCntRsp(
            user_id=7, total_cnt=200,
            unreadinfo_list=[
                base.UnreadInfo(
                    session_id=n, session_type=1, unread_cnt=2, latest_msg_id=2,
                    latest_msg_data=b"text", latest_msg_type=1, latest_msg_from_user_id=n,
                )
                for n in range(100)
            ],
        ),
        "unreadinfo_list",
    ),
    (
        file_pb2.IMFileHasOfflineRsp(
            user_id=7, ip_addr_list=[base.IpAddr(ip="192.0.2.7", port=8600)],
            offline_file_list=[
                base.OfflineFileInfo(from_user_id=n, task_id="t" * 36, file_name="f", file_size=1)
                for n in range(100)
            ],
        ),
        "offline_file_list",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("whole", "name"), LISTS, ids=lambda value: type(value).__name__)
def test_a_list_is_cut_between_entries_and_all_else_stands_in_each_part(
    whole: Message, name: str
) -> None:
    parts = pieces.split(whole, LONGEST)

    assert len(parts) > 1
    assert max(len(encode(part)) for part in parts) <= LONGEST
    assert [entry for part in parts for entry in getattr(part, name)] == list(getattr(whole, name))
    assert {_rest(part, name) for part in parts} == {_rest(whole, name)}


def _rest(message: Message, name: str) -> bytes:
    copy = type(message)()
    copy.CopyFrom(message)
    copy.ClearField(name)
    return copy.SerializeToString()


def test_parts_are_as_long_as_they_may_be() -> None:
    exact = len(encode(PEOPLE))

    assert len(pieces.split(PEOPLE, exact)) == 1
    assert [len(part.user_list) for part in pieces.split(PEOPLE, exact - 1)] == [99, 1]  # type: ignore[attr-defined]


@pytest.mark.parametrize("length", [126, 127, 128, 129, 16_383, 16_384, 16_385])
def test_the_length_of_an_entry_is_counted_exactly(length: int) -> None:
    page = message_pb2.IMGetMsgListRsp(
        user_id=7, session_type=1, session_id=8, msg_id_begin=2,
        msg_list=[said(2, b"x" * (length - 20)), said(1)],
    )  # fmt: skip
    exact = len(encode(page))

    assert [len(pieces.split(page, longest)) for longest in (exact, exact - 1)] == [1, 2]


def test_an_entry_that_is_too_long_by_itself_is_left_out() -> None:
    page = message_pb2.IMGetMsgListRsp(
        user_id=7, session_type=1, session_id=8, msg_id_begin=3,
        msg_list=[said(3), said(2, b"x" * LONGEST), said(1)],
    )  # fmt: skip

    [part] = pieces.split(page, LONGEST)

    assert [entry.msg_id for entry in part.msg_list] == [3, 1]  # type: ignore[attr-defined]


def test_an_empty_list_is_one_reply() -> None:
    empty = buddy_pb2.IMAllUserRsp(user_id=7, latest_update_time=99)

    assert pieces.split(empty, LONGEST) == [empty]


def test_every_reply_with_a_list_of_entries_can_be_cut() -> None:
    down = [command for command in Command if Direction.SERVER_TO_CLIENT in direction_of(command)]
    kinds = [message_class(command) for command in down]
    with_entries = {
        kind
        for kind in kinds
        if kind is not None
        for field in kind.DESCRIPTOR.fields
        if field.is_repeated and field.message_type and field.message_type.name != "IpAddr"
    }

    assert with_entries == set(pieces.LISTS)


# --- encoded lists ----------------------------------------------------------------------------


def encoded(*numbers: int, name: str = "") -> bytes:
    people = [person(number, name) for number in numbers]
    return buddy_pb2.IMAllUserRsp(user_list=people).SerializePartialToString()


def parts_of(steps: list[bytes], longest: int) -> list[bytes]:
    joined, begin = b"".join(steps), 0
    parts = []
    for end in pieces.ends(steps, longest):
        parts.append(joined[begin:end])
        begin = end
    return parts


def _ids(part: bytes) -> list[int]:
    reply = buddy_pb2.IMAllUserRsp()
    reply.MergeFromString(part)
    return [user.user_id for user in reply.user_list]


@pytest.mark.parametrize("step_of", [1, 7, 50, 200])
@pytest.mark.parametrize("longest", [60, 500, 3000, 10**6])
def test_an_encoded_list_is_cut_between_entries(step_of: int, longest: int) -> None:
    numbers = range(1, 201)
    steps = [
        encoded(*numbers[begin : begin + step_of], name="x" * (begin % 200))
        for begin in range(0, 200, step_of)
    ]

    parts = parts_of(steps, longest)

    assert b"".join(parts) == b"".join(steps)
    assert [number for part in parts for number in _ids(part)] == list(numbers)
    assert all(len(part) <= longest or len(_ids(part)) == 1 for part in parts)


@pytest.mark.parametrize(("steps", "ends"), [([], (0,)), ([b"abc"], (3,)), ([b"", b""], (0,))])
def test_a_short_list_is_one_part(steps: list[bytes], ends: tuple[int, ...]) -> None:
    assert pieces.ends(steps, 100) == ends


def test_the_bound_is_below_what_android_takes() -> None:
    assert ANDROID_PDU_BYTES < 400 * 1024
