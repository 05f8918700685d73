"""Offboarding: what happens to a person's access and groups when he leaves the company."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.transaction import atomic
from django.utils.translation import gettext as _

from im.errors import Refused
from im.models import IMGroup, IMGroupMember, IMUser
from im.services import directory, group_administration
from im.types import Event, GroupChange, RowStatus, UserStatus


@dataclass(frozen=True, slots=True)
class Offboarded:
    """What was done for one person; `events` is for the caller to announce after the commit."""

    user_id: int
    groups_left: tuple[int, ...]
    groups_handed_over: tuple[int, ...]
    events: tuple[Event, ...]


@atomic(savepoint=False)
def offboard(user_id: int, successor_id: int | None) -> Offboarded:
    """Mark a person as left, end his connections, and take him out of all groups.

    The groups he made go to `successor_id`, who becomes a member; without one they go to nobody
    (creator 0) and only operators change them.  Raises Refused for a successor who can't be one.
    """
    _check_successor(user_id, successor_id)
    events: list[Event] = list(directory.mark_left([user_id]))
    made = IMGroup.objects.filter(creator=user_id, status=RowStatus.SHOWN)
    handed_over = tuple(made.order_by("pk").values_list("pk", flat=True))
    for group_id in handed_over:
        events += group_administration.hand_over(group_id, successor_id or 0)
    memberships = IMGroupMember.objects.filter(user_id=user_id, status=RowStatus.SHOWN)
    left = tuple(memberships.order_by("group_id").values_list("group_id", flat=True))
    for group_id in left:
        events.append(group_administration.change_members(group_id, GroupChange.REMOVE, [user_id]))
    return Offboarded(user_id, left, handed_over, tuple(events))


def _check_successor(user_id: int, successor_id: int | None) -> None:
    if successor_id is None:
        return
    here = IMUser.objects.exclude(status=UserStatus.LEFT).filter(pk=successor_id)
    if successor_id == user_id or not here.exists():
        raise Refused(_("Whoever takes the groups over must be somebody else who is here."))


def offboard_all(user_ids: Sequence[int], successor_id: int | None) -> list[Offboarded]:
    """Offboard several people, a transaction each."""
    return [offboard(user_id, successor_id) for user_id in user_ids]
