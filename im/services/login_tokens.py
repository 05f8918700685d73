"""Signed tokens that stand for a password: short-lived ones to log in with, and web sessions.

Both are bound to the stored password, so that a new one ends them, and to nothing that is stored:
there is no table of them.
"""

from dataclasses import dataclass

from django.conf import settings
from django.core import signing
from django.utils.crypto import constant_time_compare, salted_hmac

from im.models import IMUser
from im.types import UserStatus

PREFIX = "token:"  # tells a token from a password's md5
_LOGIN, _SESSION = "im.login", "im.web.session"  # salts: one kind can't pass for the other
_MAX_CHARS = 512


@dataclass(frozen=True, slots=True)
class Pass:
    """What a web client gets for its password: `token` for the login, `session` for later ones."""

    user_id: int
    name: str
    token: str
    session: str


def issue(user_id: int) -> Pass | None:
    """Return a pass for a user who has proved to be himself; None if he may not log in."""
    row = _user(user_id)
    if row is None:
        return None
    value = [row.pk, _fingerprint(row)]
    return Pass(
        row.pk,
        row.name,
        PREFIX + signing.dumps(value, salt=_LOGIN),
        signing.dumps(value, salt=_SESSION),
    )


def session_user(session: str) -> int | None:
    """Return whose web session this is; None when it is over or was never one."""
    value = _value(session, _SESSION, settings.IM_WEB_SESSION_SECONDS)
    row = _user(value[0]) if value else None
    return row.pk if row is not None and value and _fits(value, row) else None


def admits(token: str, row: IMUser) -> bool:
    """Tell whether a token lets this user in."""
    value = _value(token.removeprefix(PREFIX), _LOGIN, settings.IM_WEB_TOKEN_SECONDS)
    return value is not None and _fits(value, row)


def _value(signed: str, salt: str, max_age_s: int) -> tuple[int, str] | None:
    if len(signed) > _MAX_CHARS:
        return None
    try:
        user_id, fingerprint = signing.loads(signed, salt=salt, max_age=max_age_s)
    except signing.BadSignature:
        return None
    return user_id, fingerprint


def _fits(value: tuple[int, str], row: IMUser) -> bool:
    return value[0] == row.pk and constant_time_compare(value[1], _fingerprint(row))


def _user(user_id: int) -> IMUser | None:
    return IMUser.objects.filter(pk=user_id).exclude(status=UserStatus.LEFT).first()


def _fingerprint(row: IMUser) -> str:
    return salted_hmac(_LOGIN, row.password + row.salt, algorithm="sha256").hexdigest()[:32]
