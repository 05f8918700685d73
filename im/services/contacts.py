"""The directory as clients sync it: departments and people, whole or since a stamp.

A client keeps the stamp of its last answer and sends it back.  Stamps are seconds of `updated`, and
a second may still bring edits after it was read (or be ahead of the clock: several edits of one row
within a second count up), so a stamp never promises more than seconds that are over: late edits are
sent again rather than missed.
"""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from django.conf import settings
from django.db.models import QuerySet

from im.models import IMDepart, IMUser
from im.services.accounts import user_info
from im.services.prepared import Prepared
from im.types import Department, RowStatus, UserInfo, UserStatus

SETTLED_S = 2  # how long after a second its edits may still be committing
IDS_PER_QUERY = 1000

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Changes(Generic[Row]):
    """What changed since the stamp a client sent, and the stamp it shall send next time."""

    rows: Sequence[Row]
    stamp: int


@dataclass(frozen=True, slots=True)
class Version:
    """Tells one state of a table from another.  Two equal and settled ones are the same state."""

    newest: int  # the largest `updated`
    is_settled: bool  # no edit of that second can come any more


_NEWEST_USER = Prepared(lambda: IMUser.objects.order_by("-updated").values_list("updated")[:1])
_NEWEST_DEPARTMENT = Prepared(
    lambda: IMDepart.objects.order_by("-updated").values_list("updated")[:1]
)


def users_version() -> Version:
    """Return the state of the people."""
    return _version(_NEWEST_USER)


def departments_version() -> Version:
    """Return the state of the departments."""
    return _version(_NEWEST_DEPARTMENT)


def users_since(since: int) -> Changes[UserInfo]:
    """Return the people changed at or after `since`; for 0 all who have not left.

    At most IM_DIRECTORY_USERS, those changed longest ago (or all of one second, if that many
    changed in it): the stamp then leads to the rest.
    """
    rows = IMUser.objects.filter(updated__gte=since) if since else _not_left()
    found = list(rows.order_by("updated", "id")[: settings.IM_DIRECTORY_USERS])
    if not found:
        return Changes((), since)
    newest = found[-1].updated
    stamp = newest + 1
    if len(found) == settings.IM_DIRECTORY_USERS:
        whole_seconds = [row for row in found if row.updated < newest]
        if whole_seconds:
            found, stamp = whole_seconds, newest
        else:
            found = list(rows.filter(updated=newest))
    people = [user_info(row) for row in sorted(found, key=lambda row: row.id)]
    # What is asked for next time is this second and later ones.
    return Changes(people, max(since, min(stamp, _settled_second() + 1)))


def users_by_id(user_ids: Iterable[int]) -> list[UserInfo]:
    """Return these people, whether they left or not, in the order of their ids."""
    wanted = sorted(set(user_ids))[: settings.IM_DIRECTORY_USERS]
    found: list[UserInfo] = []
    for start in range(0, len(wanted), IDS_PER_QUERY):
        rows = IMUser.objects.filter(id__in=wanted[start : start + IDS_PER_QUERY]).order_by("id")
        found += [user_info(row) for row in rows]
    return found


def departments_since(since: int) -> Changes[Department]:
    """Return the departments changed after `since`, hidden ones included, in the order of ids."""
    rows = list(IMDepart.objects.filter(updated__gt=since).order_by("id"))
    if not rows:
        return Changes((), since)
    found = [
        Department(row.id, row.priority, row.depart_name, row.parent_id, row.status)
        for row in rows
        if row.status in _SYNCED
    ]
    # What is asked for next time are later seconds than this one.
    newest = max(row.updated for row in rows)
    return Changes(found, max(since, min(newest, _settled_second())))


_SYNCED = (RowStatus.SHOWN, RowStatus.REMOVED)


def _not_left() -> QuerySet[IMUser]:
    return IMUser.objects.exclude(status=UserStatus.LEFT)


def _version(newest_row: Prepared) -> Version:
    newest: int = next((row[0] for row in newest_row()), 0)
    return Version(newest, newest <= _settled_second())


def _settled_second() -> int:
    """Return the last second that no commit can add to."""
    return int(time.time()) - SETTLED_S
