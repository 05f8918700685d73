"""Groups: as their members see them, and how they change.

A change is one transaction with the group's counter row locked, which the writer locks too: nobody
writes between being removed and hearing of it.  It is in SQL by hand, since it may be thousands of
rows, and on SQLite the writer waits meanwhile.
"""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.conf import settings
from django.db import connection
from django.db.models import F, Model
from django.db.transaction import atomic

from im.errors import Refused
from im.models import (
    GroupCounter,
    GroupPosition,
    IMGroup,
    IMGroupMember,
    IMRecentSession,
    IMUser,
)
from im.services.characters import turning_in
from im.services.messages.memberships import Membership, membership
from im.services.messages.prefetch import Reading
from im.storage.sql import insert_rows, listed, upsert_rows
from im.storage.writer.group import begin_groups
from im.types import GroupChange, GroupType, MembersChanged, RowStatus, SessionType

MAX_NAME_CHARS = 256
MAX_AVATAR_CHARS = 256
_POSITION = ("read_msg_id", "joined_msg_id", "removed_msg_id", "is_shielded", "read_at")


@dataclass(frozen=True, slots=True)
class GroupVersion:
    """A group and the version of its description."""

    group_id: int
    version: int


@dataclass(frozen=True, slots=True)
class GroupCard:
    """A group's whole description; members in the order of their ids' decimal text."""

    group_id: int
    version: int
    name: str
    avatar: str
    creator_id: int
    group_type: int
    is_shielded: bool
    member_ids: tuple[int, ...]


# --- reading ----------------------------------------------------------------------------------


def fixed_groups(user_ids: Sequence[int], reading: Reading) -> list[list[GroupVersion]]:
    """Return the fixed groups of each of the users, last changed first, at most IM_GROUPS."""
    return [
        _versions(
            group for group in reading.groups.of(user_id) if group.group_type == GroupType.NORMAL
        )
        for user_id in user_ids
    ]


def fixed_and_silent_groups(user_ids: Sequence[int], reading: Reading) -> list[list[GroupVersion]]:
    """Return the fixed groups of each of the users and those that no list of conversations has."""
    return [
        _versions(
            group
            for group in reading.groups.of(user_id)
            if group.group_type == GroupType.NORMAL or group.is_silent
        )
        for user_id in user_ids
    ]


def _versions(groups: Iterable[Membership]) -> list[GroupVersion]:
    newest_first = sorted(groups, key=lambda group: (-group.updated, group.group_id))
    return [GroupVersion(group.group_id, group.version) for group in newest_first]


def newer_groups(user_id: int, known: Mapping[int, int]) -> list[GroupCard]:
    """Return those of the asked groups that are newer than the version the client has.

    `known`: group id -> version.  Groups the user is not in are left out; at most IM_GROUPS.
    """
    asked = list(known)[: settings.IM_GROUPS]
    mine = IMGroupMember.objects.filter(
        user_id=user_id, group_id__in=asked, status=RowStatus.SHOWN
    ).values("group_id")
    rows = IMGroup.objects.filter(id__in=mine, type__in=tuple(GroupType))
    newer = [row for row in rows.order_by("-updated", "id") if known[row.id] < row.version]
    ids = [row.id for row in newer]
    members = _members_of(ids)
    shielded = set(
        GroupPosition.objects.filter(
            user_id=user_id, group_id__in=ids, is_shielded=True
        ).values_list("group_id", flat=True)
    )
    return [
        GroupCard(
            row.id,
            row.version,
            row.name,
            row.avatar,
            row.creator,
            row.type,
            row.id in shielded,
            members[row.id],
        )
        for row in newer
    ]


def _members_of(group_ids: Iterable[int]) -> dict[int, tuple[int, ...]]:
    members: dict[int, list[int]] = {group_id: [] for group_id in group_ids}
    rows = IMGroupMember.objects.filter(group_id__in=list(members), status=RowStatus.SHOWN)
    for group_id, user_id in rows.values_list("group_id", "user_id"):
        members[group_id].append(user_id)
    return {group_id: in_text_order(ids) for group_id, ids in members.items()}


def member_ids(group_id: int) -> tuple[int, ...]:
    """Return who is in a group, in the order of the ids' text."""
    return _members_of([group_id])[group_id]


def in_text_order(ids: Iterable[int]) -> tuple[int, ...]:
    """Return ids as the original lists members: by their decimal text."""
    return tuple(sorted(ids, key=str))


# --- changing ---------------------------------------------------------------------------------


@atomic(savepoint=False)
def create_group(
    creator_id: int, name: str, avatar: str, member_ids: Iterable[int], group_type: GroupType
) -> GroupCard:
    """Make a group of those of the ids that are users; the creator is not added by himself.

    Raises Refused for a group without name or people, with too much of either, or a misleading
    name.
    """
    members = _existing(member_ids)
    if not 0 < len(name) <= MAX_NAME_CHARS or len(avatar) > MAX_AVATAR_CHARS:
        raise Refused(f"a group's name has 1 to {MAX_NAME_CHARS} characters")
    if turning_in(name):
        raise Refused("a group's name can't turn the direction of writing")
    if not members:
        raise Refused("a group needs members")
    _check_size(len(members))
    now = int(time.time())
    group = IMGroup.objects.create(
        name=name,
        avatar=avatar,
        creator=creator_id,
        type=group_type,
        user_cnt=len(members),
        status=RowStatus.SHOWN,
        version=1,
        updated=now,
        created=now,
    )
    GroupCounter.objects.create(group_id=group.id)
    _join(group.id, members, last_msg_id=0, now=now)
    return GroupCard(group.id, 1, name, avatar, creator_id, group_type, False, tuple(members))


@atomic(savepoint=False)
def change_members(
    actor_id: int, group_id: int, change: GroupChange, user_ids: Iterable[int]
) -> MembersChanged:
    """Add people to a group or take them out, on behalf of a member or the creator.

    Members add to temporary groups, only the creator does everything else.  Raises Refused when
    the actor may not, or when nothing would change.
    """
    group = IMGroup.objects.filter(id=group_id).first()
    if group is None:
        raise Refused(f"there is no group {group_id}")
    lock(group_id)
    may = group.creator == actor_id or (
        change is GroupChange.ADD
        and group.type == GroupType.TEMPORARY
        and actor_id in member_ids(group_id)
    )
    if not may:
        raise Refused(f"user {actor_id} may not change group {group_id}")
    return change_members_of(group, actor_id, change, user_ids)


def change_members_of(
    group: IMGroup, actor_id: int, change: GroupChange, user_ids: Iterable[int]
) -> MembersChanged:
    """Change members on behalf of somebody who may; the caller's transaction has the group locked.

    Raises Refused when nothing would change.
    """
    counter = lock(group.id)
    current = set(member_ids(group.id))
    if change is GroupChange.ADD:
        changed = _existing(set(user_ids) - current)
        _check_size(len(current) + len(changed))
        current |= set(changed)
    else:
        changed = sorted(set(user_ids) & current)
        current -= set(changed)
    if not changed:
        raise Refused("nobody to add or to take out")
    now = int(time.time())
    if change is GroupChange.ADD:
        _join(group.id, changed, last_msg_id=counter.last_msg_id, now=now)
    else:
        _leave(group.id, changed, now=now)
    IMGroup.objects.filter(id=group.id).update(
        version=F("version") + 1, updated=now, user_cnt=len(current)
    )
    return MembersChanged(actor_id, group.id, change, in_text_order(current), tuple(changed))


@atomic(savepoint=False)
def set_shield(user_id: int, group_id: int, is_shielded: bool) -> None:
    """Let a member have no push from a group, or have it again.  Raises Refused for a stranger."""
    if membership(user_id, group_id) is None:
        raise Refused(f"user {user_id} is not in group {group_id}")
    GroupPosition.objects.bulk_create(
        [GroupPosition(user_id=user_id, group_id=group_id)], ignore_conflicts=True
    )
    GroupPosition.objects.filter(user_id=user_id, group_id=group_id).update(is_shielded=is_shielded)


def _existing(user_ids: Iterable[int]) -> list[int]:
    """Return those ids that are users', ascending."""
    wanted = sorted(set(user_ids))[: settings.IM_GROUP_MEMBERS + 1]
    if not wanted:
        return []
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT id FROM {_name(IMUser)} WHERE id IN ({listed(wanted)})")
        return sorted(user_id for (user_id,) in cursor.fetchall())


def _check_size(members: int) -> None:
    if members > settings.IM_GROUP_MEMBERS:
        raise Refused(f"a group has at most {settings.IM_GROUP_MEMBERS} members")


def lock(group_id: int) -> GroupCounter:
    """Return a group's counter, locked until the transaction ends: one change at a time."""
    locked = GroupCounter.objects.select_for_update().filter(group_id=group_id)
    counter = locked.first()
    if counter is None:
        # Only then: an attempt to insert what is there takes a shared lock, and of two changes
        # that both have one neither gets on.
        begin_groups([group_id])
        counter = locked.get()
    return counter


def _join(group_id: int, user_ids: Sequence[int], *, last_msg_id: int, now: int) -> None:
    """Make people members who see what is said from now on."""
    known = set(IMGroupMember.objects.filter(group_id=group_id).values_list("user_id", flat=True))
    _change(
        f"UPDATE {_name(IMGroupMember)} SET status = {RowStatus.SHOWN:d}, updated = %s "
        "WHERE groupId = %s AND userId IN ({})",
        [now, group_id],
        [user_id for user_id in user_ids if user_id in known],
    )
    new = [user_id for user_id in user_ids if user_id not in known]
    if new:
        insert_rows(
            IMGroupMember._meta.db_table,
            ("groupId", "userId", "status", "created", "updated"),
            [(group_id, user_id, int(RowStatus.SHOWN), now, now) for user_id in new],
        )
    upsert_rows(
        GroupPosition._meta.db_table,
        ("user_id", "group_id", *_POSITION),
        [
            (user_id, group_id, last_msg_id, last_msg_id, last_msg_id, 0, 0)
            for user_id in sorted(user_ids)
        ],
        key=("user_id", "group_id"),
        change=_POSITION,
    )


def _leave(group_id: int, user_ids: Sequence[int], *, now: int) -> None:
    """End memberships, and leave rows by which clients that were away take the group off."""
    _change(
        f"UPDATE {_name(IMGroupMember)} SET status = {RowStatus.REMOVED:d} "
        "WHERE groupId = %s AND userId IN ({})",
        [group_id],
        user_ids,
    )
    sessions = IMRecentSession.objects.filter(peer_id=group_id, type=SessionType.GROUP)
    known = set(sessions.values_list("user_id", flat=True))
    _change(
        f"UPDATE {_name(IMRecentSession)} SET status = {RowStatus.REMOVED:d}, updated = %s "
        f"WHERE peerId = %s AND type = {SessionType.GROUP:d} AND userId IN ({{}})",
        [now, group_id],
        [user_id for user_id in user_ids if user_id in known],
    )
    upsert_rows(
        IMRecentSession._meta.db_table,
        ("userId", "peerId", "type", "status", "created", "updated"),
        [
            (user_id, group_id, int(SessionType.GROUP), int(RowStatus.REMOVED), now, now)
            for user_id in user_ids
            if user_id not in known
        ],
        key=("peerId", "type", "userId"),
        change=("status", "updated"),
    )


def _change(update: str, values: Sequence[int], user_ids: Sequence[int]) -> None:
    """Run an UPDATE of the rows of these users, whose ids it takes as text."""
    if user_ids:
        with connection.cursor() as cursor:
            cursor.execute(update.format(listed(user_ids)), values)


def _name(model: type[Model]) -> str:
    return connection.ops.quote_name(model._meta.db_table)
