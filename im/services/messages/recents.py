"""The list of conversations each user sees: recent sessions with their newest message."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from django.conf import settings
from django.db import connection

from im.models import IMRecentSession, IMRelationShip
from im.services.messages.memberships import Membership
from im.services.messages.prefetch import Newest, Reading
from im.services.messages.queries import Place
from im.services.stamps import believed
from im.storage.chunked import rows_of_all
from im.storage.sql import Row
from im.types import Message, MsgType, RowStatus, SessionType

OVERLAP_S = 2


class Since(NamedTuple):
    """Whose list is asked for, and the time of the newest session his client knows; 0: none.

    `knows_removed`: the client takes off its list what is told as removed.
    """

    user_id: int
    since: int
    knows_removed: bool = False

    @property
    def after(self) -> int:
        """The time after which sessions are told.

        A session may be committed after another one of the next second; being told of one twice
        does clients no harm.
        """
        return max(0, self.since - OVERLAP_S)

    @property
    def is_told_removed(self) -> bool:
        """Tell whether removed sessions are in the answer: a new client has none to take off."""
        return self.knows_removed and self.since > 0


@dataclass(frozen=True, slots=True)
class RecentSession:
    """One conversation in a user's list.  `latest` is its newest message."""

    session_type: SessionType
    session_id: int
    status: RowStatus
    updated: int
    latest: Message


class _Entry(NamedTuple):
    """A row of a list before its message is fetched, which a removed group has none of."""

    session_type: SessionType
    session_id: int
    status: RowStatus
    updated: int
    newest: Place | None


# Stands for the newest message of a removed group: who was taken out must not see what is said.
_NOT_SHOWN = Message(0, 0, 0, MsgType.GROUP_TEXT, b"")


def recent_sessions(asked: Sequence[Since], reading: Reading) -> list[Iterator[RecentSession]]:
    """Return, for each who asks, his sessions touched since then, newest first, at most
    IM_RECENT_SESSIONS.

    Removed ones are told only to a client that knows what to do with them and has been here before
    (`since` not 0).  Sessions without a stored message are left out.
    """
    asked = [one._replace(since=believed(one.since)) for one in asked]
    rows = _rows_by_user(asked)
    lists = [
        _entries(since, rows.get(since.user_id, ()), reading.groups.of(since.user_id))
        for since in asked
    ]
    for entries in lists:
        for entry in entries:
            if entry.newest is not None:
                reading.newest.want(entry.session_type, entry.newest)
    return [_with_messages(entries, reading.newest) for entries in lists]


def _entries(asked: Since, rows: Iterable[Row], groups: Iterable[Membership]) -> list[_Entry]:
    """Return what is on one user's list, newest first."""
    listed = {group.group_id: group for group in groups if group.is_on_list}
    entries = [
        _Entry(
            SessionType(session_type),
            session_id,
            RowStatus(status),
            updated,
            (relate_id, last_msg_id) if session_type == SessionType.SINGLE else None,
        )
        for _, session_type, session_id, status, updated, relate_id, last_msg_id in rows
        # Another client of his may have asked for more in the same query.
        if updated > asked.after
        and (status == RowStatus.SHOWN or asked.is_told_removed)
        # A group's row tells of a removal; it is on the list, or not, by the member's position.
        and (session_type == SessionType.SINGLE or session_id not in listed)
    ]
    entries += [
        _Entry(SessionType.GROUP, group_id, RowStatus.SHOWN, group.last_chat, group.newest)
        for group_id, group in listed.items()
        if group.last_chat > asked.after
    ]
    entries.sort(key=lambda entry: -entry.updated)
    return entries[: settings.IM_RECENT_SESSIONS]


def _with_messages(entries: Iterable[_Entry], newest: Newest) -> Iterator[RecentSession]:
    for session_type, session_id, status, updated, place in entries:
        message = _NOT_SHOWN if place is None else newest.take(session_type, place)
        if message is not None:
            yield RecentSession(session_type, session_id, status, updated, message)


# --- queries ----------------------------------------------------------------------------------


def _rows_by_user(asked: Sequence[Since]) -> dict[int, list[Row]]:
    """Return the users' one-to-one sessions, and what they removed; newest first."""
    rows: dict[int, list[Row]] = {}
    for row in rows_of_all(asked, _rows, alone=settings.IM_RECENT_SESSIONS):
        rows.setdefault(row[0], []).append(row)
    return rows


def _rows(asked: Sequence[Since], limit: int) -> list[Row]:
    """Return (user, type, session, status, updated, relation, last message id).

    Relation and message are NULL for a group.
    """
    quote = connection.ops.quote_name
    single, shown, removed = SessionType.SINGLE, RowStatus.SHOWN, RowStatus.REMOVED
    whose = " OR ".join(["s.userId = %s AND s.updated > %s AND s.status IN (%s, %s)"] * len(asked))
    values = [
        value
        for since in asked
        for value in (
            since.user_id,
            since.after,
            shown,
            removed if since.is_told_removed else shown,
        )
    ]
    sql = (
        "SELECT s.userId, s.type, s.peerId, s.status, s.updated, c.relate_id, c.last_msg_id "
        f"FROM {quote(IMRecentSession._meta.db_table)} s "
        f"LEFT JOIN {quote(IMRelationShip._meta.db_table)} r ON s.type = {single:d} "
        "AND r.smallId = CASE WHEN s.userId < s.peerId THEN s.userId ELSE s.peerId END "
        "AND r.bigId = CASE WHEN s.userId < s.peerId THEN s.peerId ELSE s.userId END "
        "LEFT JOIN im_conversation c ON c.relate_id = r.id "
        f"WHERE ({whose}) AND (s.type = {single:d} AND c.relate_id IS NOT NULL "
        f"OR s.type = {SessionType.GROUP:d} AND s.status = {removed:d}) "
        f"ORDER BY s.updated DESC, s.id LIMIT {int(limit)}"
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return list(cursor.fetchall())
