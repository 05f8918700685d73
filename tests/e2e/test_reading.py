"""Looking back: unread counts, what reading changes and who hears of it, and pages of history."""

import pytest

from im.types import ClientType, SessionType
from im.wire.catalog import Command
from im.wire.pdu import encode_pdu
from im.wire.proto import message_pb2
from tests.client import Client
from tests.e2e.database import Database, Row
from tests.people import Entrance, People, Person

SINGLE, GROUP = int(SessionType.SINGLE), int(SessionType.GROUP)


async def talk(sender: Client, receiver: Person, count: int) -> None:
    """Send `count` texts and wait until they are stored."""
    for number in range(1, count + 1):
        sender.say(receiver.id, f"text {number}")
    await sender.acks(count)


def read_ack(peer_id: int, msg_id: int, session_type: int = SINGLE) -> message_pb2.IMMsgDataReadAck:
    return message_pb2.IMMsgDataReadAck(
        user_id=0, session_id=peer_id, msg_id=msg_id, session_type=session_type
    )


def position(database: Database, one: Person, other: Person) -> Row:
    """Return (last_msg_id, read_msg_id of the smaller, of the larger user id)."""
    return database.row(
        "SELECT last_msg_id, read_msg_id_small, read_msg_id_big FROM im_conversation"
        " WHERE small_id = %s AND big_id = %s",
        min(one.id, other.id),
        max(one.id, other.id),
    )


# --- unread -----------------------------------------------------------------------------------


async def test_unread_names_each_peer_with_the_newest_message(
    entrance: Entrance, people: People
) -> None:
    ada, bob, cleo = people(3)
    await talk(await entrance.log_in(bob), ada, 2)
    await talk(await entrance.log_in(cleo), ada, 1)
    reader = await entrance.log_in(ada)
    await reader.tell(bob.id, "mine is the newest")

    request = message_pb2.IMUnreadMsgCntReq(user_id=12345)
    answer = await reader.call(request, message_pb2.IMUnreadMsgCntRsp)

    assert (answer.user_id, answer.total_cnt) == (ada.id, 3)
    found = [
        (
            entry.session_id,
            entry.session_type,
            entry.unread_cnt,
            entry.latest_msg_id,
            entry.latest_msg_data,
            entry.latest_msg_type,
            entry.latest_msg_from_user_id,  # the peer, even if the newest is one's own
        )
        for entry in answer.unreadinfo_list
    ]
    assert found == sorted(
        [
            (bob.id, SINGLE, 2, 3, b"mine is the newest", 1, bob.id),
            (cleo.id, SINGLE, 1, 1, b"text 1", 1, cleo.id),
        ],
        key=lambda entry: str(entry[0]),
    )


async def test_what_one_writes_oneself_is_not_unread(entrance: Entrance, people: People) -> None:
    ada, bob = people(2)
    sender = await entrance.log_in(ada)

    await talk(sender, bob, 2)

    assert await sender.unread_counts() == {}


async def test_both_sides_count_what_the_other_wrote(entrance: Entrance, people: People) -> None:
    ada, bob = people(2)
    a, b = await entrance.log_in(ada), await entrance.log_in(bob)

    await talk(a, bob, 3)
    await talk(b, ada, 2)

    assert await b.unread_counts() == {ada.id: 3}
    assert await a.unread_counts() == {bob.id: 2}


# --- having read ------------------------------------------------------------------------------


@pytest.mark.parametrize("reader_is_first", [True, False])  # a row has a side for each of them
@pytest.mark.parametrize("msg_id", [0, 1, 3, 4294967295])
async def test_reading_clears_the_whole_count_whatever_id_is_named(
    entrance: Entrance, people: People, msg_id: int, reader_is_first: bool
) -> None:
    ada, bob, cleo = sorted(people(3), key=lambda person: person.id, reverse=reader_is_first)
    a, c = await entrance.log_in(ada), await entrance.log_in(cleo)
    reader = await entrance.log_in(bob)
    await talk(a, bob, 3)
    await talk(c, bob, 1)
    await talk(reader, ada, 2)

    await reader.mark_read(ada.id, msg_id)

    assert await reader.unread_counts() == {cleo.id: 1}
    assert await a.unread_counts() == {bob.id: 2}


async def test_counting_begins_anew_after_reading(entrance: Entrance, people: People) -> None:
    ada, bob = people(2)
    a, reader = await entrance.log_in(ada), await entrance.log_in(bob)
    await talk(a, bob, 3)
    await reader.mark_read(ada.id, 3)

    await talk(a, bob, 2)

    assert await reader.unread_counts() == {ada.id: 2}


async def test_positions_only_move_forward_and_not_beyond_the_last_message(
    entrance: Entrance, people: People, database: Database
) -> None:
    ada, bob = people(2)
    a, b = await entrance.log_in(ada), await entrance.log_in(bob)
    await talk(a, bob, 5)

    positions = []
    for reader, peer, msg_id in (
        (b, ada, 3), (b, ada, 2), (a, bob, 4), (a, bob, 1), (b, ada, 0), (b, ada, 4294967295)
    ):  # fmt: skip
        await reader.mark_read(peer.id, msg_id)
        positions.append(position(database, ada, bob))

    assert positions == [(5, 0, 3), (5, 0, 3), (5, 4, 3), (5, 4, 3), (5, 4, 3), (5, 4, 5)]


async def test_only_the_readers_other_devices_hear_of_it(
    entrance: Entrance, people: People
) -> None:
    ada, bob = people(2)
    author = await entrance.log_in(ada)
    pc = await entrance.log_in(bob)
    phone = await entrance.log_in(bob, ClientType.ANDROID)
    await talk(author, bob, 2)

    phone.send(read_ack(ada.id, 2), seq=99)

    pdu = await pc.receive_pdu(message_pb2.IMMsgDataReadNotify)
    notice = message_pb2.IMMsgDataReadNotify.FromString(pdu.body)
    assert (notice.user_id, notice.session_id, notice.msg_id, notice.session_type, pdu.seq) == (
        (bob.id, ada.id, 2, SINGLE, 0)
    )
    for device in (phone, author, pc):
        assert await device.arrived(message_pb2.IMMsgDataReadNotify) == []


@pytest.mark.parametrize("session_type", [SINGLE, GROUP])
async def test_reading_where_nothing_was_written_does_no_harm(
    entrance: Entrance, people: People, database: Database, session_type: int
) -> None:
    ada, bob = people(2)
    reader = await entrance.log_in(ada)

    for peer_id in (bob.id, ada.id, 0, 4294967295):
        reader.send(read_ack(peer_id, 1, session_type))

    assert await reader.unread_counts() == {}
    rows = "SELECT relate_id FROM im_conversation WHERE small_id = %s OR big_id = %s"
    assert database.rows(rows, ada.id, ada.id) == []


async def test_a_read_ack_right_behind_a_message_counts_it(
    entrance: Entrance, people: People
) -> None:
    ada, bob = people(2)
    a, reader = await entrance.log_in(ada), await entrance.log_in(bob)
    await talk(a, bob, 1)

    for _ in range(20):
        reader.say(ada.id, "and")
        reader.send(read_ack(ada.id, 1))

    assert await reader.unread_counts() == {}
    assert await a.unread_counts() == {bob.id: 20}


# --- history ----------------------------------------------------------------------------------


async def test_history_is_newest_first_and_begins_with_the_id_named(
    entrance: Entrance, people: People
) -> None:
    ada, bob = people(2)
    a, b = await entrance.log_in(ada), await entrance.log_in(bob)
    await talk(a, bob, 9)

    pages = {
        (begin, count): [msg_id for msg_id, _ in await b.history(ada.id, begin, count)]
        for begin, count in [(0, 3), (9, 3), (6, 3), (2, 3), (1, 1), (99, 2), (0, 0), (5, 0)]
    }

    assert pages == {
        (0, 3): [9, 8, 7],
        (9, 3): [9, 8, 7],
        (6, 3): [6, 5, 4],
        (2, 3): [2, 1],
        (1, 1): [1],
        (99, 2): [9, 8],
        (0, 0): [],
        (5, 0): [],
    }
    assert len(await b.history(ada.id, 0, 4294967295)) == 9


async def test_a_page_says_what_was_asked_and_who_wrote_each_message(
    entrance: Entrance, people: People
) -> None:
    ada, bob = people(2)
    a, b = await entrance.log_in(ada), await entrance.log_in(bob)
    await a.tell(bob.id, "question")
    await b.tell(ada.id, "answer")

    page = await a.call(
        message_pb2.IMGetMsgListReq(
            user_id=bob.id, session_type=SINGLE, session_id=bob.id, msg_id_begin=2, msg_cnt=9
        ),
        message_pb2.IMGetMsgListRsp,
    )

    assert (page.user_id, page.session_type, page.session_id, page.msg_id_begin) == (
        (ada.id, SINGLE, bob.id, 2)
    )
    assert [
        (entry.msg_id, entry.from_session_id, entry.msg_type, entry.msg_data)
        for entry in page.msg_list
    ] == [(2, bob.id, 1, b"answer"), (1, ada.id, 1, b"question")]
    assert all(entry.create_time for entry in page.msg_list)


async def test_both_sides_see_the_same_history(entrance: Entrance, people: People) -> None:
    ada, bob = people(2)
    a, b = await entrance.log_in(ada), await entrance.log_in(bob)
    await talk(a, bob, 3)
    await talk(b, ada, 3)

    assert await a.history(bob.id) == await b.history(ada.id)


async def test_history_with_a_stranger_is_empty(entrance: Entrance, people: People) -> None:
    ada, bob = people(2)
    client = await entrance.log_in(ada)

    assert [await client.history(peer) for peer in (bob.id, ada.id, 0, 4294967295)] == 4 * [[]]


async def test_history_sees_what_the_same_connection_has_just_written(
    entrance: Entrance, people: People
) -> None:
    ada, bob = people(2)
    client = await entrance.log_in(ada)

    for number in range(30):
        client.say(bob.id, f"text {number}")

    assert len(await client.history(bob.id)) == 30


async def test_an_unknown_kind_of_session_makes_a_broken_body(
    entrance: Entrance, people: People
) -> None:
    ada, bob = people(2)
    client = await entrance.log_in(ada)
    request = message_pb2.IMGetMsgListReq(
        user_id=ada.id, session_id=bob.id, msg_id_begin=0, msg_cnt=9
    )

    body = request.SerializePartialToString() + bytes([2 << 3, 7])
    client.send_bytes(encode_pdu(Command.MSG_LIST_REQUEST, body, seq=3))

    assert await client.arrived(message_pb2.IMGetMsgListRsp) == []
