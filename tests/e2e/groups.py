"""What clients do with groups, for tests."""

from im.types import GroupChange, SessionType
from im.wire.proto import base_define_pb2 as base
from im.wire.proto import buddy_pb2, group_pb2, message_pb2
from tests.client import Client
from tests.people import Person


async def make_group(creator: Client, *members: Person, name: str = "团队") -> int:
    """Make a temporary group of the creator and the members; return its id."""
    request = group_pb2.IMGroupCreateReq(
        user_id=creator.user_id,
        group_type=base.GROUP_TYPE_TMP,
        group_name=name,
        group_avatar="",
        member_id_list=[creator.user_id, *(member.id for member in members)],
    )
    answer = await creator.call(request, group_pb2.IMGroupCreateRsp)
    assert answer.result_code == 0
    return answer.group_id


def group_text(sender: Client, group_id: int, text: str) -> message_pb2.IMMsgData:
    """Return a text to a group as clients send it."""
    return message_pb2.IMMsgData(
        from_user_id=sender.user_id,
        to_session_id=group_id,
        msg_id=0,
        create_time=0,
        msg_type=base.MSG_TYPE_GROUP_TEXT,
        msg_data=text.encode(),
    )


async def write(sender: Client, group_id: int, text: str) -> int:
    """Write to a group and return the message's id."""
    ack = await sender.call(group_text(sender, group_id, text), message_pb2.IMMsgDataAck)
    assert (ack.session_id, ack.session_type) == (group_id, base.SESSION_TYPE_GROUP)
    return ack.msg_id


async def change(
    actor: Client, group_id: int, kind: GroupChange, *who: Person
) -> group_pb2.IMGroupChangeMemberRsp:
    """Ask to add people to a group or to take them out."""
    request = group_pb2.IMGroupChangeMemberReq(
        user_id=actor.user_id,
        change_type=kind,
        group_id=group_id,
        member_id_list=[person.id for person in who],
    )
    return await actor.call(request, group_pb2.IMGroupChangeMemberRsp)


async def group_history(client: Client, group_id: int) -> list[tuple[int, str]]:
    """Return (msg_id, text) of what a client may see of a group."""
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
    """Return how much of a group a client has not read."""
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
