"""Putting right what follows from a group's messages and members."""

from collections.abc import Iterator

from django.db.models import Exists, F, Max, OuterRef, QuerySet
from django.db.transaction import atomic

from im.models import GroupCounter, GroupPosition, IMGroup, IMGroupMember, group_messages
from im.services.consistency.groups import Held, has_right_time, read
from im.services.consistency.snapshot import Range, adopted_at, dense_from
from im.types import RowStatus


@atomic(savepoint=False)
def repair(group_id: int) -> list[str]:
    """Make counters and positions of a group agree with its messages and members.

    Returns what was changed, a sentence each.  The writer and changes of the group wait for it, on
    the same row.
    """
    since = adopted_at()
    if not IMGroup.objects.filter(id=group_id).exists():
        return []
    done = list(_begin(group_id, since))
    counter = GroupCounter.objects.select_for_update().get(group_id=group_id)
    done += _count_ids(counter, _held(group_id, since))
    held = _held(group_id, since)  # counted from `dense_from` on as it is now
    assert held.group is not None
    done += _describe(held.group, held, since)
    done += _place_members(counter)
    done += _move_positions(counter)
    return [f"group {group_id}: {text}" for text in done]


def _held(group_id: int, since: int) -> Held:
    return read(Range(group_id - 1, group_id), since)[group_id]


def _begin(group_id: int, since: int) -> Iterator[str]:
    """Make the counter of a group that has none."""
    if GroupCounter.objects.filter(group_id=group_id).exists():
        return
    last, first = _held(group_id, since).said.highest, _dense_from(group_id)
    counter = GroupCounter(group_id=group_id, last_msg_id=last, dense_from=first)
    # Another process may make the same row at the same time: both end with the one that won.
    GroupCounter.objects.bulk_create([counter], ignore_conflicts=True)
    yield f"made its counter anew, with ids from {first} to {last}"


def _dense_from(group_id: int) -> int:
    return dense_from(group_messages.for_key(group_id), "groupId", group_id)


def _count_ids(counter: GroupCounter, held: Held) -> Iterator[str]:
    before = (counter.last_msg_id, counter.dense_from)
    # Never back: an id that was given out is not given out again.
    counter.last_msg_id = max(counter.last_msg_id, held.said.highest)
    if not 1 <= counter.dense_from <= counter.last_msg_id + 1:
        counter.dense_from = _dense_from(counter.group_id)
    after = (counter.last_msg_id, counter.dense_from)
    if after != before:
        counter.save(update_fields=("last_msg_id", "dense_from"))
        yield f"last id and dense from {before} -> {after}"


def _describe(group: IMGroup, held: Held, since: int) -> Iterator[str]:
    changed: dict[str, int] = {}
    if group.updated >= since:  # else it is as it was adopted
        changed = {"user_cnt": held.members.present, "version": max(1, group.version)}
    if not has_right_time(group, held.said):
        changed["last_chated"] = held.said.newest
    for name, value in changed.items():
        if getattr(group, name) != value:
            IMGroup.objects.filter(id=group.id).update(**{name: value})
            yield f"{name} {getattr(group, name)} -> {value}"


def _place_members(counter: GroupCounter) -> Iterator[str]:
    """Give members who have none a position where they joined: what was said since is unread."""
    group_id = counter.group_id
    place = GroupPosition.objects.filter(group_id=OuterRef("group_id"), user_id=OuterRef("user_id"))
    rows = IMGroupMember.objects.filter(~Exists(place), group_id=group_id, status=RowStatus.SHOWN)
    said = group_messages.for_key(group_id).objects.filter(group_id=group_id)
    for user_id, joined in rows.values_list("user_id", "updated"):
        before = said.filter(created__lt=joined).aggregate(last=Max("msg_id"))["last"] or 0
        GroupPosition.objects.create(
            user_id=user_id,
            group_id=group_id,
            read_msg_id=before,
            joined_msg_id=before,
            removed_msg_id=before,
        )
        yield f"user {user_id} got a position: joined after message {before}"


def _move_positions(counter: GroupCounter) -> Iterator[str]:
    mine = GroupPosition.objects.filter(group_id=counter.group_id)
    for name in ("joined_msg_id", "removed_msg_id", "read_msg_id"):
        yield from _moved(mine.filter(**{f"{name}__lt": 0}), name, 0)
        ahead = mine.filter(**{f"{name}__gt": counter.last_msg_id})
        yield from _moved(ahead, name, counter.last_msg_id)
    unjoined = mine.filter(read_msg_id__lt=F("joined_msg_id"))
    if count := unjoined.update(read_msg_id=F("joined_msg_id")):
        yield f"{count} positions: read_msg_id -> joined_msg_id"
    said = group_messages.for_key(counter.group_id).objects.filter(
        group_id=counter.group_id, msg_id__gte=counter.dense_from
    )
    newest = said.values_list("user_id").annotate(last=Max("msg_id")).order_by("user_id")
    for user_id, last in newest:
        behind = mine.filter(user_id=user_id, read_msg_id__lt=last)
        yield from _moved(behind, "read_msg_id", last)


def _moved(rows: QuerySet[GroupPosition], name: str, value: int) -> Iterator[str]:
    if count := rows.update(**{name: value}):
        yield f"{count} positions: {name} -> {value}"
