"""The directory as clients sync it: departments and people, whole or since a stamp.

A client keeps the stamp of its last answer and sends it back (one it can't have been given is
answered as im.services.stamps says).  Stamps are seconds of `updated`, and
a second may still bring edits after it was read (or be ahead of the clock: several edits of one row
within a second count up), so a stamp never promises more than seconds that are over: late edits are
sent again rather than missed.
"""

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from django.conf import settings
from django.db import connection
from django.db.models import Model, QuerySet, Value
from django.db.models.functions import Coalesce

from im.models import IMDepart, IMUser
from im.services.stamps import before_other_clock, believed
from im.types import Department, RowStatus, UserInfo, UserStatus

SETTLED_S = 2  # how long after a second its edits may still be committing
IDS_PER_QUERY = 1000
ROWS_PER_FETCH = 200  # a millisecond's work: whoever builds a long list pauses between fetches

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Changes(Generic[Row]):
    """What changed since the stamp a client sent, and the stamp it shall send next time.

    `rows` come from the database as they are asked for, once.
    """

    rows: Iterable[Row]
    stamp: int


@dataclass(frozen=True, slots=True)
class Version:
    """Tells one state of a table from another.  Two equal and settled ones are the same state."""

    newest: int  # the largest `updated`
    is_settled: bool  # no edit of that second can come any more


def users_version() -> Version:
    """Return the state of the people."""
    return _version(IMUser)


def departments_version() -> Version:
    """Return the state of the departments."""
    return _version(IMDepart)


def users_since(since: int, *, is_own_clock: bool = False) -> Changes[UserInfo]:
    """Return the people changed at or after `since`; for 0 all who have not left.

    At most IM_DIRECTORY_USERS, those changed longest ago (or all of one second, if more changed
    in it): the stamp then leads to the rest.  `is_own_clock`: the client may have read the stamp
    off its own clock.
    """
    asked, since = since, believed(since)
    if is_own_clock and since and not _is_second_of(IMUser, since - 1):
        since = before_other_clock(since)
    settled = _settled_second()  # before anything is read: later edits have later stamps
    newest = _newest(IMUser)
    if newest < since:
        return Changes((), since if asked == since else settled)
    changed = IMUser.objects.filter(updated__gte=since) if since else _not_left()
    changed, newest = _capped(changed, newest)
    rows = changed.order_by("id").values_list(*_USER_COLUMNS)
    people = (UserInfo(*row) for row in rows.iterator(chunk_size=ROWS_PER_FETCH))
    # What is asked for next time is this second and later ones.
    return Changes(people, max(since, min(newest, settled) + 1))


def users_by_id(user_ids: Iterable[int]) -> Iterator[UserInfo]:
    """Yield these people, whether they left or not, in the order of their ids.

    At most IM_USERS_BY_ID of them.
    """
    wanted = sorted(set(user_ids))[: settings.IM_USERS_BY_ID]
    for start in range(0, len(wanted), IDS_PER_QUERY):
        rows = IMUser.objects.filter(id__in=wanted[start : start + IDS_PER_QUERY])
        for row in rows.order_by("id").values_list(*_USER_COLUMNS):
            yield UserInfo(*row)


def departments_since(since: int, *, is_own_clock: bool = False) -> Changes[Department]:
    """Return the departments changed after `since`, hidden ones included, in the order of ids."""
    asked, since = since, believed(since)
    if is_own_clock and since and not _is_second_of(IMDepart, since):
        since = before_other_clock(since)
    settled = _settled_second()  # before anything is read: later edits have later stamps
    newest = _newest(IMDepart)
    if newest <= since:
        return Changes((), since if asked == since else settled)
    changed = IMDepart.objects.filter(updated__gt=since, status__in=_SYNCED)
    rows = changed.order_by("id").values_list(*_DEPARTMENT_COLUMNS)
    found = (Department(*row) for row in rows.iterator(chunk_size=ROWS_PER_FETCH))
    # What is asked for next time are later seconds than this one.
    return Changes(found, max(since, min(newest, settled)))


_SYNCED = (RowStatus.SHOWN, RowStatus.REMOVED)
_DEPARTMENT_COLUMNS = ("id", "priority", "depart_name", "parent_id", "status")
# The fields of a UserInfo, in its order.
_USER_COLUMNS = (
    "id",
    "sex",
    "nick",
    Coalesce("avatar", Value("")),
    "depart_id",
    "email",
    "name",
    "phone",
    "domain",
    Coalesce("status", Value(int(UserStatus.NORMAL))),
    "sign_info",
)


def _capped(changed: QuerySet[IMUser], newest: int) -> tuple[QuerySet[IMUser], int]:
    """Return no more people than fit, and the last second of which all are among them."""
    limit = settings.IM_DIRECTORY_USERS
    times = changed.order_by("updated").values_list("updated", flat=True)
    cut = next(iter(times[limit : limit + 1]), None)
    if cut is None:
        return changed, newest
    if changed.filter(updated__lt=cut).exists():
        return changed.filter(updated__lt=cut), cut - 1
    return changed.filter(updated=cut), cut


def _not_left() -> QuerySet[IMUser]:
    return IMUser.objects.exclude(status=UserStatus.LEFT)


def _version(model: type[Model]) -> Version:
    settled = _settled_second()
    newest = _newest(model)
    return Version(newest, newest <= settled)


def _is_second_of(model: type[Model], second: int) -> bool:
    """Tell whether something was changed in a second: else no stamp that we gave says so."""
    return model._default_manager.filter(updated=second).exists()


def _newest(model: type[Model]) -> int:
    # By hand: each list that is asked for costs one, and the ORM takes three times as long.
    table = connection.ops.quote_name(model._meta.db_table)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT COALESCE(MAX(updated), 0) FROM {table}")
        return int(cursor.fetchone()[0])


def _settled_second() -> int:
    """Return the last second that no commit can add to."""
    return int(time.time()) - SETTLED_S
