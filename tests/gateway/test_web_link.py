"""What of PDUs goes into which message of a WebSocket."""

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import pytest
from django.conf import settings

from im.consumers.web_link import LONG_BYTES, Frame, NoFlow, WebLink
from im.wire.catalog import encode
from im.wire.json_frames import JsonFrames
from im.wire.proto import base_define_pb2 as base
from im.wire.proto import buddy_pb2, message_pb2
from tests.client import TIMEOUT_S, text_to

ACK = encode(message_pb2.IMMsgDataAck(user_id=1, session_id=2, msg_id=3, session_type=1), 7)
PUSH = encode(text_to(2, 1, b"nnZSBwfPCz60q69ddmfIJA=="))
HEARTBEAT = bytes.fromhex("00000010000100000007070100000000")


class Written(NoFlow):
    """The server's side: remembers the messages, and how they were handed over."""

    def __init__(self) -> None:
        self.calls: list[list[Frame]] = []

    async def write(self, messages: Sequence[Frame]) -> None:
        self.calls.append(list(messages))

    @property
    def messages(self) -> list[Frame]:
        return [message for call in self.calls for message in call]


async def written(*parts: bytes, json_frames: bool = False) -> Written:
    """Queue parts in one turn of the loop; return what was written."""
    flow = Written()

    is_closed = asyncio.Event()

    async def send(message: dict[str, Any]) -> None:
        assert message["type"] == "websocket.close"
        is_closed.set()

    link = WebLink(send, flow, "192.0.2.1:4711")
    if json_frames:
        link.frames = JsonFrames(settings.IM_AES_KEY.encode())
    for part in parts:
        link.send(part)
    link.close()
    async with asyncio.timeout(TIMEOUT_S):
        await is_closed.wait()
    return flow


async def test_each_pdu_is_a_message_of_its_own_and_a_turns_are_handed_over_at_once() -> None:
    flow = await written(ACK, PUSH, HEARTBEAT)

    assert flow.calls == [[ACK, PUSH, HEARTBEAT]]


async def test_pdus_that_were_joined_are_taken_apart() -> None:
    flow = await written(PUSH + ACK + HEARTBEAT, ACK)

    assert flow.messages == [PUSH, ACK, HEARTBEAT, ACK]


@pytest.mark.parametrize("people", [0, 1, 3000])
async def test_a_shared_list_is_one_message_with_its_head(people: int) -> None:
    person = base.UserInfo(
        user_id=1, user_gender=1, user_nick_name="n" * 20, avatar_url="", department_id=1,
        email="", user_real_name="", user_tel="", user_domain="d", status=0,
    )  # fmt: skip
    listed = buddy_pb2.IMAllUserRsp(user_list=[person] * people).SerializePartialToString()
    assert (len(listed) > LONG_BYTES) == (people == 3000)
    head = encode(
        buddy_pb2.IMAllUserRsp(user_id=1, latest_update_time=1), 5, followed_by=len(listed)
    )

    flow = await written(ACK, head, listed, PUSH)

    assert flow.messages == [ACK, head + listed, PUSH]


async def test_json_is_one_message_for_each_pdu_too() -> None:
    flow = await written(PUSH + ACK, ACK, HEARTBEAT, json_frames=True)

    assert [json.loads(message)["cmd"] for message in flow.messages] == [
        "IMMsgData",
        "IMMsgDataAck",
        "IMMsgDataAck",
        "IMHeartBeat",
    ]
