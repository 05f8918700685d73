"""Groups as operators change them: without being members, with the same effects as a client's wish.

Versions rise, members are told, clients that were away find out at their next sync.
"""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db.models import F
from django.db.transaction import atomic
from django.utils.translation import gettext as _

from im.errors import Refused
from im.models import IMGroup, IMUser
from im.services.groups import members
from im.services.groups.members import MAX_AVATAR_CHARS, MAX_NAME_CHARS
from im.services.validation import InvalidFields, Problem, TextRule, range_problem, text_problems
from im.types import Event, GroupChange, GroupType, MembersChanged, RowStatus, UserStatus

SYSTEM = 0  # who acts when an operator does, as in the original's console
GROUP_TEXTS = (
    TextRule("name", MAX_NAME_CHARS, required=True),
    TextRule("avatar", MAX_AVATAR_CHARS),
)


@dataclass(frozen=True, slots=True)
class GroupDescription:
    """What operators keep about a group."""

    name: str
    avatar: str = ""
    type: int = GroupType.NORMAL


def problems_of(description: GroupDescription) -> tuple[Problem, ...]:
    """Return why a group can't be described like this; empty when nothing is wrong."""
    values = {
        "name": description.name,
        "avatar": description.avatar,
        "type": description.type,
    }
    return (*text_problems(GROUP_TEXTS, values), *range_problem("type", values, list(GroupType)))


@atomic(savepoint=False)
def create_group(
    creator_id: int, description: GroupDescription, member_ids: Iterable[int]
) -> tuple[int, MembersChanged]:
    """Make a group; return its id and what to tell its members.  The creator is one of them."""
    _check(description)
    everybody = {*member_ids, creator_id} if creator_id else set(member_ids)
    card = members.create_group(
        creator_id, description.name, description.avatar, everybody, GroupType(description.type)
    )
    told = MembersChanged(SYSTEM, card.group_id, GroupChange.ADD, card.member_ids, card.member_ids)
    return card.group_id, told


@atomic(savepoint=False)
def describe(group_id: int, description: GroupDescription) -> tuple[str, ...]:
    """Give a group a name, avatar and type; return which of them changed."""
    _check(description)
    row = _locked(group_id)
    wanted = {
        "name": description.name,
        "avatar": description.avatar,
        "type": description.type,
    }
    changes = {name: value for name, value in wanted.items() if getattr(row, name) != value}
    if changes:
        _raise_version(group_id, **changes)
    return tuple(changes)


@atomic(savepoint=False)
def change_members(group_id: int, change: GroupChange, user_ids: Iterable[int]) -> MembersChanged:
    """Add people to a group or take them out.  Raises Refused when nothing would change."""
    return members.change_members_of(_locked(group_id), SYSTEM, change, user_ids)


@atomic(savepoint=False)
def hand_over(group_id: int, creator_id: int) -> Sequence[Event]:
    """Make somebody else, who becomes a member, the one who may change a group; 0: nobody."""
    row = _locked(group_id)
    if row.creator == creator_id:
        return []
    if (
        creator_id
        and not IMUser.objects.filter(pk=creator_id).exclude(status=UserStatus.LEFT).exists()
    ):
        raise Refused(
            _("There is no person with id %(id)d who could have it.") % {"id": creator_id}
        )
    _raise_version(group_id, creator=creator_id)
    if not creator_id or creator_id in members.member_ids(group_id):
        return []
    return [members.change_members_of(row, SYSTEM, GroupChange.ADD, [creator_id])]


@atomic(savepoint=False)
def dissolve(group_id: int) -> Sequence[Event]:
    """Take everybody out of a group and hide it; its messages stay stored."""
    row = _locked(group_id)
    member_ids = members.member_ids(group_id)
    events: list[Event] = []
    if member_ids:
        events.append(members.change_members_of(row, SYSTEM, GroupChange.REMOVE, member_ids))
    _raise_version(group_id, status=RowStatus.REMOVED)
    return events


def _check(description: GroupDescription) -> None:
    problems = problems_of(description)
    if problems:
        raise InvalidFields(problems)


def _locked(group_id: int) -> IMGroup:
    """Return a group whose counter is locked, as every change of a group locks it."""
    row = IMGroup.objects.filter(pk=group_id, status=RowStatus.SHOWN).first()
    if row is None:
        raise Refused(_("There is no group with id %(id)d.") % {"id": group_id})
    members.lock(group_id)
    return IMGroup.objects.get(pk=group_id)


def _raise_version(group_id: int, **columns: object) -> None:
    IMGroup.objects.filter(pk=group_id).update(
        **columns, version=F("version") + 1, updated=int(time.time())
    )
