"""Closing a department that is not empty: everybody and everything in it goes elsewhere first."""

from dataclasses import dataclass

from django.db.models import F, Value
from django.db.models.functions import Greatest
from django.db.transaction import atomic
from django.utils.translation import gettext as _

from im.models import IMDepart, IMUser
from im.services.directory import users
from im.services.directory.users import DepartmentCard
from im.services.validation import InvalidFields, Problem, next_stamp
from im.types import RowStatus, UserStatus

PEOPLE_PER_TRANSACTION = 5_000  # on SQLite the message writer waits for it


@dataclass(frozen=True, slots=True)
class Closed:
    """How many people and departments went to where a department pointed, which was hidden.

    `has_more`: it was not hidden yet, since there are more people in it, for another call.
    """

    people: int
    departments: int
    has_more: bool = False


@atomic(savepoint=False)
def close_department(depart_id: int, target_id: int) -> Closed:
    """Move the people and departments in a department to `target_id`, then hide it.

    More than PEOPLE_PER_TRANSACTION people take several calls, in a transaction each.  All rows get
    a new `updated`, so that clients hear of it at their next sync.  Raises Refused when there is no
    such department, InvalidFields when the target is hidden or in what is closed.
    """
    row = users.locked_department(depart_id)
    _check_target(depart_id, target_id)
    below = list(IMDepart.objects.filter(parent_id=depart_id, status=RowStatus.SHOWN))
    for child in below:
        card = DepartmentCard(child.depart_name, child.priority, target_id, RowStatus.SHOWN)
        users.change_department(child.pk, card)
    stamp = Greatest(Value(next_stamp(0)), F("updated") + 1)
    people = IMUser.objects.filter(depart_id=depart_id).exclude(status=UserStatus.LEFT)
    ids = list(people.order_by("pk").values_list("pk", flat=True)[: PEOPLE_PER_TRANSACTION + 1])
    if len(ids) > PEOPLE_PER_TRANSACTION:
        people = people.filter(pk__lt=ids[-1])
    moved = people.update(depart_id=target_id, updated=stamp)
    has_more = len(ids) > PEOPLE_PER_TRANSACTION
    if not has_more:
        users.hide_department(row.pk)
    return Closed(moved, len(below), has_more)


def _check_target(depart_id: int, target_id: int) -> None:
    parents = dict(IMDepart.objects.values_list("pk", "parent_id"))
    shown = IMDepart.objects.filter(pk=target_id, status=RowStatus.SHOWN)
    if users.is_above(parents, depart_id, target_id) or not shown.exists():
        text = _("Choose a department that is shown and not part of the one to close.")
        raise InvalidFields([Problem("target", text)])
