"""The company directory: who works here and in which department.

Every change raises `updated` of the row, which is what clients' incremental sync asks for.  Rows
are never deleted: a person who left has status 3, a hidden department status 1, and both stay
visible to a sync so that clients can take them off their lists.  `check_…` tells beforehand what
the change of the same name would refuse.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db.models import F, Value
from django.db.models.functions import Greatest
from django.db.transaction import atomic
from django.utils.translation import gettext as _

from im.errors import Refused
from im.models import IMDepart, IMUser
from im.services.directory import phone, phonetic
from im.services.identity import login_throttle, passwords, web_sessions
from im.services.identity.password_rules import PERSONAL, check_password
from im.services.validation import (
    MAX_PRIORITY,
    InvalidFields,
    Problem,
    TextRule,
    changed_values,
    next_stamp,
    range_problem,
    stale_problem,
    store_changes,
    text_problems,
)
from im.types import AccessEnded, Event, RowStatus, UserStatus

SEXES = (0, 1, 2)  # unknown, male, female

USER_TEXTS = (
    TextRule("name", 32, required=True, is_login_name=True),
    TextRule("nick", 32, required=True),
    TextRule("domain", 32),
    TextRule("email", 64),
    TextRule("sign_info", 128, max_bytes=128),  # clients refuse more bytes (spec/behaviour 12.5)
)
DEPARTMENT_TEXTS = (TextRule("depart_name", 64, required=True),)


@dataclass(frozen=True, slots=True)
class UserCard:
    """What operators keep about a person.

    An empty `domain` (phonetic name) becomes the pinyin of the nickname, or the login name where
    nothing in it is Chinese.
    """

    name: str
    nick: str
    depart_id: int
    domain: str = ""
    sex: int = 0
    phone: str = ""
    email: str = ""
    status: int = UserStatus.NORMAL
    sign_info: str = ""


@dataclass(frozen=True, slots=True)
class DepartmentCard:
    """What operators keep about a department; `parent_id` 0: top, low priorities come first."""

    depart_name: str
    priority: int = 0
    parent_id: int = 0
    status: int = RowStatus.SHOWN


@dataclass(frozen=True, slots=True)
class UserChanged:
    """A person's row was written (or, without `fields`, was as wished already).

    `events` is for the caller to announce once the change is committed.
    """

    user_id: int
    updated: int
    fields: tuple[str, ...]
    events: tuple[Event, ...] = ()


@dataclass(frozen=True, slots=True)
class DepartmentChanged:
    """A department's row was written (or, without `fields`, was as wished already)."""

    depart_id: int
    updated: int
    fields: tuple[str, ...]


# --- people -----------------------------------------------------------------------------------


@atomic(savepoint=False)
def create_user(card: UserCard, password: str) -> UserChanged:
    """Add a person.  Raises InvalidFields when something can't be stored."""
    problems = [*check_new_user(card), *check_password(password, asdict(card))]
    if problems:
        raise InvalidFields(problems)
    stored, salt = passwords.hash_password(password)
    now = next_stamp(0)
    values = user_values(card)
    row = IMUser.objects.create(
        **values, password=stored, salt=salt, avatar="", created=now, updated=now
    )
    return UserChanged(row.pk, now, tuple(values))


@atomic(savepoint=False)
def change_user(user_id: int, card: UserCard, *, seen: int | None = None) -> UserChanged:
    """Make a person's row say what `card` says; `seen` as in `stale_problem`.

    Raises InvalidFields when something can't be stored, Refused when there is no such person.
    """
    problems = check_user(user_id, card, seen=seen)
    if problems:
        raise InvalidFields(problems)
    row = _locked_user(user_id)
    fields = store_changes(row, changed_values(row, user_values(card)))
    has_left = "status" in fields and card.status == UserStatus.LEFT
    if has_left:
        web_sessions.end_all([user_id])
    return UserChanged(user_id, row.updated, fields, (AccessEnded(user_id),) if has_left else ())


@atomic(savepoint=False)
def set_password(user_id: int, password: str) -> UserChanged:
    """Give a person a new password, with a new salt.  Raises InvalidFields, Refused."""
    row = _locked_user(user_id)
    problems = check_password(password, personal_of(row))
    if problems:
        raise InvalidFields(problems)
    stored, salt = passwords.hash_password(password)
    store_changes(row, {"password": stored, "salt": salt})
    login_throttle.forgive_on_commit([row.name])
    web_sessions.end_all([user_id])
    return UserChanged(user_id, row.updated, ("password",), (AccessEnded(user_id),))


@atomic(savepoint=False)
def mark_left(user_ids: Sequence[int]) -> tuple[AccessEnded, ...]:
    """Set people to "left": they can't log in any more.  Returns an event for each it is news for.

    One transaction; callers pass at most a few hundred ids at a time.
    """
    here = IMUser.objects.filter(pk__in=user_ids).exclude(status=UserStatus.LEFT)
    leaving = tuple(here.select_for_update().order_by("pk").values_list("pk", flat=True))
    stamp = Greatest(Value(next_stamp(0)), F("updated") + 1)
    IMUser.objects.filter(pk__in=leaving).update(status=UserStatus.LEFT, updated=stamp)
    web_sessions.end_all(leaving)
    return tuple(map(AccessEnded, leaving))


@atomic(savepoint=False)
def check_new_user(card: UserCard) -> tuple[Problem, ...]:
    """Return why a person can't be added like this; empty when nothing is wrong."""
    return tuple(_user_problems(user_values(card), 0, card))


@atomic(savepoint=False)
def check_user(user_id: int, card: UserCard, *, seen: int | None = None) -> tuple[Problem, ...]:
    """Return why a person can't be changed like this.  Raises Refused when there is none."""
    row = _locked_user(user_id)
    changes = changed_values(row, user_values(card))
    return tuple(stale_problem(row, seen) + _user_problems(changes, user_id, card))


def personal_of(row: IMUser) -> dict[str, object]:
    """Return what a person's password must not be like."""
    return {column: getattr(row, column) for column in PERSONAL}


def user_values(card: UserCard) -> dict[str, object]:
    """Return the columns that say what a card says."""
    values = asdict(card)
    # The original's console stored "0" here; clients sort and search by it.
    values["domain"] = card.domain or phonetic.phonetic_name(card.nick) or card.name
    return values


def value_problems(changes: dict[str, object]) -> list[Problem]:
    """Return what is wrong with a person's new values by themselves.  No query."""
    problems = text_problems(USER_TEXTS, changes)
    problems += _contact_problems(changes)
    problems += range_problem("sex", changes, SEXES)
    problems += range_problem("status", changes, frozenset(UserStatus))
    return problems


def _user_problems(changes: dict[str, object], user_id: int, card: UserCard) -> list[Problem]:
    problems = value_problems(changes)
    if "name" in changes:
        problems += _name_problems(card.name, user_id)
    if "depart_id" in changes:
        problems += _department_choice_problems("depart_id", card.depart_id)
    return problems


def _contact_problems(changes: dict[str, object]) -> list[Problem]:
    problems = []
    text = phone.problem_of(str(changes.get("phone", "")))
    if text:
        problems.append(Problem("phone", text))
    email = str(changes.get("email", ""))
    try:
        if email:
            validate_email(email)
    except ValidationError:
        problems.append(Problem("email", _("This is no e-mail address.")))
    return problems


def _name_problems(name: str, user_id: int) -> list[Problem]:
    """Return who has the login name already.  People who left keep theirs: history shows it."""
    lock_names()
    for row in IMUser.objects.filter(name=name).exclude(pk=user_id).only("pk", "name", "nick"):
        # MySQL's comparison ignores trailing spaces.
        if row.name == name:
            return [taken_problem(row)]
    return []


def taken_problem(row: IMUser) -> Problem:
    """Return the problem of a login name that `row` has."""
    text = _("This login name is taken by %(nick)s (id %(id)d).")
    return Problem("name", text % {"nick": row.nick, "id": row.pk})


def lock_names() -> None:
    """Let creations and renamings pass one at a time: the schema has no unique key on names."""
    IMUser.objects.select_for_update().order_by("pk").values_list("pk").first()


def _locked_user(user_id: int) -> IMUser:
    row = IMUser.objects.select_for_update().filter(pk=user_id).first()
    if row is None:
        raise Refused(_("There is no person with id %(id)d.") % {"id": user_id})
    return row


# --- departments ------------------------------------------------------------------------------


@atomic(savepoint=False)
def create_department(card: DepartmentCard) -> DepartmentChanged:
    """Add a department.  Raises InvalidFields when something can't be stored."""
    problems = check_new_department(card)
    if problems:
        raise InvalidFields(problems)
    now = next_stamp(0)
    values = asdict(card)
    row = IMDepart.objects.create(**values, created=now, updated=now)
    return DepartmentChanged(row.pk, now, tuple(values))


@atomic(savepoint=False)
def change_department(
    depart_id: int, card: DepartmentCard, *, seen: int | None = None
) -> DepartmentChanged:
    """Make a department's row say what `card` says; `seen` as in `stale_problem`.

    Raises InvalidFields when something can't be stored, Refused when there is no such department.
    """
    problems = check_department(depart_id, card, seen=seen)
    if problems:
        raise InvalidFields(problems)
    row = locked_department(depart_id)
    fields = store_changes(row, changed_values(row, asdict(card)))
    return DepartmentChanged(depart_id, row.updated, fields)


@atomic(savepoint=False)
def hide_department(depart_id: int) -> DepartmentChanged:
    """Take a department off everybody's list.

    Raises InvalidFields while people or shown departments are in it, Refused when there is none.
    """
    row = locked_department(depart_id)
    card = DepartmentCard(row.depart_name, row.priority, row.parent_id, RowStatus.REMOVED)
    return change_department(depart_id, card)


@atomic(savepoint=False)
def check_new_department(card: DepartmentCard) -> tuple[Problem, ...]:
    """Return why a department can't be added like this; empty when nothing is wrong."""
    return tuple(_department_problems(asdict(card), 0, card))


@atomic(savepoint=False)
def check_department(
    depart_id: int, card: DepartmentCard, *, seen: int | None = None
) -> tuple[Problem, ...]:
    """Return why a department can't be changed like this.  Raises Refused when there is none."""
    row = locked_department(depart_id)
    changes = changed_values(row, asdict(card))
    problems = stale_problem(row, seen) + _department_problems(changes, depart_id, card)
    return tuple(problems)


def _department_problems(
    changes: dict[str, object], depart_id: int, card: DepartmentCard
) -> list[Problem]:
    problems = text_problems(DEPARTMENT_TEXTS, changes)
    problems += range_problem("priority", changes, range(MAX_PRIORITY + 1))
    problems += range_problem("status", changes, frozenset(RowStatus))
    if card.parent_id and changes.keys() & {"parent_id", "status"}:
        problems += _parent_problems(depart_id, card)
    if "status" in changes and card.status == RowStatus.REMOVED:
        problems += _emptiness_problems(depart_id)
    return problems


def _parent_problems(depart_id: int, card: DepartmentCard) -> list[Problem]:
    parents = dict(IMDepart.objects.values_list("pk", "parent_id"))
    if is_above(parents, depart_id, card.parent_id):
        text = _("A department can't be placed in itself or in one that it contains.")
        return [Problem("parent_id", text)]
    if card.status == RowStatus.REMOVED:
        return []
    return _department_choice_problems("parent_id", card.parent_id)


def is_above(parents: dict[int, int], upper_id: int, lower_id: int) -> bool:
    """Tell whether `lower_id` is `upper_id` or under it; adopted trees may hold loops."""
    visited = set()
    while lower_id in parents and lower_id not in visited:
        if lower_id == upper_id:
            return True
        visited.add(lower_id)
        lower_id = parents[lower_id]
    return False


def _emptiness_problems(depart_id: int) -> list[Problem]:
    if IMDepart.objects.filter(parent_id=depart_id, status=RowStatus.SHOWN).exists():
        return [Problem("status", _("It still contains departments; hide or move them first."))]
    if IMUser.objects.filter(depart_id=depart_id).exclude(status=UserStatus.LEFT).exists():
        return [Problem("status", _("There are still people in it; move them first."))]
    return []


def _department_choice_problems(field: str, depart_id: int) -> list[Problem]:
    """Return why nobody can be put into this department; its row stays locked until the commit."""
    row = IMDepart.objects.select_for_update().filter(pk=depart_id).first()
    if row is None or row.status != RowStatus.SHOWN:
        return [Problem(field, _("There is no such department, or it is hidden."))]
    return []


def locked_department(depart_id: int) -> IMDepart:
    """Return a department after locking the whole tree, in the same order for everybody.

    Two moves that together would make a loop pass one after the other, and can't deadlock.
    """
    list(IMDepart.objects.select_for_update().order_by("pk").values_list("pk"))
    row = IMDepart.objects.filter(pk=depart_id).first()
    if row is None:
        raise Refused(_("There is no department with id %(id)d.") % {"id": depart_id})
    return row
