"""Long lists as JSON: converted once for all who ask, kept within bounds."""

import asyncio
import json

import pytest

from im.consumers.shared_json import SharedLists
from im.wire.catalog import Command
from im.wire.json_frames import JsonFrames
from im.wire.pdu import Pdu
from im.wire.proto import base_define_pb2 as base
from im.wire.proto import buddy_pb2 as pb

KEY = b"12345678901234567890123456789012"
DEPARTMENTS = Command.BUDDY_LIST_DEPARTMENT_RESPONSE


class CountingFrames(JsonFrames):
    """Counts conversions."""

    def __init__(self) -> None:
        super().__init__(KEY)
        self.made = 0

    def list_text(self, command_id: int, encoded: bytes) -> str:
        """Convert, and count it."""
        self.made += 1
        return super().list_text(command_id, encoded)


def department_list(count: int, name: str = '研发 "A" \\') -> bytes:
    rows = [
        base.DepartInfo(
            dept_id=number,
            priority=0,
            dept_name=name,
            parent_dept_id=0,
            dept_status=base.DEPT_STATUS_OK,
        )
        for number in range(1, count + 1)
    ]
    encoded: bytes = pb.IMDepartmentRsp(dept_list=rows).SerializePartialToString()
    return encoded


def test_a_frame_around_a_shared_list_is_that_of_the_whole_reply() -> None:
    frames, encoded = JsonFrames(KEY), department_list(1_201)
    head = pb.IMDepartmentRsp(user_id=7, latest_update_time=9).SerializeToString()

    text = frames.write_around(
        Pdu(DEPARTMENTS, head, seq=3), frames.list_text(DEPARTMENTS, encoded)
    )

    assert json.loads(text) == json.loads(frames.write(Pdu(DEPARTMENTS, head + encoded, seq=3)))


async def test_all_who_ask_at_once_and_later_share_one_conversion() -> None:
    frames, lists, encoded = CountingFrames(), SharedLists(), department_list(10)

    at_once = await asyncio.gather(*(lists.text(frames, DEPARTMENTS, encoded) for _ in range(20)))
    later = await lists.text(frames, DEPARTMENTS, bytes(bytearray(encoded)))

    assert frames.made == 1
    assert set(at_once) == {later}


async def test_whoever_leaves_does_not_take_the_list_from_those_who_wait() -> None:
    frames, lists, encoded = CountingFrames(), SharedLists(), department_list(5_000)
    gone = asyncio.create_task(lists.text(frames, DEPARTMENTS, encoded))
    await asyncio.sleep(0)
    waiting = asyncio.create_task(lists.text(frames, DEPARTMENTS, encoded))
    await asyncio.sleep(0)

    gone.cancel()

    assert (await waiting).startswith('"dept_list":[{')
    assert gone.cancelled()
    assert frames.made == 1


async def test_the_oldest_list_goes_when_there_are_too_many() -> None:
    frames, first, second = CountingFrames(), department_list(10, "a"), department_list(10, "b")
    lists = SharedLists(max_chars=len(frames.list_text(DEPARTMENTS, first)) + 10)
    frames.made = 0

    for encoded in (first, second, second, first):
        await lists.text(frames, DEPARTMENTS, encoded)

    assert frames.made == 3


async def test_a_list_that_cannot_be_read_is_an_error_and_is_not_kept() -> None:
    lists = SharedLists()

    for _ in range(2):
        with pytest.raises(Exception, match="parsing"):
            await lists.text(JsonFrames(KEY), DEPARTMENTS, b"\xff\xff")
