"""One-to-one texts: which are taken, what becomes of them, and what everybody concerned sees."""

import asyncio
import time
from collections.abc import Callable

import pytest

from im.types import ClientType, MsgType, SessionType, UserStatus
from im.wire.catalog import Command
from im.wire.pdu import Pdu, encode_pdu
from im.wire.proto import message_pb2
from tests.client import text_to
from tests.e2e.database import Database, messages_between, sessions_of
from tests.people import Entrance, People

NOBODY = 4294967295
BURST = 200


# --- order and ids ----------------------------------------------------------------------------


async def test_a_burst_gets_dense_ids_in_the_order_of_arrival(
    entrance: Entrance, people: People, database: Database
) -> None:
    ada, bob = people(2)
    sender, receiver = await entrance.log_in(ada), await entrance.log_in(bob)
    expected = [(number, f"text {number}".encode()) for number in range(1, BURST + 1)]

    seqs = [sender.say(bob.id, text) for _, text in expected]

    assert await sender.acks(BURST) == list(zip(seqs, range(1, BURST + 1), strict=True))
    pushed = [await receiver.receive(message_pb2.IMMsgData) for _ in expected]
    assert [(message.msg_id, message.msg_data) for message in pushed] == expected
    assert [row[0] for row in messages_between(database, ada.id, bob.id)] == [
        msg_id for msg_id, _ in expected
    ]


async def test_two_who_write_at_once_share_one_row_of_ids(
    entrance: Entrance, people: People, database: Database
) -> None:
    ada, bob = people(2)
    clients = [await entrance.log_in(ada), await entrance.log_in(bob)]

    for number in range(BURST // 2):
        clients[0].say(bob.id, f"a{number}")
        clients[1].say(ada.id, f"b{number}")
    of_ada, of_bob = await asyncio.gather(*(client.acks(BURST // 2) for client in clients))

    assert of_ada == sorted(of_ada)
    assert of_bob == sorted(of_bob)
    assert sorted(msg_id for _, msg_id in of_ada + of_bob) == list(range(1, BURST + 1))
    assert len(messages_between(database, ada.id, bob.id)) == BURST


async def test_conversations_count_on_their_own(entrance: Entrance, people: People) -> None:
    ada, bob, cleo = people(3)
    sender = await entrance.log_in(ada)

    assert [await sender.tell(peer.id, "hi") for peer in (bob, cleo, bob, cleo)] == [1, 1, 2, 2]


async def test_what_was_sent_before_the_connection_ended_is_stored_and_delivered(
    entrance: Entrance, people: People, database: Database
) -> None:
    ada, bob = people(2)
    sender, receiver = await entrance.log_in(ada), await entrance.log_in(bob)

    for number in range(20):
        sender.say(bob.id, f"text {number}")
    await sender.close()

    pushed = [(await receiver.receive(message_pb2.IMMsgData)).msg_id for _ in range(20)]
    assert (
        pushed
        == [row[0] for row in messages_between(database, ada.id, bob.id)]
        == list(range(1, 21))
    )


# --- what is taken ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("x", id="one character"),
        pytest.param("x" * 4096, id="4096 of 1 byte"),
        pytest.param("语" * 4096, id="4096 of 3 bytes"),
        pytest.param("😀" * 4096, id="4096 of 4 bytes"),
        pytest.param("  a trailing space ", id="spaces around"),
        pytest.param("a\0b\r\n\t\x1a\\'\"%s", id="control characters and quotes"),
        pytest.param("\ufeff\ufffe\U0010ffff", id="noncharacters"),
    ],
)
async def test_the_same_bytes_come_back(entrance: Entrance, people: People, text: str) -> None:
    ada, bob = people(2)
    sender, receiver = await entrance.log_in(ada), await entrance.log_in(bob)

    msg_id = await sender.tell(bob.id, text)

    assert (await receiver.receive(message_pb2.IMMsgData)).msg_data == text.encode()
    assert await receiver.history(ada.id) == [(msg_id, text.encode())]


Spoil = Callable[[message_pb2.IMMsgData, int], None]


def _content(content: bytes) -> Spoil:
    def spoil(message: message_pb2.IMMsgData, sender_id: int) -> None:
        message.msg_data = content

    return spoil


def _receiver(receiver_id: int) -> Spoil:
    def spoil(message: message_pb2.IMMsgData, sender_id: int) -> None:
        message.to_session_id = receiver_id

    return spoil


def _to_oneself(message: message_pb2.IMMsgData, sender_id: int) -> None:
    message.to_session_id = sender_id


def _to_oneself_as_somebody_else(message: message_pb2.IMMsgData, sender_id: int) -> None:
    message.from_user_id, message.to_session_id = message.to_session_id, sender_id


def _as_if_from_the_receiver(message: message_pb2.IMMsgData, sender_id: int) -> None:
    message.from_user_id = message.to_session_id


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(_content(b""), id="empty"),
        pytest.param(_content(b"x" * 4097), id="4097 characters"),
        pytest.param(_content("😀".encode() * 4097), id="4097 characters of 4 bytes"),
        pytest.param(_content(b"\xff\xfe"), id="not UTF-8"),
        pytest.param(_content(b"\xed\xa0\x80"), id="a surrogate"),
        pytest.param(_content(b"\xc0\x80"), id="an overlong NUL"),
        pytest.param(_content("语".encode()[:2]), id="half a character"),
        pytest.param(_receiver(0), id="to nobody"),
        pytest.param(_receiver(NOBODY), id="to an unknown user"),
        pytest.param(_to_oneself, id="to oneself"),
        pytest.param(_to_oneself_as_somebody_else, id="to oneself, as somebody else"),
        pytest.param(_as_if_from_the_receiver, id="from the receiver, says the body"),
    ],
)
async def test_what_cannot_be_stored_is_not_acknowledged(
    entrance: Entrance, people: People, database: Database, spoil: Spoil
) -> None:
    ada, bob = people(2)
    sender, receiver = await entrance.log_in(ada), await entrance.log_in(bob)
    message = text_to(ada.id, bob.id, "spoilt")
    spoil(message, ada.id)

    sender.send(message)

    assert await sender.arrived(message_pb2.IMMsgDataAck) == []
    assert await receiver.arrived(message_pb2.IMMsgData) == []
    assert sessions_of(database, ada.id) == sessions_of(database, bob.id) == []
    pair = "SELECT id FROM IMRelationShip WHERE smallId IN (%s, 0) OR bigId IN (%s, %s)"
    assert database.rows(pair, ada.id, ada.id, NOBODY) == []
    assert await sender.tell(bob.id, "fine") == 1


@pytest.mark.parametrize("msg_type", [0, 3, 16, 99])
async def test_a_type_that_does_not_exist_makes_a_broken_body(
    entrance: Entrance, people: People, msg_type: int
) -> None:
    ada, bob = people(2)
    sender, receiver = await entrance.log_in(ada), await entrance.log_in(bob)
    message = text_to(ada.id, bob.id, "what kind?")
    message.ClearField("msg_type")

    body = message.SerializePartialToString() + bytes([5 << 3, msg_type])
    sender.send_bytes(encode_pdu(Command.MSG_DATA, body, seq=7))

    assert await sender.arrived(message_pb2.IMMsgDataAck) == []
    assert await receiver.arrived(message_pb2.IMMsgData) == []
    assert await sender.tell(bob.id, "a text") == 1


async def test_a_refused_message_in_between_takes_no_id(entrance: Entrance, people: People) -> None:
    ada, bob = people(2)
    sender = await entrance.log_in(ada)

    sender.say(bob.id, "one")
    sender.say(bob.id, "")
    sender.say(NOBODY, "to nobody")
    sender.say(bob.id, b"\xff")
    sender.say(bob.id, "two")

    assert [msg_id for _, msg_id in await sender.acks(2)] == [1, 2]


async def test_who_has_left_is_still_written_to(
    entrance: Entrance, people: People, database: Database
) -> None:
    ada, bob = people(2)
    database.change("UPDATE IMUser SET status = %s WHERE id = %s", int(UserStatus.LEFT), bob.id)
    sender = await entrance.log_in(ada)

    assert await sender.tell(bob.id, "goodbye") == 1
    assert messages_between(database, ada.id, bob.id) == [(1, ada.id, bob.id, "goodbye")]


# --- what others get --------------------------------------------------------------------------


@pytest.mark.parametrize("claimed", [0, 1, NOBODY])
async def test_the_author_is_the_connections_user_whatever_the_body_says(
    entrance: Entrance, people: People, claimed: int
) -> None:
    ada, bob = people(2)
    sender, receiver = await entrance.log_in(ada), await entrance.log_in(bob)

    ack = await sender.call(text_to(claimed, bob.id, "me"), message_pb2.IMMsgDataAck)

    assert (ack.user_id, ack.session_id, ack.msg_id) == (ada.id, bob.id, 1)
    assert ack.session_type == int(SessionType.SINGLE)
    assert (await receiver.receive(message_pb2.IMMsgData)).from_user_id == ada.id


async def test_id_and_time_are_the_servers_whatever_the_body_says(
    entrance: Entrance, people: People
) -> None:
    ada, bob = people(2)
    sender, receiver = await entrance.log_in(ada), await entrance.log_in(bob)
    message = text_to(ada.id, bob.id, "when?")
    message.msg_id, message.create_time = 4711, 12345

    sender.send(message)
    pushed = await receiver.receive(message_pb2.IMMsgData)

    assert pushed.msg_id == 1
    assert abs(pushed.create_time - time.time()) < 5
    assert pushed.msg_type == int(MsgType.SINGLE_TEXT)


async def test_deliveries_and_echoes_have_a_servers_header_and_no_foreign_fields(
    entrance: Entrance, people: People
) -> None:
    ada, bob = people(2)
    sender, receiver = await entrance.log_in(ada), await entrance.log_in(bob)
    phone = await entrance.log_in(ada, ClientType.IOS)
    message = text_to(ada.id, bob.id, "plain")
    message.attach_data = b"attached"
    body = message.SerializeToString() + bytes([15 << 3, 1])  # a field nobody knows

    odd = Pdu(Command.MSG_DATA, body, seq=77, service_id=9, version=6, flag=5, reserved=48)
    sender.send_bytes(odd.encode())
    ack = await sender.receive_pdu(message_pb2.IMMsgDataAck)
    deliveries = [await device.receive_pdu(message_pb2.IMMsgData) for device in (receiver, phone)]

    assert ack == Pdu(Command.MSG_DATA_ACK, ack.body, seq=77)
    for pdu in deliveries:
        assert pdu == Pdu(Command.MSG_DATA, pdu.body, seq=0)
        delivered = message_pb2.IMMsgData.FromString(pdu.body)
        message.ClearField("attach_data")
        message.msg_id, message.create_time = 1, delivered.create_time
        assert pdu.body == message.SerializeToString()


async def test_a_third_person_hears_nothing(entrance: Entrance, people: People) -> None:
    ada, bob, cleo = people(3)
    sender, stranger = await entrance.log_in(ada), await entrance.log_in(cleo)

    await sender.tell(bob.id, "between us")

    assert await stranger.arrived(message_pb2.IMMsgData) == []
    assert await stranger.history(ada.id) == await stranger.history(bob.id) == []


async def test_delivery_acks_are_taken_without_an_answer(
    entrance: Entrance, people: People
) -> None:
    ada, bob = people(2)
    receiver = await entrance.log_in(bob)

    for msg_id in (0, 1, NOBODY):
        receiver.send(
            message_pb2.IMMsgDataAck(
                user_id=bob.id, session_id=ada.id, msg_id=msg_id, session_type=1
            )
        )

    assert await receiver.unread_counts() == {}
    assert await receiver.arrived(message_pb2.IMMsgDataAck) == []
