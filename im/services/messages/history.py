"""Looking back: pages of conversations, as those who are in them may see them."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any, NamedTuple

from django.conf import settings
from django.db import connection

from im.models import Conversation, IMRelationShip, group_messages, messages
from im.services.messages.memberships import membership, memberships_at
from im.services.messages.queries import ANY_ID, FIELDS, NO_ID, Stretch, as_message, stretches
from im.storage.sql import pairs_as_rows
from im.storage.writer.requests import Pair, pair_of
from im.types import Message, MsgType, RowStatus, SessionType

_SHOWN: dict[str, Any] = {"status": RowStatus.SHOWN, "type__in": tuple(MsgType)}


class Opening(NamedTuple):
    """A look of a user into a conversation: `at_most` messages, from `newest_id` back.

    `newest_id` 0: from the newest there is.  `session_id` is the peer's id, or the group's.
    """

    user_id: int
    session_type: SessionType
    session_id: int
    newest_id: int
    at_most: int


def pages(openings: Sequence[Opening]) -> list[list[Message]]:
    """Return the messages that each opening shows, newest first, at most IM_HISTORY_PAGE.

    Users who never talked have no messages.  A member of a group sees what was said since he
    joined, the last time he did; a stranger sees nothing.
    """
    found: list[list[Message]] = [[] for _ in openings]
    for table, visible in (
        (messages, _visible_to_two(openings)),
        (group_messages, _visible_to_members(openings)),
    ):
        for number, page in zip(visible, stretches(table, [*visible.values()]), strict=True):
            found[number] = page
    return found


def _visible_to_two(openings: Sequence[Opening]) -> dict[int, Stretch]:
    """Return what the openings of one-to-one conversations show, by their number."""
    pairs = {
        number: pair_of(opening.user_id, opening.session_id)
        for number, opening in enumerate(openings)
        if opening.session_type is SessionType.SINGLE
    }
    relations = _relations(set(pairs.values()))
    return {
        number: _stretch(openings[number], relations[pair])
        for number, pair in pairs.items()
        if pair in relations
    }


def _visible_to_members(openings: Sequence[Opening]) -> dict[int, Stretch]:
    """Return what the openings of groups show, by their number."""
    members = {
        number: (opening.user_id, opening.session_id)
        for number, opening in enumerate(openings)
        if opening.session_type is SessionType.GROUP
    }
    standings = memberships_at(set(members.values()))
    return {
        number: _stretch(openings[number], group_id, standings[user_id, group_id].joined_msg_id)
        for number, (user_id, group_id) in members.items()
        if (user_id, group_id) in standings
    }


def _stretch(opening: Opening, key: int, after_id: int = NO_ID) -> Stretch:
    at_most = min(opening.at_most, settings.IM_HISTORY_PAGE)
    return Stretch(key, at_most, opening.newest_id or ANY_ID, after_id)


def latest_id(user_id: int, peer_id: int) -> int:
    """Return the id of the newest message of the two users, 0 if they never talked."""
    small, big = pair_of(user_id, peer_id)
    newest = Conversation.objects.filter(small_id=small, big_id=big).values_list(
        "last_msg_id", flat=True
    )
    return newest.first() or 0


def latest_group_id(user_id: int, group_id: int) -> int:
    """Return the id of the newest message that a member may see, 0 for none and for strangers."""
    mine = membership(user_id, group_id)
    if mine is None or mine.last_msg_id <= mine.joined_msg_id:
        return 0
    return mine.last_msg_id


def by_ids(user_id: int, peer_id: int, msg_ids: Iterable[int]) -> list[Message]:
    """Return those of the two users' messages, newest first, at most IM_MESSAGES_BY_ID."""
    pair = pair_of(user_id, peer_id)
    relate_id = _relations([pair]).get(pair)
    if relate_id is None:
        return []
    rows = messages.for_key(relate_id).objects.filter(
        relate_id=relate_id, msg_id__in=_newest_first(msg_ids), **_SHOWN
    )
    return [as_message(row) for row in rows.order_by("-msg_id").values_list(*FIELDS[messages])]


def group_by_ids(user_id: int, group_id: int, msg_ids: Iterable[int]) -> list[Message]:
    """Return those of a group's messages that a member may see, as `by_ids` does."""
    mine = membership(user_id, group_id)
    if mine is None:
        return []
    rows = group_messages.for_key(group_id).objects.filter(
        group_id=group_id,
        msg_id__in=_newest_first(msg_ids),
        msg_id__gt=mine.joined_msg_id,
        **_SHOWN,
    )
    return [
        as_message(row) for row in rows.order_by("-msg_id").values_list(*FIELDS[group_messages])
    ]


def _newest_first(msg_ids: Iterable[int]) -> list[int]:
    return sorted(set(msg_ids), reverse=True)[: settings.IM_MESSAGES_BY_ID]


# --- queries ----------------------------------------------------------------------------------


def _relations(pairs: Collection[Pair]) -> dict[Pair, int]:
    """Return the relation ids of those pairs who have talked."""
    if not pairs:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT r.id, r.smallId, r.bigId FROM ({pairs_as_rows(pairs)}) AS w "
            f"JOIN {connection.ops.quote_name(IMRelationShip._meta.db_table)} r "
            f"ON r.smallId = w.a AND r.bigId = w.b WHERE r.status = {RowStatus.SHOWN:d}"
        )
        rows = sorted(cursor.fetchall())
    # Where an adopted database has two, the younger one counts.
    return {(small_id, big_id): relate_id for relate_id, small_id, big_id in rows}
