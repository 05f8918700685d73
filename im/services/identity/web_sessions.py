"""Browsers that somebody is logged in with: rows, which end.

A cookie holds a random key, the table its hash.  A session ends with a logout, a new password, its
owner's leaving, and when no new token was asked for in IM_WEB_SESSION_SECONDS.  Ended rows stay for
a while, so that gateways which could not be told find them and end their connections.
"""

import hashlib
import secrets
import time
from collections.abc import Collection
from dataclasses import dataclass

from django.conf import settings
from django.db.models import Q
from django.utils.crypto import constant_time_compare, salted_hmac

from im.models import IMUser, WebSession
from im.services.identity import tokens
from im.types import UserStatus, WebSessionEnded

MOST_PER_USER = 20  # browsers; the ones used least recently end
KEPT_S = 3600  # after the end: far longer than a gateway is without its database
EXTENDED_AFTER = 24  # of a session's life this fraction is over before it is written again
SWEPT_AT_ONCE = 1_000
_COOKIE_CHARS = 43  # 256 bits in base64
_SALT = "im.web.session"


@dataclass(frozen=True, slots=True)
class Pass:
    """What a web client gets for its password: `token` for the login, `cookie` for later ones."""

    user_id: int
    name: str
    token: str
    cookie: str


def begin(user_id: int) -> Pass | None:
    """Begin a session of a user who has proved who they are; None if they may not log in."""
    user = IMUser.objects.filter(pk=user_id).exclude(status=UserStatus.LEFT).first()
    if user is None:
        return None
    cookie = secrets.token_urlsafe(32)
    now = int(time.time())
    row = WebSession.objects.create(
        key=_key(cookie),
        user_id=user_id,
        password_mark=_mark(user),
        created=now,
        expires=now + settings.IM_WEB_SESSION_SECONDS,
    )
    _bound(user_id)
    return Pass(user_id, user.name, tokens.issue(row.key), cookie)


def renew(cookie: str) -> Pass | None:
    """Return a new token for a browser's session and let it live on; None if it is over."""
    row = _live(cookie)
    if row is None or row.user is None:
        return None
    expires = int(time.time()) + settings.IM_WEB_SESSION_SECONDS
    if expires - row.expires > settings.IM_WEB_SESSION_SECONDS // EXTENDED_AFTER:
        WebSession.objects.filter(pk=row.pk, ended=0).update(expires=expires)
    return Pass(row.user_id, row.user.name, tokens.issue(row.key), cookie)


def user_of(cookie: str) -> IMUser | None:
    """Return whose browser this is; None when the session is over or was never one."""
    row = _live(cookie)
    return None if row is None else row.user


def end(cookie: str) -> WebSessionEnded | None:
    """End a browser's session; return what is to be told of, if there was one."""
    row = WebSession.objects.filter(pk=_key(cookie), ended=0).first() if cookie else None
    if row is None:
        return None
    WebSession.objects.filter(pk=row.pk).update(ended=int(time.time()))
    return WebSessionEnded(row.user_id, row.key)


def end_all(user_ids: Collection[int]) -> None:
    """End all sessions of these users; their connections end by another event."""
    WebSession.objects.filter(user_id__in=user_ids, ended=0).update(ended=int(time.time()))


def live_keys(keys: Collection[str], users: Collection[IMUser]) -> dict[str, int]:
    """Return, of these keys, those of live sessions of these users, with the user's id."""
    by_id = {user.pk: user for user in users}
    rows = WebSession.objects.filter(pk__in=keys, ended=0, expires__gt=int(time.time()))
    return {
        row.key: row.user_id
        for row in rows
        if row.user_id in by_id and _fits(row, by_id[row.user_id])
    }


def ended_since(since: int) -> frozenset[str]:
    """Return the keys of sessions that ended since then (unix seconds), in whatever way."""
    expired = Q(expires__gte=since, expires__lte=int(time.time()))
    ended = WebSession.objects.filter(Q(ended__gte=since) | expired)
    return frozenset(ended.values_list("key", flat=True))


def sweep() -> None:
    """Delete some of what ended long ago."""
    horizon = int(time.time()) - KEPT_S
    over = WebSession.objects.filter(Q(expires__lt=horizon) | Q(ended__range=(1, horizon)))
    keys = list(over.values_list("key", flat=True)[:SWEPT_AT_ONCE])
    if keys:
        WebSession.objects.filter(pk__in=keys).delete()


def _live(cookie: str) -> WebSession | None:
    if len(cookie) != _COOKIE_CHARS:
        return None
    found = WebSession.objects.filter(pk=_key(cookie), ended=0, expires__gt=int(time.time()))
    row = found.select_related("user").first()
    if row is None or row.user is None or row.user.status == UserStatus.LEFT:
        return None
    return row if _fits(row, row.user) else None


def _bound(user_id: int) -> None:
    surplus = WebSession.objects.filter(user_id=user_id, ended=0).order_by("-expires", "-created")
    keys = list(surplus.values_list("key", flat=True)[MOST_PER_USER : 2 * MOST_PER_USER])
    if keys:
        WebSession.objects.filter(pk__in=keys).update(ended=int(time.time()))


def _fits(row: WebSession, user: IMUser) -> bool:
    """Tell whether the password is that of the session's beginning, whoever changed it."""
    return constant_time_compare(row.password_mark, _mark(user))


def _mark(user: IMUser) -> str:
    return salted_hmac(_SALT, user.password + user.salt, algorithm="sha256").hexdigest()[:32]


def _key(cookie: str) -> str:
    return hashlib.sha256(cookie.encode()).hexdigest()
