"""Groups as their members see them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from django.conf import settings

from im.models import IMGroup, IMGroupMember
from im.services.prepared import Prepared
from im.types import GroupType, RowStatus


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
    member_ids: tuple[int, ...]


def fixed_groups(user_id: int) -> list[GroupVersion]:
    """Return the user's fixed groups, last changed first, at most IM_GROUPS."""
    return [GroupVersion(*row) for row in _fixed_groups()(user_id)]


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
    members = _members([row.id for row in newer])
    return [
        GroupCard(row.id, row.version, row.name, row.avatar, row.creator, row.type, members[row.id])
        for row in newer
    ]


@lru_cache(maxsize=1)
def _fixed_groups() -> Prepared:
    return Prepared(
        lambda user_id: (
            IMGroup.objects.filter(
                members__user_id=user_id, members__status=RowStatus.SHOWN, type=GroupType.NORMAL
            )
            .order_by("-updated", "id")
            .values_list("id", "version")[: settings.IM_GROUPS]
        )
    )


def _members(group_ids: Iterable[int]) -> dict[int, tuple[int, ...]]:
    members: dict[int, list[int]] = {group_id: [] for group_id in group_ids}
    rows = IMGroupMember.objects.filter(group_id__in=list(members), status=RowStatus.SHOWN)
    for group_id, user_id in rows.values_list("group_id", "user_id"):
        members[group_id].append(user_id)
    return {group_id: tuple(sorted(ids, key=str)) for group_id, ids in members.items()}
