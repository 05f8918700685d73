"""What users have not read: the conversations, how many messages, and the newest one of each."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

from django.conf import settings
from django.db import connection

from im.services.messages.memberships import Membership
from im.services.messages.prefetch import Newest, Reading
from im.services.messages.queries import Place
from im.storage.chunked import rows_of_all
from im.storage.sql import Row, listed
from im.types import Message, SessionType


@dataclass(frozen=True, slots=True)
class Unread:
    """One conversation with unread messages; `latest` is its newest one."""

    session_type: SessionType
    session_id: int
    count: int
    latest: Message


class _Entry(NamedTuple):
    """An entry of a list before its message is read."""

    session_type: SessionType
    session_id: int
    unread: int
    newest: Place


def unread(user_ids: Sequence[int], reading: Reading) -> list[Iterator[Unread]]:
    """Return the conversations with unread messages of each of the users: one-to-one, by the
    decimal text of the peer's id, then groups, last joined first.  At most IM_UNREAD_SESSIONS of
    either; without those whose newest message is lost.
    """
    singles = _singles(user_ids)
    lists = [
        [*singles.get(user_id, ()), *_groups(reading.groups.of(user_id))] for user_id in user_ids
    ]
    for entries in lists:
        for entry in entries:
            reading.newest.want(entry.session_type, entry.newest)
    return [_with_messages(entries, reading.newest) for entries in lists]


def _with_messages(entries: Iterable[_Entry], newest: Newest) -> Iterator[Unread]:
    for session_type, session_id, count, place in entries:
        message = newest.take(session_type, place)
        if message is not None:
            yield Unread(session_type, session_id, count, message)


def _singles(user_ids: Iterable[int]) -> dict[int, list[_Entry]]:
    limit: int = settings.IM_UNREAD_SESSIONS
    found: dict[int, list[_Entry]] = {}
    rows = rows_of_all(sorted(set(user_ids)), _rows, alone=limit)
    for user_id, peer_id, count, *place in rows:
        entry = _Entry(SessionType.SINGLE, peer_id, count, (place[0], place[1]))
        found.setdefault(user_id, []).append(entry)
    return {
        user_id: sorted(entries[:limit], key=lambda entry: str(entry.session_id))
        for user_id, entries in found.items()
    }


def _groups(groups: Iterable[Membership]) -> list[_Entry]:
    behind = (group for group in groups if group.unread)
    return [
        _Entry(SessionType.GROUP, group.group_id, group.unread, group.newest)
        for group in islice(behind, settings.IM_UNREAD_SESSIONS)
    ]


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
