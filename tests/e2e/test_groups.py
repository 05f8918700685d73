"""Groups: made, changed, written to, read and left, by several clients."""

import pytest

from im.types import ClientType, GroupChange, SessionType
from im.wire.pdu import encode_pdu
from im.wire.proto import base_define_pb2 as base
from im.wire.proto import buddy_pb2, group_pb2, message_pb2
from tests.client import Client
from tests.e2e.groups import (
    change,
    group_history,
    group_text,
    listed_groups,
    make_group,
    unread_of,
    write,
)
from tests.people import People
from tests.server import Server

DONE, FAILED = 0, 1


async def test_a_group_text_reaches_every_member_once_and_counts_as_unread(
    server: Server, people: People
) -> None:
    ada, bob, eve = people(3)
    async with (
        await Client.connect(server.port) as a,
        await Client.connect(server.port) as a_phone,
        await Client.connect(server.port) as b,
    ):
        await a.log_in(ada.name)
        await a_phone.log_in(ada.name, client_type=ClientType.IOS)
        await b.log_in(bob.name)
        group_id = await make_group(a, bob, eve)

        assert await write(a, group_id, "hello all") == 1
        for member in (a_phone, b):
            message = await member.receive(message_pb2.IMMsgData)
            assert (message.to_session_id, message.msg_id) == (group_id, 1)
        assert await a.silence(message_pb2.IMMsgData)
        assert await write(b, group_id, "hello back") == 2
        assert (await unread_of(a, group_id), await unread_of(b, group_id)) == (1, 0)
        assert await listed_groups(b) == {group_id: base.SESSION_STATUS_OK}

    async with await Client.connect(server.port) as e:
        await e.log_in(eve.name)
        assert await unread_of(e, group_id) == 2
        assert await group_history(e, group_id) == [(2, "hello back"), (1, "hello all")]


async def test_reading_a_group_clears_it_and_tells_the_readers_phone(
    server: Server, people: People
) -> None:
    ada, bob = people(2)
    async with (
        await Client.connect(server.port) as a,
        await Client.connect(server.port) as b,
        await Client.connect(server.port) as b_phone,
    ):
        await a.log_in(ada.name)
        await b.log_in(bob.name)
        await b_phone.log_in(bob.name, client_type=ClientType.ANDROID)
        group_id = await make_group(a, bob)
        await write(a, group_id, "read me")

        ack = message_pb2.IMMsgDataReadAck(
            user_id=0, session_id=group_id, msg_id=1, session_type=SessionType.GROUP
        )
        b.send(ack)

        notice = await b_phone.receive(message_pb2.IMMsgDataReadNotify)
        assert (notice.session_id, notice.session_type) == (group_id, base.SESSION_TYPE_GROUP)
        assert await unread_of(b, group_id) == 0


async def test_who_joins_sees_what_is_said_from_then_on(server: Server, people: People) -> None:
    ada, bob, eve = people(3)
    async with await Client.connect(server.port) as a, await Client.connect(server.port) as e:
        await a.log_in(ada.name)
        await e.log_in(eve.name)
        group_id = await make_group(a, bob)
        await write(a, group_id, "before")

        answer = await change(a, group_id, GroupChange.ADD, eve)
        notice = await e.receive(group_pb2.IMGroupChangeMemberNotify)
        await write(a, group_id, "after")
        await e.receive(message_pb2.IMMsgData)

        assert answer.result_code == DONE
        assert list(answer.chg_user_id_list) == list(notice.chg_user_id_list) == [eve.id]
        assert await group_history(e, group_id) == [(2, "after")]
        assert await unread_of(e, group_id) == 1


async def test_who_is_taken_out_neither_writes_nor_reads(server: Server, people: People) -> None:
    ada, bob = people(2)
    async with await Client.connect(server.port) as a, await Client.connect(server.port) as b:
        await a.log_in(ada.name)
        await b.log_in(bob.name)
        group_id = await make_group(a, bob)
        await write(a, group_id, "once")
        await b.receive(message_pb2.IMMsgData)

        assert (await change(a, group_id, GroupChange.REMOVE, bob)).result_code == DONE
        await b.receive(group_pb2.IMGroupChangeMemberNotify)
        await write(a, group_id, "without you")
        b.send(group_text(b, group_id, "still here?"))

        assert await b.silence(message_pb2.IMMsgDataAck)
        assert await b.silence(message_pb2.IMMsgData)
        assert await group_history(b, group_id) == []
        assert await unread_of(b, group_id) == 0
        assert [text for _, text in await group_history(a, group_id)] == ["without you", "once"]


async def test_strangers_get_empty_answers(server: Server, people: People) -> None:
    ada, bob, mallory = people(3)
    async with await Client.connect(server.port) as a, await Client.connect(server.port) as m:
        await a.log_in(ada.name)
        await m.log_in(mallory.name)
        group_id = await make_group(a, bob)
        await write(a, group_id, "secret")
        info = group_pb2.IMGroupInfoListReq(
            user_id=ada.id,
            group_version_list=[base.GroupVersionInfo(group_id=group_id, version=0)],
        )

        assert (await change(m, group_id, GroupChange.ADD, mallory)).result_code == FAILED
        assert await group_history(m, group_id) == []
        assert not (await m.call(info, group_pb2.IMGroupInfoListRsp)).group_info_list
        shield = group_pb2.IMGroupShieldReq(user_id=0, group_id=group_id, shield_status=1)
        assert (await m.call(shield, group_pb2.IMGroupShieldRsp)).result_code == FAILED


async def test_only_the_creator_takes_people_out(server: Server, people: People) -> None:
    ada, bob, eve = people(3)
    async with await Client.connect(server.port) as a, await Client.connect(server.port) as b:
        await a.log_in(ada.name)
        await b.log_in(bob.name)
        group_id = await make_group(a, bob, eve)

        assert (await change(b, group_id, GroupChange.REMOVE, eve)).result_code == FAILED
        assert (await change(a, group_id, GroupChange.REMOVE, eve)).result_code == DONE


@pytest.mark.parametrize("command", ["right", "as iOS asks"])
async def test_a_removed_group_comes_back_with_the_next_message(
    server: Server, people: People, command: str
) -> None:
    ada, bob = people(2)
    async with await Client.connect(server.port) as a, await Client.connect(server.port) as b:
        await a.log_in(ada.name)
        await b.log_in(bob.name, client_type=ClientType.WEB)
        group_id = await make_group(a, bob)
        await write(a, group_id, "one")
        remove = buddy_pb2.IMRemoveSessionReq(
            user_id=0, session_type=SessionType.GROUP, session_id=group_id
        )

        if command == "right":
            answer = await b.call(remove, buddy_pb2.IMRemoveSessionRsp)
        else:
            b.send_bytes(encode_pdu(0x0207, remove.SerializeToString(), 77))
            answer = await b.receive(buddy_pb2.IMRemoveSessionRsp, seq=77)
        hidden = await listed_groups(b)
        told_of_removal = await listed_groups(b, since=1)
        again = await b.call(remove, buddy_pb2.IMRemoveSessionRsp)
        await write(a, group_id, "two")

        assert (answer.result_code, again.result_code) == (DONE, FAILED)
        assert hidden == {}
        assert told_of_removal == {group_id: base.SESSION_STATUS_DELETE}
        assert await listed_groups(b) == {group_id: base.SESSION_STATUS_OK}


@pytest.mark.parametrize(
    ("client_type", "status"),
    [(ClientType.WEB, base.SESSION_STATUS_DELETE), (ClientType.ANDROID, None)],
)
async def test_a_browser_that_was_away_when_taken_out_is_told_at_the_next_sync(
    server: Server, people: People, client_type: ClientType, status: int | None
) -> None:
    ada, bob = people(2)
    async with await Client.connect(server.port) as a:
        await a.log_in(ada.name)
        group_id = await make_group(a, bob)
        await write(a, group_id, "one")
        await change(a, group_id, GroupChange.REMOVE, bob)

    async with await Client.connect(server.port) as b:
        await b.log_in(bob.name, client_type=client_type)
        assert await listed_groups(b) == {}
        assert (await listed_groups(b, since=1)).get(group_id) == status


async def test_who_is_added_is_told_once_like_everybody_else(
    server: Server, people: People
) -> None:
    ada, bob, eve = people(3)
    async with (
        await Client.connect(server.port) as a,
        await Client.connect(server.port) as b,
        await Client.connect(server.port) as e,
    ):
        for client, person in ((a, ada), (b, bob), (e, eve)):
            await client.log_in(person.name)
        group_id = await make_group(a, bob)

        assert (await change(a, group_id, GroupChange.ADD, eve)).result_code == DONE

        notices = [await client.arrived(group_pb2.IMGroupChangeMemberNotify) for client in (b, e)]
        assert [len(found) for found in notices] == [1, 1]


async def test_the_answer_about_a_muted_group_names_it(server: Server, people: People) -> None:
    ada, bob = people(2)
    async with await Client.connect(server.port) as a:
        await a.log_in(ada.name)
        group_id = await make_group(a, bob)
        wish = group_pb2.IMGroupShieldReq(user_id=0, group_id=group_id, shield_status=1)

        answer = await a.call(wish, group_pb2.IMGroupShieldRsp)

    assert (answer.user_id, answer.group_id, answer.result_code) == (ada.id, group_id, DONE)
