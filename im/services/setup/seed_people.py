"""Made-up people and groups in bulk, for load tests and demonstrations.

Each function is one short transaction: SQLite has a single writer, and a running server must get
its turn between them.  The caller says how much goes into one.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import F, Max
from django.db.transaction import atomic

from im.errors import Refused
from im.models import GroupCounter, GroupPosition, IMDepart, IMGroup, IMGroupMember, IMUser
from im.services.identity import passwords
from im.types import RowStatus, UserStatus

SUB_DEPARTMENTS = 4  # per department, which makes a few dozen three levels deep
NAME_DIGITS = 5  # u00001: equally long and so in order up to 99,999 people
SPREAD_S = 2 * 365 * 24 * 3600  # a company did not come about today


@dataclass(frozen=True, slots=True)
class Times:
    """When rows made one after another say they were made: from `began` on, evenly until today.

    Later than any row there is, and each later than the one before, so that clients who have a
    stamp already, or come in the meantime, find them all.
    """

    began: int
    step_s: float

    @classmethod
    def after(cls, newest: int, count: int) -> "Times":
        """Return the times of `count` rows where the newest is from `newest`."""
        now = int(time.time())
        began = max(now - SPREAD_S, newest + 1)
        return cls(began, (now - began) / count)

    def __getitem__(self, index: int) -> int:
        """Return the unix second of row `index`, from 0; where they would be crowded, now."""
        return int(self.began + index * self.step_s) if self.step_s >= 1 else int(time.time())


@dataclass(frozen=True, slots=True)
class Crowd:
    """`count` people named `prefix` + number from 1, with ids in a row from `first_id`."""

    prefix: str
    count: int
    first_id: int
    depart_ids: tuple[int, ...]
    times: Times

    def name(self, number: int) -> str:
        """Return the login name of person `number`, counted from 1."""
        return _name(self.prefix, number)

    @property
    def user_ids(self) -> range:
        """The ids of all of them."""
        return range(self.first_id, self.first_id + self.count)


def check_names(prefix: str, count: int) -> None:
    """Raise Refused when one of the names of such a crowd exists already."""
    wanted = {_name(prefix, number) for number in range(1, count + 1)}
    present = IMUser.objects.filter(name__startswith=prefix).values_list("name", flat=True)
    taken = sorted(wanted.intersection(present))
    if taken:
        raise Refused(f"{len(taken)} of the {count} names exist already, the first is {taken[0]}")


def department_times(count: int) -> Times:
    """Return the times of `count` new departments."""
    return Times.after(_newest(IMDepart), count)


@atomic(savepoint=False)
def add_departments(
    prefix: str, numbers: range, depart_ids: Sequence[int], times: Times
) -> list[int]:
    """Add departments to a tree whose earlier ids (numbers from 1) are given; return their ids.

    Should another writer take the same ids on MySQL, this fails on the primary key and has done
    nothing.
    """
    first_id = _highest_id(IMDepart) + 1
    ids = [*depart_ids, *range(first_id, first_id + len(numbers))]
    IMDepart.objects.bulk_create(
        IMDepart(
            id=ids[number - 1],
            depart_name=f"Department {prefix}{number:03d}",
            priority=number,
            parent_id=ids[(number - 2) // SUB_DEPARTMENTS] if number > 1 else 0,
            status=RowStatus.SHOWN,
            created=times[number - 1],
            updated=times[number - 1],
        )
        for number in numbers
    )
    return ids[len(depart_ids) :]


@atomic(savepoint=False)
def reserve_crowd(prefix: str, count: int, depart_ids: Sequence[int], password: str) -> Crowd:
    """Set the ids of a crowd apart by adding its last person.  Raises Refused for taken names.

    The database counts ids on from the highest, so that those in between are nobody else's.  Should
    another writer take the same id on MySQL, this fails on the primary key and has done nothing.
    """
    check_names(prefix, count)
    times = Times.after(_newest(IMUser), count)
    crowd = Crowd(prefix, count, _highest_id(IMUser) + 1, tuple(depart_ids), times)
    _person(crowd, count, password).save(force_insert=True)
    return crowd


def add_people(crowd: Crowd, numbers: range, password: str) -> None:
    """Add people of a reserved crowd; its last one is there already."""
    rows = [_person(crowd, number, password) for number in numbers if number != crowd.count]
    with atomic(savepoint=False):  # no sooner: others can write until then
        IMUser.objects.bulk_create(rows)


@atomic(savepoint=False)
def add_group(name: str, group_type: int, creator_id: int, user_ids: Sequence[int]) -> int:
    """Add a group (1 fixed, 2 temporary) with its first members and return its id."""
    now = int(time.time())
    group = IMGroup.objects.create(
        name=name,
        type=group_type,
        creator=creator_id,
        status=RowStatus.SHOWN,
        version=1,
        created=now,
        updated=now,
    )
    GroupCounter.objects.create(group_id=group.pk)
    add_members(group.pk, user_ids)
    return group.pk


@atomic(savepoint=False)
def add_members(group_id: int, user_ids: Sequence[int]) -> None:
    """Add people to a group made here, in which nothing has been said yet."""
    now = int(time.time())
    shown = RowStatus.SHOWN
    IMGroupMember.objects.bulk_create(
        IMGroupMember(group_id=group_id, user_id=user_id, status=shown, created=now, updated=now)
        for user_id in user_ids
    )
    GroupPosition.objects.bulk_create(
        GroupPosition(group_id=group_id, user_id=user_id) for user_id in user_ids
    )
    IMGroup.objects.filter(pk=group_id).update(user_cnt=F("user_cnt") + len(user_ids))


def _person(crowd: Crowd, number: int, password: str) -> IMUser:
    came = crowd.times[number % crowd.count]  # the last one is stored first
    user_id = crowd.user_ids[number - 1]
    stored, salt = passwords.hash_password(password)
    name = crowd.name(number)
    return IMUser(
        id=user_id,
        name=name,
        nick=f"nick{user_id}",
        domain=f"domain{user_id}",
        sex=user_id % 3,
        password=stored,
        salt=salt,
        phone=f"138{user_id:08d}",
        email=f"{name}@example.test",
        avatar="",
        depart_id=crowd.depart_ids[user_id % len(crowd.depart_ids)],
        status=UserStatus.NORMAL,
        sign_info=f"sign {user_id}",
        created=came,
        updated=came,
    )


def _highest_id(model: type[IMDepart] | type[IMUser]) -> int:
    highest: int | None = model.objects.aggregate(highest=Max("pk"))["highest"]
    return highest or 0


def _newest(model: type[IMDepart] | type[IMUser]) -> int:
    newest: int | None = model.objects.aggregate(newest=Max("updated"))["newest"]
    return newest or 0


def _name(prefix: str, number: int) -> str:
    return f"{prefix}{number:0{NAME_DIGITS}d}"
