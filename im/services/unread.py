"""What users have not read: the conversations, how many messages, and the newest one of each."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.conf import settings
from django.db import connection

from im.models import group_messages, messages
from im.services.memberships import Memberships
from im.services.message_rows import messages_at
from im.services.rows import Row, listed
from im.services.together import rows_of_all
from im.types import Message, SessionType


@dataclass(frozen=True, slots=True)
class Unread:
    """One conversation with unread messages; `latest` is its newest one."""

    session_type: SessionType
    session_id: int
    count: int
    latest: Message


def unread(user_ids: Sequence[int], groups: Memberships) -> list[list[Unread]]:
    """Return the conversations with unread messages of each of the users: one-to-one, by the
    decimal text of the peer's id, then groups, last joined first.  At most IM_UNREAD_SESSIONS of
    either.
    """
    single, of_groups = _single(user_ids), _of_groups(user_ids, groups)
    return [[*single.get(user_id, ()), *of_groups[user_id]] for user_id in user_ids]


def _single(user_ids: Iterable[int]) -> dict[int, list[Unread]]:
    limit: int = settings.IM_UNREAD_SESSIONS
    rows = rows_of_all(sorted(set(user_ids)), _rows, alone=limit)
    latest = messages_at(messages, ((relate_id, last_id) for _, _, _, relate_id, last_id in rows))
    found: dict[int, list[Unread]] = {}
    for user_id, peer_id, count, *place in rows:
        message = latest.get((place[0], place[1]))
        if message is not None:
            entry = Unread(SessionType.SINGLE, peer_id, count, message)
            found.setdefault(user_id, []).append(entry)
    return {
        user_id: sorted(entries[:limit], key=lambda entry: str(entry.session_id))
        for user_id, entries in found.items()
    }


def _of_groups(user_ids: Iterable[int], groups: Memberships) -> dict[int, list[Unread]]:
    limit: int = settings.IM_UNREAD_SESSIONS
    behind = {
        user_id: [group for group in groups.of(user_id) if group.unread][:limit]
        for user_id in user_ids
    }
    places = (group.newest for found in behind.values() for group in found)
    latest = messages_at(group_messages, places)
    return {
        user_id: [
            Unread(SessionType.GROUP, group.group_id, group.unread, latest[group.newest])
            for group in found
            if group.newest in latest
        ]
        for user_id, found in behind.items()
    }


def _rows(user_ids: Sequence[int], limit: int) -> list[Row]:
    """Return (user id, peer id, count, relation id, last message id) where something is unread."""
    sides = " UNION ALL ".join(
        f"SELECT {me}_id, {peer}_id, sent_{peer} - seen_{me}, relate_id, last_msg_id "
        f"FROM im_conversation WHERE {me}_id IN ({listed(user_ids)}) AND sent_{peer} > seen_{me}"
        for me, peer in (("small", "big"), ("big", "small"))
    )
    with connection.cursor() as cursor:
        cursor.execute(f"{sides} LIMIT {int(limit)}")
        return list(cursor.fetchall())
