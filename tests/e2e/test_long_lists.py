"""Lists that are longer than Android takes in one PDU."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import TypeVar

import pytest
from google.protobuf.message import Message

from im.types import ClientType
from im.wire import catalog
from im.wire.pdu import HEADER_LENGTH
from im.wire.proto import base_define_pb2 as base
from im.wire.proto import buddy_pb2, message_pb2
from tests.client import Client, text_to
from tests.people import Entrance, Person, sqlite_with_people
from tests.server import Server

M = TypeVar("M", bound=Message)

PEOPLE = 9000
SINGLE = base.SESSION_TYPE_SINGLE
ANDROID_BYTES = 400 * 1024
VOICE = b"\0\0\0\1" + bytes(300 * 1024)


@pytest.fixture(scope="module")
def server(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server of many people."""
    path = tmp_path_factory.mktemp("many")
    url = sqlite_with_people(sqlite_template, path / "teamtalk.sqlite3", PEOPLE)
    server = Server(url, path / "var", IM_MESSAGES_PER_SECOND=0).start()
    yield server
    assert server.stop() == 0
    assert server.complaints() == []


@pytest.fixture
async def entrance(server: Server) -> AsyncIterator[Entrance]:
    async with Entrance(server.port) as entrance:
        yield entrance


async def parts(client: Client, request: Message, kind: type[M]) -> list[M]:
    """Return the reply's PDUs; all of them have the request's number."""
    seq = client.send(request)
    found = [await client.receive_pdu(kind, seq)]
    await client.server_time()  # what was queued before its answer has been written
    command = catalog.command_of(kind)
    found += [pdu for pdu in client.unread if (pdu.command_id, pdu.seq) == (command, seq)]
    if len(found) > 1:
        assert max(HEADER_LENGTH + len(pdu.body) for pdu in found) < ANDROID_BYTES
    return [kind.FromString(pdu.body) for pdu in found]


def person(number: int) -> Person:
    return Person(number, f"u{number:05d}")


async def test_android_gets_the_directory_in_parts_and_others_in_one(entrance: Entrance) -> None:
    request = buddy_pb2.IMAllUserReq(user_id=1, latest_update_time=0)
    phone = await entrance.log_in(person(1), ClientType.ANDROID)
    pc = await entrance.log_in(person(1))

    of_phone = await parts(phone, request, buddy_pb2.IMAllUserRsp)
    [of_pc] = await parts(pc, request, buddy_pb2.IMAllUserRsp)
    again = await parts(phone, request, buddy_pb2.IMAllUserRsp)

    assert len(of_phone) > 1
    assert of_phone == again
    assert {(part.user_id, part.latest_update_time) for part in of_phone} == {
        (1, of_pc.latest_update_time)
    }
    assert [user for part in of_phone for user in part.user_list] == list(of_pc.user_list)


@pytest.mark.parametrize("by_ids", [False, True], ids=["a page", "by their ids"])
async def test_android_gets_long_messages_in_parts(entrance: Entrance, by_ids: bool) -> None:
    author, reader = (4, 5) if by_ids else (2, 3)
    a = await entrance.log_in(person(author))
    phone = await entrance.log_in(person(reader), ClientType.ANDROID)
    for number in range(2):
        message = text_to(author, reader, VOICE + bytes([number]))
        message.msg_type = base.MSG_TYPE_SINGLE_AUDIO
        await a.call(message, message_pb2.IMMsgDataAck)

    ids: list[list[int]]
    if by_ids:
        by_id = message_pb2.IMGetMsgByIdReq(
            user_id=reader, session_type=SINGLE, session_id=author, msg_id_list=[1, 2]
        )
        some = await parts(phone, by_id, message_pb2.IMGetMsgByIdRsp)
        ids = [[entry.msg_id for entry in part.msg_list] for part in some]
    else:
        page = message_pb2.IMGetMsgListReq(
            user_id=reader, session_type=SINGLE, session_id=author, msg_id_begin=0, msg_cnt=20
        )
        pages = await parts(phone, page, message_pb2.IMGetMsgListRsp)
        ids = [[entry.msg_id for entry in part.msg_list] for part in pages]

    assert ids == [[2], [1]]


async def test_the_longest_voice_reaches_android(entrance: Entrance) -> None:
    a = await entrance.log_in(person(6))
    phone = await entrance.log_in(person(7), ClientType.ANDROID)
    message = text_to(6, 7, b"\0\0\0\1" + bytes(384 * 1024))
    message.msg_type = base.MSG_TYPE_SINGLE_AUDIO

    await a.call(message, message_pb2.IMMsgDataAck)

    pushed = await phone.receive_pdu(message_pb2.IMMsgData)
    assert HEADER_LENGTH + len(pushed.body) < ANDROID_BYTES
