"""Whatever bytes arrive: at worst the connection that sent them is closed.

The server's log is looked at when all tests are done: none of this may leave a traceback there.
"""

import asyncio
import contextlib
import random
import socket

import pytest
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from im.types import OnlineStatus
from im.wire.catalog import Command, Direction, command_of, direction_of, message_class
from im.wire.pdu import HEADER, HEADER_LENGTH, Pdu, encode_pdu
from im.wire.proto import login_pb2, message_pb2, other_pb2
from tests.client import Client, wire_password
from tests.people import Entrance, People, Person
from tests.server import Server

MAX_PDU_BYTES = 1024 * 1024
# Loopback sockets hold up to 10 MB between two processes, the outbox 4 MB.
TOO_MUCH_BYTES = 20 * 1024 * 1024
ANONYMOUS = {
    Command.LOGIN_REQ_USERLOGIN,
    Command.LOGIN_REQ_LOGINOUT,
    Command.MSG_TIME_REQUEST,
    Command.OTHER_HEARTBEAT,
}
FROM_CLIENTS = [c for c in Command if Direction.CLIENT_TO_SERVER in direction_of(c)]
FROM_SERVERS_ONLY = [c for c in Command if Direction.CLIENT_TO_SERVER not in direction_of(c)]

_SCALARS: dict[int, object] = {
    FieldDescriptor.TYPE_UINT32: 1,
    FieldDescriptor.TYPE_INT32: 1,
    FieldDescriptor.TYPE_STRING: "x",
    FieldDescriptor.TYPE_BYTES: b"x",
}


def sample(kind: type[Message]) -> Message:
    """Return a message with something in every required field."""
    message = kind()
    for field in kind.DESCRIPTOR.fields:
        if field.type == FieldDescriptor.TYPE_MESSAGE and field.is_required:
            embedded = getattr(message, field.name)
            embedded.CopyFrom(sample(type(embedded)))
        elif field.enum_type is not None and field.is_required:
            setattr(message, field.name, field.enum_type.values[0].number)
        elif field.is_required:
            setattr(message, field.name, _SCALARS[field.type])
    return message


def complete(command: Command) -> bytes:
    """Return a well-formed PDU of a command."""
    kind = message_class(command)
    assert kind is not None
    return encode_pdu(command, sample(kind).SerializeToString(), seq=1)


def header(length: int, command_id: int = Command.OTHER_HEARTBEAT) -> bytes:
    return HEADER.pack(length & 0xFFFFFFFF, 1, 0, command_id >> 8, command_id, 0, 0)


def login_of(person: Person) -> login_pb2.IMLoginReq:
    return login_pb2.IMLoginReq(
        user_name=person.name,
        password=wire_password("pass"),
        online_status=OnlineStatus.ONLINE,
        client_type=1,
    )


# --- frames -----------------------------------------------------------------------------------

BROKEN_FRAMES = [
    pytest.param(bytes(16), id="zeros"),
    *(pytest.param(header(length), id=f"length {length}") for length in (0, 1, 4, 8, 15)),
    pytest.param(header(MAX_PDU_BYTES + 1), id="one byte too long"),
    pytest.param(header(2**31), id="2 GiB"),
    pytest.param(header(2**32 - 1), id="4 GiB"),
    pytest.param(b"\xff\xff\xff\xff", id="4 GiB, the length alone"),
    pytest.param(b"GET /msg_server HTTP/1.0\r\nHost: x\r\n\r\n", id="HTTP"),
    pytest.param(bytes.fromhex("160301020001") + bytes(511), id="TLS"),
    pytest.param(b"SSH-2.0-OpenSSH_9.2\r\n", id="SSH"),
    pytest.param(random.Random(1).randbytes(100_000), id="noise"),
]


@pytest.mark.parametrize("frame", BROKEN_FRAMES)
async def test_a_broken_frame_closes_the_connection(entrance: Entrance, frame: bytes) -> None:
    client = await entrance.connect()

    client.send_bytes(frame)

    assert await client.closed()
    assert client.unread == []


async def test_a_broken_frame_closes_a_logged_in_connection_too(
    entrance: Entrance, people: People
) -> None:
    client = await entrance.log_in(people(1)[0])

    client.send_bytes(header(3))

    assert await client.closed()


async def test_what_came_before_the_broken_frame_is_answered(entrance: Entrance) -> None:
    client = await entrance.connect()

    client.send_bytes(3 * complete(Command.MSG_TIME_REQUEST) + header(0))

    assert await client.closed()
    assert [pdu.command_id for pdu in client.unread] == 3 * [Command.MSG_TIME_RESPONSE]


async def test_nothing_behind_the_broken_frame_is_looked_at(entrance: Entrance) -> None:
    client = await entrance.connect()

    client.send_bytes(header(0) + 3 * complete(Command.MSG_TIME_REQUEST))

    assert await client.closed()
    assert client.unread == []


async def test_a_frame_of_exactly_the_limit_is_taken(entrance: Entrance, people: People) -> None:
    client = await entrance.log_in(people(1)[0])
    heartbeat = Pdu(Command.OTHER_HEARTBEAT, bytes(MAX_PDU_BYTES - HEADER_LENGTH))

    client.send_bytes(heartbeat.encode())

    assert await client.receive_pdu(other_pb2.IMHeartBeat) == heartbeat


async def test_a_stream_may_come_byte_by_byte(entrance: Entrance, people: People) -> None:
    ada, bob = people(2)
    client = await entrance.connect()
    login = encode_pdu(Command.LOGIN_REQ_USERLOGIN, login_of(ada).SerializeToString(), seq=1)
    text = message_pb2.IMMsgData(
        from_user_id=0, to_session_id=bob.id, msg_id=0, create_time=0, msg_type=1, msg_data=b"slow"
    )
    stream = login + encode_pdu(Command.MSG_DATA, text.SerializeToString(), seq=2)

    for position in range(len(stream)):
        client.send_bytes(stream[position : position + 1])
        await client.flushed()

    assert await client.acks(1) == [(2, 1)]


# --- commands ---------------------------------------------------------------------------------


@pytest.mark.parametrize("command", [c for c in FROM_CLIENTS if c not in ANONYMOUS])
async def test_before_login_a_command_closes_the_connection(
    entrance: Entrance, command: Command
) -> None:
    client = await entrance.connect()

    client.send_bytes(complete(command) + complete(Command.MSG_TIME_REQUEST))

    assert await client.closed()
    assert client.unread == []


@pytest.mark.parametrize(
    "command_id", [0, 0x0199, 0x0713, 0x7777, 0xFFFF, Command.BUDDY_LIST_STATUS_NOTIFY]
)
async def test_before_login_what_is_no_command_closes_the_connection(
    entrance: Entrance, command_id: int
) -> None:
    client = await entrance.connect()

    client.send_bytes(encode_pdu(command_id, b"", seq=1))

    assert await client.closed()


async def test_before_login_a_broken_body_changes_nothing(entrance: Entrance) -> None:
    client = await entrance.connect()

    for body in (b"", b"\xff", b"\x0a\x7fshort"):
        client.send_bytes(encode_pdu(Command.LOGIN_REQ_USERLOGIN, body, seq=1))

    assert await client.server_time()


async def test_bodies_without_fields_are_not_looked_at(entrance: Entrance) -> None:
    client = await entrance.connect()

    client.send_bytes(encode_pdu(Command.MSG_TIME_REQUEST, b"\xff\xff\xff", seq=9))

    assert (await client.receive(message_pb2.IMClientTimeRsp, seq=9)).server_time


async def test_after_login_unknown_commands_are_passed_over(
    entrance: Entrance, people: People
) -> None:
    client = await entrance.log_in(people(1)[0])
    await settled(client)

    for command_id in (0, 0x0101, 0x0199, 0x0713, 0x7777, 0xFFFF):
        client.send_bytes(encode_pdu(command_id, b"\xff", seq=1))

    assert await answers(client) == []


async def test_after_login_commands_of_servers_are_passed_over(
    entrance: Entrance, people: People
) -> None:
    client = await entrance.log_in(people(1)[0])
    await settled(client)

    for command in FROM_SERVERS_ONLY:
        if command is not Command.BUDDY_LIST_REMOVE_SESSION_RES:  # iOS asks with this number
            client.send_bytes(complete(command))

    assert await answers(client) == []


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"\xff\xff\xff", id="corrupt"),
        pytest.param(b"\x0a\xff\xff\xff\xff\x0fx", id="longer inside than outside"),
        pytest.param(b"\x08", id="cut off"),
        pytest.param(random.Random(2).randbytes(1000), id="noise"),
    ],
)
async def test_after_login_broken_bodies_are_passed_over(
    entrance: Entrance, people: People, body: bytes
) -> None:
    client = await entrance.log_in(people(1)[0])
    await settled(client)

    for command in FROM_CLIENTS:
        kind = message_class(command)
        if kind and any(field.is_required for field in kind.DESCRIPTOR.fields):
            client.send_bytes(encode_pdu(command, body, seq=1))

    assert await answers(client) == []


@pytest.mark.parametrize("command", [c for c in FROM_CLIENTS if c not in ANONYMOUS])
async def test_a_body_that_lacks_one_required_field_is_passed_over(
    entrance: Entrance, people: People, command: Command
) -> None:
    client = await entrance.log_in(people(1)[0])
    await settled(client)
    kind = message_class(command)
    assert kind is not None

    for field in kind.DESCRIPTOR.fields:
        if field.is_required:
            incomplete = sample(kind)
            incomplete.ClearField(field.name)
            client.send_bytes(encode_pdu(command, incomplete.SerializePartialToString(), seq=1))

    assert await answers(client) == []


async def settled(client: Client) -> None:
    """Take what comes of the login itself."""
    await client.server_time()
    client.unread.clear()


async def answers(client: Client) -> list[Command]:
    """Return the commands the server has answered with, notices about others left out."""
    await client.unread_counts()
    notices = {Command.BUDDY_LIST_STATUS_NOTIFY, Command.BUDDY_LIST_PC_LOGIN_STATUS_NOTIFY}
    return [Command(pdu.command_id) for pdu in client.unread if pdu.command_id not in notices]


# --- too much ---------------------------------------------------------------------------------


async def test_three_thousand_heartbeats_in_one_write_all_come_back(
    entrance: Entrance, people: People
) -> None:
    client = await entrance.log_in(people(1)[0])
    kind = command_of(other_pb2.IMHeartBeat)

    client.send_bytes(b"".join(encode_pdu(kind, b"", seq) for seq in range(3000)))

    echoes = [await client.receive_pdu(other_pb2.IMHeartBeat) for _ in range(3000)]
    assert [echo.seq for echo in echoes] == list(range(3000))


async def test_many_questions_in_one_write_are_answered_in_their_order(
    entrance: Entrance, people: People
) -> None:
    ada, bob = people(2)
    client = await entrance.log_in(ada)
    question = message_pb2.IMGetMsgListReq(
        user_id=0, session_type=1, session_id=bob.id, msg_id_begin=0, msg_cnt=1
    )

    seqs = [client.send(question) for _ in range(300)]

    replies = [await client.receive_pdu(message_pb2.IMGetMsgListRsp) for _ in seqs]
    assert [pdu.seq for pdu in replies] == seqs


@pytest.mark.parametrize("is_reset", [False, True])
async def test_a_client_may_go_in_the_middle_of_everything(
    entrance: Entrance, people: People, is_reset: bool
) -> None:
    ada, bob = people(2)
    client = await entrance.log_in(ada)
    request = message_pb2.IMGetMsgListReq(
        user_id=0, session_type=1, session_id=bob.id, msg_id_begin=0, msg_cnt=1
    )

    for number in range(50):
        client.say(bob.id, f"text {number}")
        client.send(request)
        client.send(message_pb2.IMUnreadMsgCntReq(user_id=0))
    await client.flushed()
    if is_reset:
        client.abort()
    else:
        await client.close()

    assert await (await entrance.log_in(bob)).tell(ada.id, "still there") >= 1


async def test_who_stops_reading_while_messages_come_finds_them_when_he_is_back(
    server: Server, entrance: Entrance, people: People
) -> None:
    ada, bob, cleo = people(3)
    text, count = 4_000 * "长", TOO_MUCH_BYTES // 12_000
    deaf = socket.create_connection(("127.0.0.1", server.port))
    reader, writer = await asyncio.open_connection(sock=deaf, limit=4096)
    await Client(reader, writer).log_in(bob.name)
    talker, other = await entrance.log_in(ada), await entrance.log_in(cleo)

    writer.transport.pause_reading()  # type: ignore[attr-defined]  # a socket's can
    for _ in range(count):
        talker.say(bob.id, text)
    await other.tell(ada.id, "others go on")
    acks = await talker.acks(count)
    writer.transport.resume_reading()  # type: ignore[attr-defined]
    received = 0
    with contextlib.suppress(ConnectionError):
        while chunk := await reader.read(1 << 20):
            received += len(chunk)
    writer.close()

    assert received < count * len(text.encode())
    assert [msg_id for _, msg_id in acks] == list(range(1, count + 1))
    back = await entrance.log_in(bob)
    assert await back.unread_counts() == {ada.id: count}
    assert (await back.history(ada.id, count=1))[0][0] == count


# --- floods -----------------------------------------------------------------------------------


@pytest.mark.parametrize("command", [Command.OTHER_HEARTBEAT, Command.MSG_TIME_REQUEST])
async def test_a_flood_before_the_login_is_closed(entrance: Entrance, command: Command) -> None:
    stranger = await entrance.connect()

    stranger.send_bytes(10_000 * complete(command))

    assert await stranger.closed(timeout_s=5)
    assert len(stranger.unread) < 100


async def test_who_only_stops_sending_is_closed(entrance: Entrance, people: People) -> None:
    client = await entrance.log_in(people(1)[0])

    client.half_close()

    assert await client.closed()
