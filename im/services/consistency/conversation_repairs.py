"""Putting right what follows from a conversation's messages."""

import time
from collections.abc import Iterator

from django.db.transaction import atomic

from im.models import Conversation, IMRecentSession, IMRelationShip, messages
from im.services.consistency.conversations import Held, Said, has_right_time, has_talked, read
from im.services.consistency.snapshot import Range, dense_from
from im.types import RowStatus, SessionType

_COUNTERS = (
    "last_msg_id",
    "dense_from",
    "sent_small",
    "sent_big",
    "seen_small",
    "seen_big",
    "read_msg_id_small",
    "read_msg_id_big",
)


@atomic(savepoint=False)
def repair(relate_id: int) -> list[str]:
    """Make counters, relation and sessions of a conversation agree with its messages.

    Returns what was changed, a sentence each.  The writer waits for it, on the same row.
    """
    done = list(_begin(relate_id))
    locked = Conversation.objects.select_for_update().filter(relate_id=relate_id).first()
    if locked is None:
        return done
    before = {name: getattr(locked, name) for name in _COUNTERS}
    _count_ids(locked, _held(relate_id).said)
    locked.save(update_fields=_COUNTERS)
    held = _held(relate_id)  # counted from `dense_from` on as it is now
    _count_sides(locked, held.said)
    locked.save(update_fields=_COUNTERS)
    done += [
        f"{name} {old} -> {new}"
        for name, old in before.items()
        if (new := getattr(locked, name)) != old
    ]
    done += _show_relation(locked, held.relation)
    done += _mend_sessions(locked, held)
    return [f"conversation {relate_id}: {text}" for text in done]


def _held(relate_id: int) -> Held:
    return read(Range(relate_id - 1, relate_id)).get(relate_id, Held())


def _begin(relate_id: int) -> Iterator[str]:
    """Make the row of a relation that has none: what was said there counts as read."""
    relation = IMRelationShip.objects.filter(id=relate_id).first()
    if relation is None or Conversation.objects.filter(relate_id=relate_id).exists():
        return
    held = _held(relate_id)
    row = Conversation(
        relate_id=relate_id,
        small_id=relation.small_id,
        big_id=relation.big_id,
        last_msg_id=held.said.highest,
        dense_from=_dense_from(relate_id),
        read_msg_id_small=held.said.highest,
        read_msg_id_big=held.said.highest,
    )
    # Another process may make the same row at the same time: both end with the one that won.
    Conversation.objects.bulk_create([row], ignore_conflicts=True)
    yield f"made anew, with ids from {row.dense_from} to {row.last_msg_id} and nothing unread"


def _dense_from(relate_id: int) -> int:
    return dense_from(messages.for_key(relate_id), "relateId", relate_id)


def _count_ids(row: Conversation, said: Said) -> None:
    # Never back: an id that was given out is not given out again.
    row.last_msg_id = max(row.last_msg_id, said.highest)
    if not 1 <= row.dense_from <= row.last_msg_id + 1:
        row.dense_from = _dense_from(row.relate_id)


def _count_sides(row: Conversation, said: Said) -> None:
    if not said.strangers:  # else nobody knows whose they are
        row.sent_small, row.sent_big = said.of_small, said.of_big
    row.read_msg_id_small = min(max(row.read_msg_id_small, 0), row.last_msg_id)
    row.read_msg_id_big = min(max(row.read_msg_id_big, 0), row.last_msg_id)
    row.seen_small = min(max(row.seen_small, said.read_by_small), row.sent_big)
    row.seen_big = min(max(row.seen_big, said.read_by_big), row.sent_small)


def _show_relation(row: Conversation, relation: IMRelationShip | None) -> Iterator[str]:
    now = int(time.time())
    pair = {"small_id": row.small_id, "big_id": row.big_id}
    if relation is None:
        if not IMRelationShip.objects.filter(**pair).exists():
            IMRelationShip.objects.create(id=row.relate_id, **pair, created=now, updated=now)
            yield f"made its relation of users {row.small_id} and {row.big_id} anew"
    elif relation.status and has_talked(row):
        IMRelationShip.objects.filter(id=relation.id).update(status=RowStatus.SHOWN, updated=now)
        yield "its relation is shown again"


def _mend_sessions(row: Conversation, held: Held) -> Iterator[str]:
    if not has_talked(row) or not held.said.dense:
        return
    newest = held.said.newest
    for user_id, peer_id in ((row.small_id, row.big_id), (row.big_id, row.small_id)):
        place = {"user_id": user_id, "peer_id": peer_id, "type": SessionType.SINGLE}
        if user_id not in held.sessions:
            session = IMRecentSession(
                **place, status=RowStatus.SHOWN, created=newest, updated=newest
            )
            IMRecentSession.objects.bulk_create([session], ignore_conflicts=True)
            yield f"made the session of user {user_id} anew"
        elif not has_right_time(*held.sessions[user_id], held.said):
            IMRecentSession.objects.filter(**place).update(updated=newest)
            yield f"the session of user {user_id} is of {newest}"
