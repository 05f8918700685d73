"""Logging in: who may, with what, and how often one may be wrong."""

import re
import time
from collections import OrderedDict, deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from django.conf import settings

from im import connections
from im.models import IMUser
from im.services import login_tokens, passwords, statistics
from im.services.statistics import Kind
from im.types import UserInfo, UserStatus

MAY_LOG_IN = frozenset(
    {UserStatus.NORMAL, UserStatus.PROBATION, UserStatus.REGULAR, UserStatus.INTERN}
)
MAX_NAME_CHARACTERS = 32  # the column's width
# Names come from the wire: this many are remembered, the longest untouched is forgotten first.
REMEMBERED_NAMES = 100_000
_HALF_A_PAIR = re.compile("[\ud800-\udfff]")  # JSON can say it, UTF-8 can't


class Credentials(NamedTuple):
    """What a client sends: login name and the lower-case hex md5 of the password, or a token."""

    name: str
    password: str


class FailureLog:
    """Failed logins per name in a sliding window (spec/behaviour 5.4), in this process's memory."""

    def __init__(self, *, allowed: int, window_seconds: float) -> None:
        self._allowed = allowed
        self._window = window_seconds
        self._failures: OrderedDict[str, deque[float]] = OrderedDict()

    def is_blocked(self, name: str) -> bool:
        """Tell whether `name` failed more often than allowed within the window."""
        times = self._failures.get(name)
        if times is None:
            return False
        horizon = time.monotonic() - self._window
        while times and times[0] < horizon:
            times.popleft()
        if not times:
            del self._failures[name]
        return len(times) > self._allowed

    def add(self, name: str) -> None:
        """Note one failure; more than matter are not kept."""
        times = self._failures.setdefault(name, deque(maxlen=self._allowed + 1))
        times.append(time.monotonic())
        self._failures.move_to_end(name)
        if len(self._failures) > REMEMBERED_NAMES:
            self._failures.popitem(last=False)

    def clear(self, name: str) -> None:
        """Forget the failures of `name`: it got in."""
        self._failures.pop(name, None)


class LoginDesk:
    """Checks batches of credentials with one query each; use it from one thread."""

    def __init__(self) -> None:
        self._failures = FailureLog(
            allowed=settings.IM_LOGIN_FAILURES,
            window_seconds=settings.IM_LOGIN_FAILURE_WINDOW_SECONDS,
        )

    def __call__(self, attempts: Sequence[Credentials]) -> list["Admitted | LoginRefusal"]:
        """Return, for each attempt in order, the user or why not."""
        connections.renew()
        names = {attempt.name for attempt in attempts if _may_be_a_name(attempt.name)}
        rows = {
            row.name: row
            for row in IMUser.objects.filter(name__in=names, status__in=MAY_LOG_IN).order_by("id")
        }
        results = [self._check(attempt, rows.get(attempt.name)) for attempt in attempts]
        refused = sum(isinstance(result, LoginRefusal) for result in results)
        statistics.add(Kind.FAILED_LOGINS, refused)
        statistics.add(Kind.LOGINS, len(results) - refused)
        return results

    def close(self) -> None:
        """Close this thread's database connection."""
        connections.close()

    def _check(self, attempt: Credentials, row: IMUser | None) -> "Admitted | LoginRefusal":
        if not _may_be_a_name(attempt.name):
            return WRONG_PASSWORD
        if attempt.password.startswith(login_tokens.PREFIX):
            # Nobody guesses one, and one that is too old is no failure: neither counts.
            if row is None or not login_tokens.admits(attempt.password, row):
                return TOKEN_OVER
            return _admitted(row)
        if self._failures.is_blocked(attempt.name):
            return TOO_MANY_FAILURES
        # Looked up by the exact name: MariaDB's comparison ignores trailing spaces.
        if row is None or not passwords.matches(attempt.password, row.password, row.salt):
            self._failures.add(attempt.name)
            return WRONG_PASSWORD
        self._failures.clear(attempt.name)
        return _admitted(row)


def _may_be_a_name(text: str) -> bool:
    """Tell what is worth a query and a place in memory from what may be a megabyte long.

    Half a surrogate pair is no text: the database can't be asked for it, and with it for nobody
    else in the batch.
    """
    return len(text) <= MAX_NAME_CHARACTERS and not _HALF_A_PAIR.search(text)


@dataclass(frozen=True, slots=True)
class Admitted(UserInfo):
    """Who may log in; `access_key` marks the password that let him in (services/access.py)."""

    access_key: int


class LoginRefusal(NamedTuple):
    """Why a login was refused; the text is the original's and goes to the client."""

    text: str


WRONG_PASSWORD = LoginRefusal("用户名/密码错误")
TOKEN_OVER = LoginRefusal("登录已过期")
TOO_MANY_FAILURES = LoginRefusal("用户名/密码错误次数太多")


def _admitted(row: IMUser) -> Admitted:
    """Return a user who got in; NULLs of adopted rows become their column's default."""
    return Admitted(
        user_id=row.id,
        sex=row.sex,
        nick=row.nick,
        avatar=row.avatar or "",
        depart_id=row.depart_id,
        email=row.email,
        name=row.name,
        phone=row.phone,
        domain=row.domain,
        status=row.status or UserStatus.NORMAL,
        sign_info=row.sign_info,
        access_key=passwords.mark(row.password, row.salt),
    )
