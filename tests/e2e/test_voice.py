"""Voice messages: delivered as they came, kept, and read back as they were sent."""

import pytest

from im.types import ClientType, MsgType, SessionType
from im.wire import cipher
from im.wire.proto import buddy_pb2, group_pb2, message_pb2
from tests.client import Client
from tests.e2e.database import Database, messages_between
from tests.people import Entrance, People, Person
from tests.server import Server

SINGLE, GROUP = SessionType.SINGLE, SessionType.GROUP
PLACEHOLDER = cipher.audio_placeholder(b"12345678901234567890123456789012")
MAX_BYTES = 384 * 1024


def voice(seconds: int, sound: bytes) -> bytes:
    return seconds.to_bytes(4, "big") + sound


HELLO = voice(3, b"OggS\0\xff\xfe" + bytes(range(256)) * 40)


def voice_to(receiver_id: int, content: bytes, msg_type: MsgType) -> message_pb2.IMMsgData:
    return message_pb2.IMMsgData(
        from_user_id=0,
        to_session_id=receiver_id,
        msg_id=0,
        create_time=0,
        msg_type=int(msg_type),
        msg_data=content,
    )


async def speak(
    client: Client, receiver_id: int, content: bytes, msg_type: MsgType = MsgType.SINGLE_AUDIO
) -> int:
    """Send a voice message, wait for its ACK and return the message id."""
    said = voice_to(receiver_id, content, msg_type)
    return (await client.call(said, message_pb2.IMMsgDataAck)).msg_id


async def page_of(
    client: Client, kind: SessionType, session_id: int
) -> list[tuple[int, int, bytes]]:
    request = message_pb2.IMGetMsgListReq(
        user_id=0, session_type=kind, session_id=session_id, msg_id_begin=0, msg_cnt=100
    )
    page = await client.call(request, message_pb2.IMGetMsgListRsp)
    return [(entry.msg_id, entry.msg_type, entry.msg_data) for entry in page.msg_list]


async def by_id(client: Client, kind: SessionType, session_id: int, msg_id: int) -> bytes:
    request = message_pb2.IMGetMsgByIdReq(
        user_id=0, session_type=kind, session_id=session_id, msg_id_list=[msg_id]
    )
    [entry] = (await client.call(request, message_pb2.IMGetMsgByIdRsp)).msg_list
    return entry.msg_data


async def unread_preview(client: Client) -> tuple[int, bytes]:
    request = message_pb2.IMUnreadMsgCntReq(user_id=0)
    [entry] = (await client.call(request, message_pb2.IMUnreadMsgCntRsp)).unreadinfo_list
    return entry.latest_msg_type, entry.latest_msg_data


async def recent_preview(client: Client) -> tuple[int, bytes]:
    request = buddy_pb2.IMRecentContactSessionReq(user_id=0, latest_update_time=0)
    answer = await client.call(request, buddy_pb2.IMRecentContactSessionRsp)
    [entry] = answer.contact_session_list
    return entry.latest_msg_type, entry.latest_msg_data


async def make_group(creator: Client, *members: Person) -> int:
    request = group_pb2.IMGroupCreateReq(
        user_id=0,
        group_type=2,
        group_name="voices",
        group_avatar="",
        member_id_list=[creator.user_id, *(member.id for member in members)],
    )
    return (await creator.call(request, group_pb2.IMGroupCreateRsp)).group_id


@pytest.mark.parametrize("kind", [SINGLE, GROUP])
async def test_voice_is_heard_live_and_later_as_it_was_sent(
    entrance: Entrance, people: People, kind: SessionType
) -> None:
    ada, bob = people(2)
    a, b = await entrance.log_in(ada), await entrance.log_in(bob)
    a_phone = await entrance.log_in(ada, ClientType.IOS)
    is_single = kind is SINGLE
    msg_type = MsgType.SINGLE_AUDIO if is_single else MsgType.GROUP_AUDIO
    to_bob = to_ada = 0 if is_single else await make_group(a, bob)
    to_bob, to_ada = to_bob or bob.id, to_ada or ada.id

    msg_id = await speak(a, to_bob, HELLO, msg_type)
    live = [await client.receive(message_pb2.IMMsgData) for client in (a_phone, b)]

    assert [(m.msg_id, int(m.msg_type), m.msg_data) for m in live] == 2 * [
        (msg_id, msg_type, HELLO)
    ]
    assert await unread_preview(b) == (msg_type, PLACEHOLDER)
    assert await recent_preview(b) == (msg_type, PLACEHOLDER)
    for reader, session_id in ((a, to_bob), (b, to_ada)):
        assert await page_of(reader, kind, session_id) == [(msg_id, msg_type, HELLO)]
        assert await by_id(reader, kind, session_id, msg_id) == HELLO


async def test_the_row_says_what_the_original_would_say(
    entrance: Entrance, people: People, database: Database
) -> None:
    ada, bob = people(2)
    a = await entrance.log_in(ada)

    await speak(a, bob.id, voice(7, b"some sound"))

    [(_, _, _, content)] = messages_between(database, ada.id, bob.id)
    row = database.row(
        "SELECT fromId, toId, size, duration FROM IMAudio WHERE id = %s", int(content)
    )
    assert row == (ada.id, bob.id, len(b"some sound"), 7)


async def test_voice_and_texts_keep_their_order(entrance: Entrance, people: People) -> None:
    ada, bob = people(2)
    a, b = await entrance.log_in(ada), await entrance.log_in(bob)
    said: list[bytes] = []

    for number in range(12):
        said += [voice(number, b"sound" * number * 1000 + b"!"), b"text %d" % number]
        a.send(voice_to(bob.id, said[-2], MsgType.SINGLE_AUDIO))
        a.say(bob.id, said[-1])
    heard = [(await b.receive(message_pb2.IMMsgData)).msg_data for _ in said]
    acks = await a.acks(len(said))

    assert heard == said
    assert [msg_id for _, msg_id in acks] == list(range(1, len(said) + 1))
    assert [data for _, _, data in await page_of(b, SINGLE, ada.id)] == said[::-1]


async def test_a_question_right_behind_voice_sees_it(entrance: Entrance, people: People) -> None:
    ada, bob = people(2)
    a = await entrance.log_in(ada)

    a.send(voice_to(bob.id, HELLO, MsgType.SINGLE_AUDIO))

    assert [data for _, _, data in await page_of(a, SINGLE, bob.id)] == [HELLO]


@pytest.mark.parametrize("length", [0, 1, 4, 4 + MAX_BYTES + 1])
async def test_voice_without_sound_or_without_end_is_not_taken(
    entrance: Entrance, people: People, length: int
) -> None:
    ada, bob = people(2)
    a, b = await entrance.log_in(ada), await entrance.log_in(bob)

    a.send(voice_to(bob.id, bytes(length), MsgType.SINGLE_AUDIO))

    assert await a.arrived(message_pb2.IMMsgDataAck) == []
    assert await b.arrived(message_pb2.IMMsgData) == []
    assert await page_of(a, SINGLE, bob.id) == []


@pytest.mark.parametrize("length", [5, 4 + MAX_BYTES])
async def test_the_shortest_and_the_longest_voice_come_back(
    entrance: Entrance, people: People, length: int
) -> None:
    ada, bob = people(2)
    a = await entrance.log_in(ada)

    await speak(a, bob.id, bytes(length))

    assert [data for _, _, data in await page_of(a, SINGLE, bob.id)] == [bytes(length)]


async def test_the_same_sound_twice_is_two_messages(entrance: Entrance, people: People) -> None:
    ada, bob = people(2)
    a = await entrance.log_in(ada)

    ids = [await speak(a, bob.id, HELLO) for _ in range(2)]

    assert ids == [1, 2]
    assert [data for _, _, data in await page_of(a, SINGLE, bob.id)] == [HELLO, HELLO]


async def test_a_clients_retry_of_voice_is_stored_once(entrance: Entrance, people: People) -> None:
    ada, bob = people(2)
    a = await entrance.log_in(ada)

    for _ in range(3):
        a.send(voice_to(bob.id, HELLO, MsgType.SINGLE_AUDIO), seq=77)
    await a.acks(1)

    assert len(await page_of(a, SINGLE, bob.id)) == 1


async def test_a_strangers_voice_does_not_reach_a_group(entrance: Entrance, people: People) -> None:
    ada, bob, mallory = people(3)
    a, m = await entrance.log_in(ada), await entrance.log_in(mallory)
    group_id = await make_group(a, bob)

    m.send(voice_to(group_id, HELLO, MsgType.GROUP_AUDIO))

    assert await m.arrived(message_pb2.IMMsgDataAck) == []
    assert await page_of(a, GROUP, group_id) == []


async def test_a_page_with_much_voice_ends_early_and_goes_on_when_asked(
    entrance: Entrance, people: People
) -> None:
    ada, bob = people(2)
    a = await entrance.log_in(ada)
    for number in range(6):
        await speak(a, bob.id, voice(number, bytes(MAX_BYTES)))

    first = await a.history(bob.id)
    rest = await a.history(bob.id, begin=first[-1][0] - 1)

    assert [msg_id for msg_id, _ in first + rest] == [6, 5, 4, 3, 2, 1]
    assert all(len(content) == 4 + MAX_BYTES for _, content in first + rest)


@pytest.mark.parametrize(
    "path", ["", "http://127.0.0.1:1/g0/000/000/1_2.audio", "g0/000/000/1_2.audio", "../../x"]
)
async def test_voice_whose_sound_is_not_here_stays_a_number(
    entrance: Entrance, people: People, database: Database, path: str
) -> None:
    ada, bob = people(2)
    a = await entrance.log_in(ada)
    await speak(a, bob.id, HELLO)
    [(_, _, _, audio_id)] = messages_between(database, ada.id, bob.id)

    database.change("UPDATE IMAudio SET path = %s WHERE id = %s", path, int(audio_id))

    assert await a.history(bob.id) == [(1, audio_id.encode())]


async def test_voice_without_its_row_stays_a_number(
    entrance: Entrance, people: People, database: Database
) -> None:
    ada, bob = people(2)
    a = await entrance.log_in(ada)
    await speak(a, bob.id, HELLO)
    [(_, _, _, audio_id)] = messages_between(database, ada.id, bob.id)

    database.change("DELETE FROM IMAudio WHERE id = %s", int(audio_id))

    assert await a.history(bob.id) == [(1, audio_id.encode())]


async def test_voice_to_nobody_gets_no_answer(server: Server, people: People) -> None:
    [ada] = people(1)
    async with await Client.connect(server.port) as a:
        await a.log_in(ada.name)

        for receiver_id in (0, ada.id, 4294967295):
            a.send(voice_to(receiver_id, HELLO, MsgType.SINGLE_AUDIO))

        assert await a.arrived(message_pb2.IMMsgDataAck) == []
