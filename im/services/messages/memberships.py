"""In which groups users are, and how far each has read: one query for all lists that need it."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from django.conf import settings
from django.db import connection

from im.models import GroupCounter, GroupPosition, IMGroup, IMGroupMember
from im.storage.chunked import rows_of_all
from im.storage.sql import Row, listed, pairs_as_rows
from im.types import RowStatus

NO_LIMIT = 2**31 - 1

Place = tuple[int, int]  # user id, group id


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
    def is_silent(self) -> bool:
        """Whether nothing was said since he is in it."""
        return self.last_msg_id <= self.joined_msg_id

    @property
    def newest(self) -> tuple[int, int]:
        """The place of the group's newest message: group id, message id."""
        return self.group_id, self.last_msg_id

    @property
    def is_on_list(self) -> bool:
        """Whether the group is on his list of conversations."""
        return self.last_msg_id > max(self.joined_msg_id, self.removed_msg_id)


class Memberships:
    """The groups of some users, read when first asked for, once for all of them."""

    def __init__(self, user_ids: Iterable[int]) -> None:
        self._user_ids = sorted(set(user_ids))
        self._by_user: dict[int, list[Membership]] | None = None

    def of(self, user_id: int) -> list[Membership]:
        """Return the groups one of them is in, last joined first, at most IM_GROUPS."""
        if self._by_user is None:
            self._by_user = _by_user(self._user_ids)
        return self._by_user.get(user_id, [])


def _by_user(user_ids: Sequence[int]) -> dict[int, list[Membership]]:
    limit: int = settings.IM_GROUPS
    rows = rows_of_all(
        user_ids,
        lambda users, limit: _rows(f"m.userId IN ({listed(users)})", limit),
        alone=limit,
    )
    found: dict[int, list[Membership]] = {}
    for user_id, *values in rows:
        found.setdefault(user_id, []).append(Membership(*values))
    return {user_id: groups[:limit] for user_id, groups in found.items()}


def memberships_at(places: Collection[Place]) -> dict[Place, Membership]:
    """Return the memberships at (user id, group id); strangers have none."""
    if not places:
        return {}
    wanted = f"({pairs_as_rows(places)}) AS w"
    rows = _rows("m.userId = w.a AND m.groupId = w.b", NO_LIMIT, wanted=wanted)
    found: dict[Place, Membership] = {}
    for user_id, *values in rows:  # adopted databases may have two: who joined last comes first
        found.setdefault((user_id, values[0]), Membership(*values))
    return found


def membership(user_id: int, group_id: int) -> Membership | None:
    """Return a user's membership in a group, None for a stranger."""
    return memberships_at([(user_id, group_id)]).get((user_id, group_id))


def _rows(condition: str, limit: int, *, wanted: str = "") -> list[Row]:
    """Return (user id, fields of a Membership…) of those who meet the condition.

    `wanted`: a table it names besides.
    """
    quote = connection.ops.quote_name
    tables = {
        model: quote(model._meta.db_table)
        for model in (IMGroupMember, IMGroup, GroupCounter, GroupPosition)
    }
    sql = (
        "SELECT m.userId, m.groupId, g.type, g.version, g.lastChated, g.updated, m.updated, "
        "COALESCE(c.last_msg_id, 0), COALESCE(p.read_msg_id, 0), "
        "COALESCE(p.joined_msg_id, 0), COALESCE(p.removed_msg_id, 0) "
        f"FROM {wanted + ' JOIN ' if wanted else ''}{tables[IMGroupMember]} m "
        f"JOIN {tables[IMGroup]} g ON g.id = m.groupId "
        f"LEFT JOIN {tables[GroupCounter]} c ON c.group_id = m.groupId "
        f"LEFT JOIN {tables[GroupPosition]} p ON p.user_id = m.userId AND p.group_id = m.groupId "
        f"WHERE {condition} AND m.status = {RowStatus.SHOWN:d} AND g.type IN (1, 2) "
        f"ORDER BY m.updated DESC, m.id DESC LIMIT {int(limit)}"
    )
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return list(cursor.fetchall())
