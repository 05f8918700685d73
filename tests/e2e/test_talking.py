"""Two and three clients talk: what each connection gets, and what the next login finds."""

from im.types import ClientType
from im.wire.proto import message_pb2
from tests.client import Client, texts
from tests.people import People
from tests.server import Server


async def test_a_text_is_acknowledged_and_delivered(server: Server, people: People) -> None:
    ada, bob = people(2)
    async with await Client.connect(server.port) as a, await Client.connect(server.port) as b:
        await a.log_in(ada.name)
        await b.log_in(bob.name)

        msg_id = await a.tell(bob.id, "hello")
        pushed = await b.receive_pdu(message_pb2.IMMsgData)

        message = message_pb2.IMMsgData.FromString(pushed.body)
        assert msg_id == 1
        assert (message.from_user_id, message.to_session_id) == (ada.id, bob.id)
        assert (message.msg_id, message.msg_data) == (1, b"hello")
        assert pushed.seq == 0


async def test_all_devices_of_both_sides_but_the_sending_one_get_a_text(
    server: Server, people: People
) -> None:
    ada, bob = people(2)
    async with (
        await Client.connect(server.port) as a_pc,
        await Client.connect(server.port) as a_phone,
        await Client.connect(server.port) as b_pc,
        await Client.connect(server.port) as b_phone,
    ):
        await a_pc.log_in(ada.name)
        await a_phone.log_in(ada.name, client_type=ClientType.IOS)
        await b_pc.log_in(bob.name, client_type=ClientType.MAC)
        await b_phone.log_in(bob.name, client_type=ClientType.ANDROID)

        await a_pc.tell(bob.id, "to everybody")

        for client in (a_phone, b_pc, b_phone):
            assert (await client.receive(message_pb2.IMMsgData)).msg_data == b"to everybody"
        assert await a_pc.silence(message_pb2.IMMsgData)


async def test_who_was_away_finds_what_was_missed(server: Server, people: People) -> None:
    ada, bob = people(2)
    async with await Client.connect(server.port) as a:
        await a.log_in(ada.name)
        for number in range(5):
            await a.tell(bob.id, f"text {number}")

    async with await Client.connect(server.port) as b:
        await b.log_in(bob.name)
        unread = await b.unread_counts()
        page = await b.history(ada.id)
        await b.mark_read(ada.id, 5)
        left = await b.unread_counts()

    assert unread == {ada.id: 5}
    assert texts(page) == [f"text {number}" for number in (4, 3, 2, 1, 0)]
    assert [msg_id for msg_id, _ in page] == [5, 4, 3, 2, 1]
    assert left == {}
