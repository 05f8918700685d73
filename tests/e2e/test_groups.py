"""Groups: made, changed, written to, read and left, by several clients."""

import pytest

from im.types import ClientType, GroupChange, SessionType
from im.wire.pdu import encode_pdu
from im.wire.proto import base_define_pb2 as base
from im.wire.proto import buddy_pb2, group_pb2, message_pb2
from tests.client import Client
from tests.e2e.conftest import People, Person
from tests.server import Server

DONE, FAILED = 0, 1


async def make_group(creator: Client, *members: Person, name: str = "团队") -> int:
    request = group_pb2.IMGroupCreateReq(
        user_id=creator.user_id,
        group_type=base.GROUP_TYPE_TMP,
        group_name=name,
        group_avatar="",
        member_id_list=[creator.user_id, *(member.id for member in members)],
    )
    answer = await creator.call(request, group_pb2.IMGroupCreateRsp)
    assert answer.result_code == DONE
    return answer.group_id


def group_text(sender: Client, group_id: int, text: str) -> message_pb2.IMMsgData:
    return message_pb2.IMMsgData(
        from_user_id=sender.user_id,
        to_session_id=group_id,
        msg_id=0,
        create_time=0,
        msg_type=base.MSG_TYPE_GROUP_TEXT,
        msg_data=text.encode(),
    )


async def write(sender: Client, group_id: int, text: str) -> int:
    ack = await sender.call(group_text(sender, group_id, text), message_pb2.IMMsgDataAck)
    assert (ack.session_id, ack.session_type) == (group_id, base.SESSION_TYPE_GROUP)
    return ack.msg_id


async def change(
    actor: Client, group_id: int, kind: GroupChange, *who: Person
) -> group_pb2.IMGroupChangeMemberRsp:
    request = group_pb2.IMGroupChangeMemberReq(
        user_id=actor.user_id,
        change_type=kind,
        group_id=group_id,
        member_id_list=[person.id for person in who],
    )
    return await actor.call(request, group_pb2.IMGroupChangeMemberRsp)


async def group_history(client: Client, group_id: int) -> list[tuple[int, str]]:
    request = message_pb2.IMGetMsgListReq(
        user_id=client.user_id,
        session_type=SessionType.GROUP,
        session_id=group_id,
        msg_id_begin=0,
        msg_cnt=100,
    )
    page = await client.call(request, message_pb2.IMGetMsgListRsp)
    return [(entry.msg_id, entry.msg_data.decode()) for entry in page.msg_list]


async def unread_of(client: Client, group_id: int) -> int:
    request = message_pb2.IMUnreadMsgCntReq(user_id=client.user_id)
    answer = await client.call(request, message_pb2.IMUnreadMsgCntRsp)
    counts = {
        entry.session_id: entry.unread_cnt
        for entry in answer.unreadinfo_list
        if entry.session_type == base.SESSION_TYPE_GROUP
    }
    return counts.get(group_id, 0)


async def listed_groups(client: Client, since: int = 0) -> dict[int, int]:
    """Return the status of the groups on the client's list of conversations."""
    request = buddy_pb2.IMRecentContactSessionReq(user_id=0, latest_update_time=since)
    answer = await client.call(request, buddy_pb2.IMRecentContactSessionRsp)
    return {
        entry.session_id: entry.session_status
        for entry in answer.contact_session_list
        if entry.session_type == base.SESSION_TYPE_GROUP
    }


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
        await b.log_in(bob.name)
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
