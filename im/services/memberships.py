"""In which groups a user is, and how far he has read each: one query for all lists that need it."""

from dataclasses import dataclass

from django.conf import settings
from django.db import connection

from im.models import GroupCounter, GroupPosition, IMGroup, IMGroupMember
from im.types import RowStatus


@dataclass(frozen=True, slots=True)
class Membership:
    """A user's standing in one group.

    Without a position row everything is unread.  Times are unix seconds: `since` is when he joined,
    `last_chat` when somebody last wrote, `updated` when the group changed.
    """

    group_id: int
    group_type: int
    version: int
    last_chat: int
    updated: int
    since: int
    last_msg_id: int
    read_msg_id: int
    joined_msg_id: int
    removed_msg_id: int

    @property
    def unread(self) -> int:
        """How many messages he has not read."""
        return max(0, self.last_msg_id - max(self.read_msg_id, self.joined_msg_id))

    @property
    def is_on_list(self) -> bool:
        """Whether the group is on his list of conversations."""
        return self.last_msg_id > max(self.joined_msg_id, self.removed_msg_id)


def memberships(user_id: int, group_id: int | None = None) -> list[Membership]:
    """Return the groups a user is in, last joined first; or his membership in one of them.

    At most IM_GROUPS.
    """
    return _rows(user_id, f" AND m.groupId = {int(group_id)}" if group_id is not None else "")


def membership(user_id: int, group_id: int) -> Membership | None:
    """Return a user's membership in a group, None for a stranger."""
    return next(iter(memberships(user_id, group_id)), None)


def _rows(user_id: int, narrowed: str) -> list[Membership]:
    quote = connection.ops.quote_name
    tables = {
        model: quote(model._meta.db_table)
        for model in (IMGroupMember, IMGroup, GroupCounter, GroupPosition)
    }
    sql = (
        "SELECT m.groupId, g.type, g.version, g.lastChated, g.updated, m.updated, "
        "COALESCE(c.last_msg_id, 0), COALESCE(p.read_msg_id, 0), "
        "COALESCE(p.joined_msg_id, 0), COALESCE(p.removed_msg_id, 0) "
        f"FROM {tables[IMGroupMember]} m "
        f"JOIN {tables[IMGroup]} g ON g.id = m.groupId "
        f"LEFT JOIN {tables[GroupCounter]} c ON c.group_id = m.groupId "
        f"LEFT JOIN {tables[GroupPosition]} p ON p.user_id = m.userId AND p.group_id = m.groupId "
        f"WHERE m.userId = %s AND m.status = {RowStatus.SHOWN:d} "
        f"AND g.type IN (1, 2){narrowed} "
        f"ORDER BY m.updated DESC, m.id DESC LIMIT {int(settings.IM_GROUPS)}"
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, [user_id])
        return [Membership(*row) for row in cursor.fetchall()]
