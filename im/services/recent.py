"""The list of conversations each user sees: recent sessions with their newest message."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.db.models import Q

from im.models import Conversation, IMRecentSession
from im.services import history
from im.services.memberships import Membership, memberships
from im.services.prepared import Prepared
from im.types import Message, MsgType, RowStatus, SessionType


@dataclass(frozen=True, slots=True)
class RecentSession:
    """One conversation in a user's list.  `latest` is its newest message."""

    session_type: SessionType
    session_id: int
    status: RowStatus
    updated: int
    latest: Message


# A session may be committed after another one of the next second.  Clients ask since the latest
# they know; being told of one twice does them no harm.
OVERLAP_S = 2


def recent_sessions(user_id: int, since: int) -> list[RecentSession]:
    """Return the sessions touched since `since`, newest first, at most IM_RECENT_SESSIONS.

    Removed ones are told only to a client that has been here before (`since` not 0), so that it
    can take them off its list.  Sessions without a stored message are left out.
    """
    after = max(0, since - OVERLAP_S)
    listed = {group.group_id: group for group in memberships(user_id) if group.is_on_list}
    rows = [
        # A group's row tells of a removal; it is on the list, or not, by the member's position.
        row
        for row in _sessions(bool(since))(user_id, after)
        if row[0] == SessionType.SINGLE or row[1] not in listed
    ]
    rows += [
        (SessionType.GROUP, group.group_id, RowStatus.SHOWN, group.last_chat)
        for group in listed.values()
        if group.last_chat > after
    ]
    rows.sort(key=lambda row: -row[3])
    del rows[settings.IM_RECENT_SESSIONS :]
    latest = _latest(user_id, rows, listed)
    return [
        RecentSession(kind, session_id, RowStatus(status or 0), updated, message)
        for session_type, session_id, status, updated in rows
        for kind in [SessionType(session_type)]
        if (message := latest.get((kind, session_id))) is not None
    ]


Latest = dict[tuple[SessionType, int], Message]

# Stands for the newest message of a removed group: who was taken out must not see what is said.
_NOT_SHOWN = Message(0, 0, 0, MsgType.GROUP_TEXT, b"")


def _latest(
    user_id: int, rows: Sequence[tuple[Any, ...]], listed: Mapping[int, Membership]
) -> Latest:
    """Return the newest messages of sessions by (session type, session id)."""
    peers = [session_id for kind, session_id, _, _ in rows if kind == SessionType.SINGLE]
    groups = [session_id for kind, session_id, _, _ in rows if kind == SessionType.GROUP]
    newest = [(group_id, listed[group_id].last_msg_id) for group_id in groups if group_id in listed]
    said = history.group_messages_at(newest)
    said |= {group_id: _NOT_SHOWN for group_id in groups if group_id not in listed}
    return _latest_of_peers(user_id, peers) | {
        (SessionType.GROUP, group_id): message for group_id, message in said.items()
    }


def _latest_of_peers(user_id: int, peers: list[int]) -> Latest:
    if not peers:
        return {}
    peer_of: dict[int, int] = {}
    newest: list[tuple[int, int]] = []
    for relate_id, small, big, last_msg_id in _conversations(len(peers))(user_id, *peers):
        peer_of[relate_id] = big if small == user_id else small
        newest.append((relate_id, last_msg_id))
    return {
        (SessionType.SINGLE, peer_of[relate_id]): message
        for relate_id, message in history.messages_at(newest).items()
    }


# --- queries ----------------------------------------------------------------------------------


@lru_cache(maxsize=2)
def _sessions(with_removed: bool) -> Prepared:
    """Return the query for a user's one-to-one sessions, and for what he removed."""
    wanted = Q(type=SessionType.SINGLE, status=RowStatus.SHOWN)
    if with_removed:
        wanted |= Q(type__in=tuple(SessionType), status=RowStatus.REMOVED)
    return Prepared(
        lambda user_id, since: (
            IMRecentSession.objects.filter(wanted, user_id=user_id, updated__gt=since)
            .order_by("-updated", "id")
            .values_list("type", "peer_id", "status", "updated")[: settings.IM_RECENT_SESSIONS]
        )
    )


@lru_cache(maxsize=256)
def _conversations(peers: int) -> Prepared:
    """Return the query for a user's conversations with so many peers: user id, peer ids."""

    def build(user_id: int, *peer_ids: int) -> Any:
        return Conversation.objects.filter(
            Q(small_id=user_id, big_id__in=peer_ids) | Q(big_id=user_id, small_id__in=peer_ids)
        ).values_list("relate_id", "small_id", "big_id", "last_msg_id")

    return Prepared(build, count=1 + peers)
