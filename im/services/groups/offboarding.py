"""Offboarding: what happens to a person's access and groups when he leaves the company."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.transaction import atomic
from django.utils.translation import gettext as _

from im.errors import Refused
from im.models import IMGroup, IMGroupMember, IMUser
from im.services.directory import users
from im.services.groups import administration
from im.types import Event, GroupChange, RowStatus, UserStatus

# What one transaction does at most: on SQLite the message writer waits for it.
GROUPS_PER_TRANSACTION = 20
MEMBERS_PER_TRANSACTION = 5_000  # of the groups; at least one group goes, however large it is


@dataclass(frozen=True, slots=True)
class Offboarded:
    """What was done for one person; `events` is for the caller to announce after the commit.

    `has_more`: there are more groups, for another call.
    """

    user_id: int
    groups_left: tuple[int, ...]
    groups_handed_over: tuple[int, ...]
    events: tuple[Event, ...]
    has_more: bool = False


@atomic(savepoint=False)
def offboard(user_id: int, successor_id: int | None) -> Offboarded:
    """Mark a person as left, end his connections, and take him out of groups, one portion of them.

    Call it again, in a transaction of its own, while there is more; who was interrupted goes on
    with a call, too.  The groups he made go to `successor_id`, who becomes a member; without one
    they go to nobody (creator 0) and only operators change them.  Raises Refused for a successor
    who can't be one.
    """
    _check_successor(user_id, successor_id)
    events: list[Event] = list(users.mark_left([user_id]))
    room = _Room()
    made = IMGroup.objects.filter(creator=user_id, status=RowStatus.SHOWN).order_by("pk")
    handed_over = room.take(made.values_list("pk", "user_cnt"))
    for group_id in handed_over:
        events += administration.hand_over(group_id, successor_id or 0)
    memberships = IMGroupMember.objects.filter(user_id=user_id, status=RowStatus.SHOWN)
    left = room.take(memberships.order_by("group_id").values_list("group_id", "group__user_cnt"))
    for group_id in left:
        events.append(administration.change_members(group_id, GroupChange.REMOVE, [user_id]))
    return Offboarded(user_id, left, handed_over, tuple(events), room.is_full)


class _Room:
    """Room for groups in one transaction; `is_full` once one had to stay out."""

    def __init__(self) -> None:
        self.is_full = False
        self._groups = GROUPS_PER_TRANSACTION
        self._members = MEMBERS_PER_TRANSACTION

    def take(self, groups: Iterable[tuple[int, int | None]]) -> tuple[int, ...]:
        """Return the ids of the first ones that fit; the pairs are ids and sizes."""
        taken = []
        for group_id, size in groups:
            if self._groups <= 0 or self._members <= 0:
                self.is_full = True
                break
            self._groups -= 1
            self._members -= size or 0
            taken.append(group_id)
        return tuple(taken)


def _check_successor(user_id: int, successor_id: int | None) -> None:
    if successor_id is None:
        return
    here = IMUser.objects.exclude(status=UserStatus.LEFT).filter(pk=successor_id)
    if successor_id == user_id or not here.exists():
        raise Refused(_("Whoever takes the groups over must be somebody else who is here."))
