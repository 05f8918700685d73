"""Logging in: who may, with what, and how often one may be wrong."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from im.models import IMUser
from im.networks import UNKNOWN
from im.services.identity import login_throttle, passwords, tokens, web_sessions
from im.services.identity.login_limits import Attempt, Verdict
from im.services.monitoring import statistics
from im.services.monitoring.statistics import Kind
from im.storage import connections
from im.storage.retry import answers
from im.types import UserInfo, UserStatus

MAY_LOG_IN = frozenset(
    {UserStatus.NORMAL, UserStatus.PROBATION, UserStatus.REGULAR, UserStatus.INTERN}
)
MAX_NAME_CHARACTERS = 32  # the column's width
_HALF_A_PAIR = re.compile("[\ud800-\udfff]")  # JSON can say it, UTF-8 can't


class Credentials(NamedTuple):
    """What a client sends: login name and the lower-case hex md5 of the password, or a token.

    `address` is where it comes from, as `login_limits.home_of` returns it.
    """

    name: str
    password: str
    address: str = UNKNOWN


class LoginDesk:
    """Checks batches of credentials with one query each; use it from one thread."""

    def __call__(self, attempts: Sequence[Credentials]) -> list["Admitted | LoginRefusal | None"]:
        """Return, for each attempt in order, the user or why not; None: it can't be looked up."""
        connections.renew()
        return answers(self._results, list(map(_Asked, attempts, map(_claim, attempts))), _name)

    def _results(self, asked: Sequence["_Asked"]) -> list["Admitted | LoginRefusal"]:
        # The database comes first: when it fails nothing was counted, and all may be done again.
        attempts = [one.attempt for one in asked]
        names = {attempt.name for attempt in attempts if _may_be_a_name(attempt.name)}
        rows = {
            row.name: row
            for row in IMUser.objects.filter(name__in=names, status__in=MAY_LOG_IN).order_by("id")
        }
        redeemed = _redeemed(asked, rows)
        checked = [
            _check(attempt, rows.get(attempt.name), redeemed.get(at))
            for at, attempt in enumerate(attempts)
        ]
        results = _throttled(attempts, checked)
        refused = sum(isinstance(result, LoginRefusal) for result in results)
        statistics.add(Kind.FAILED_LOGINS, refused)
        statistics.add(Kind.LOGINS, len(results) - refused)
        return results

    def close(self) -> None:
        """Close this thread's database connection."""
        connections.close()


class _Asked(NamedTuple):
    """An attempt, and by what it knows a token that it has used when it is made again."""

    attempt: Credentials
    claim: str


def _claim(attempt: Credentials) -> str:
    return tokens.new_claim() if _has_token(attempt) else ""


def _redeemed(asked: Sequence[_Asked], rows: Mapping[str, IMUser]) -> dict[int, str]:
    """Use up the tokens among the attempts; return those that are good, as their sessions' keys."""
    given = {
        at: token
        for at, one in enumerate(asked)
        if one.claim and (token := tokens.read(one.attempt.password))
    }
    if not given:
        return {}
    keys = {token.session_key for token in given.values()}
    owners = web_sessions.live_keys(keys, rows.values())
    owned = {
        at: token
        for at, token in given.items()
        if (row := rows.get(asked[at].attempt.name)) and owners.get(token.session_key) == row.pk
    }
    unused = tokens.use([(token, asked[at].claim) for at, token in owned.items()])
    return {
        at: token.session_key
        for (at, token), is_unused in zip(owned.items(), unused, strict=True)
        if is_unused
    }


def _check(
    attempt: Credentials, row: IMUser | None, session_key: str | None
) -> "Admitted | LoginRefusal":
    """Return what the attempt deserves by itself."""
    if not _may_be_a_name(attempt.name):
        return WRONG_PASSWORD
    if _has_token(attempt):
        if row is None or session_key is None:
            return TOKEN_OVER
        return replace(_admitted(row), web_session=session_key)
    # Looked up by the exact name: MariaDB's comparison ignores trailing spaces.
    if row is None or not passwords.matches(attempt.password, row.password, row.salt):
        return WRONG_PASSWORD
    return _admitted(row)


def _throttled(
    attempts: Sequence[Credentials], results: Sequence["Admitted | LoginRefusal"]
) -> list["Admitted | LoginRefusal"]:
    """Return the results after a look at earlier failures, which keeps some from being told."""
    counted = [index for index, attempt in enumerate(attempts) if _is_a_guess(attempt)]
    verdicts = login_throttle.of_people().judge(
        [
            Attempt(attempts[at].name, attempts[at].address, isinstance(results[at], Admitted))
            for at in counted
        ]
    )
    told = list(results)
    for at, verdict in zip(counted, verdicts, strict=True):
        if verdict is Verdict.BLOCKED:
            told[at] = TOO_MANY_FAILURES
    return told


def _is_a_guess(attempt: Credentials) -> bool:
    """Tell what counts when it fails; tokens nobody guesses, and an old one is no failure."""
    return _may_be_a_name(attempt.name) and not _has_token(attempt)


def _has_token(attempt: Credentials) -> bool:
    return attempt.password.startswith(tokens.PREFIX)


def _name(asked: _Asked) -> str:
    return f"the login of {asked.attempt.name[:40]!r}"


def _may_be_a_name(text: str) -> bool:
    """Tell what is worth a query and a place in memory from what may be a megabyte long.

    Half a surrogate pair is no text: the database can't be asked for it, and with it for nobody
    else in the batch.
    """
    return len(text) <= MAX_NAME_CHARACTERS and not _HALF_A_PAIR.search(text)


@dataclass(frozen=True, slots=True)
class Admitted(UserInfo):
    """Who may log in; `access_key` marks the password that let them in (services/access.py).

    `web_session` is the key of the browser's session whose token it was, if it was one.
    """

    access_key: int
    web_session: str = ""


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
