"""Groups for the writer's tests: made by the service or, as another server would, by SQL."""

from im.services.groups.members import create_group
from im.services.messages.memberships import Membership, membership
from im.storage.writer.requests import GroupReadMark, GroupRemoval, NewGroupMessage
from im.types import GroupType, MsgType
from tests.writer.store import NOW, Store


def say(
    sender_id: int, group_id: int, content: str = "hello", created: int = NOW
) -> NewGroupMessage:
    """Return a text to a group for the writer."""
    return NewGroupMessage(sender_id, group_id, MsgType.GROUP_TEXT, content, created)


def read_group(reader_id: int, group_id: int, at: int = NOW) -> GroupReadMark:
    """Return a read mark for the writer."""
    return GroupReadMark(reader_id, group_id, 1, at)


def remove_group(user_id: int, group_id: int, at: int = NOW) -> GroupRemoval:
    """Return the wish to take a group off one's list for the writer."""
    return GroupRemoval(user_id, group_id, at)


def make(*member_ids: int) -> int:
    """Make a temporary group of these, the first being its creator; return its id."""
    return create_group(member_ids[0], "group", "", member_ids, GroupType.TEMPORARY).group_id


def standing(user_id: int, group_id: int) -> Membership:
    """Return a member's standing; a stranger fails the test."""
    mine = membership(user_id, group_id)
    assert mine is not None
    return mine


def unread(user_id: int, group_id: int) -> int:
    """Return how much of a group a member has not read."""
    return standing(user_id, group_id).unread


def adopt(store: Store, *member_ids: int, said: tuple[int, ...] = ()) -> int:
    """Add a group as another server would, with messages of these ids by the first member."""
    store.change(
        "INSERT INTO IMGroup (name, avatar, creator, type, userCnt, status, version, lastChated,"
        " updated, created) VALUES ('old', '', %s, 2, 9, 0, 1, 1, 1, 1)",
        member_ids[0],
    )
    [group_id] = store.row("SELECT MAX(id) FROM IMGroup")
    for user_id in member_ids:
        store.change(
            "INSERT INTO IMGroupMember (groupId, userId, status, created, updated)"
            " VALUES (%s, %s, 0, 1, 1)",
            group_id,
            user_id,
        )
    for msg_id in said:
        store.change(
            f"INSERT INTO IMGroupMessage_{group_id % 8}"
            " (groupId, userId, msgId, content, type, status, updated, created)"
            " VALUES (%s, %s, %s, 'old', 17, 0, 1, 1)",
            group_id,
            member_ids[0],
            msg_id,
        )
    return int(group_id)


def contents(store: Store, group_id: int) -> list[tuple[int, str]]:
    """Return (msg_id, content) of all messages of a group, in order of msg_id."""
    return [
        (msg_id, content)
        for msg_id, content in store.rows(
            f"SELECT msgId, content FROM IMGroupMessage_{group_id % 8}"
            " WHERE groupId = %s ORDER BY msgId",
            group_id,
        )
    ]


def counter(store: Store, group_id: int) -> tuple[int, int]:
    """Return (last_msg_id, dense_from) of a group."""
    last, dense = store.row(
        "SELECT last_msg_id, dense_from FROM im_group_counter WHERE group_id = %s", group_id
    )
    return last, dense
