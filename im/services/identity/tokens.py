"""Tokens that a browser's session gets to log in with over the WebSocket: for minutes, and once.

A token is signed, so none is stored before it is used; using it stores its number, and of several
logins that try to, at whatever gateways, one succeeds.
"""

import secrets
import time
from collections.abc import Sequence
from typing import NamedTuple

from django.conf import settings
from django.core import signing

from im.models import UsedToken

PREFIX = "token:"  # tells a token from a password's md5
_SALT = "im.login"
_MAX_CHARS = 512
_SWEPT_AT_ONCE = 10_000


class Token(NamedTuple):
    """What a token that we signed says: the session it is for, and its own number."""

    session_key: str
    number: str


def issue(session_key: str) -> str:
    """Return a new token for a session."""
    return PREFIX + signing.dumps([session_key, secrets.token_hex(16)], salt=_SALT)


def read(text: str) -> Token | None:
    """Return what a token says; None for one that is too old or none of ours."""
    if len(text) > _MAX_CHARS:
        return None
    try:
        said = signing.loads(
            text.removeprefix(PREFIX), salt=_SALT, max_age=settings.IM_WEB_TOKEN_SECONDS
        )
        return Token(*said)
    except (signing.BadSignature, TypeError):  # TypeError: of an earlier release
        return None


def new_claim() -> str:
    """Return what tells one use of a token from another."""
    return secrets.token_hex(16)


def use(claimed: Sequence[tuple[Token, str]]) -> list[bool]:
    """Use tokens up, each with a claim; tell for each, in order, whether it was unused.

    To be repeated with the same claims where nobody knows what became of the first time.
    """
    expires = int(time.time()) + settings.IM_WEB_TOKEN_SECONDS
    rows = [
        UsedToken(number=token.number, claim=claim, expires=expires) for token, claim in claimed
    ]
    # Who comes second finds the claim of the first.
    UsedToken.objects.bulk_create(rows, ignore_conflicts=True)
    numbers = [row.number for row in rows]
    stored = dict(UsedToken.objects.filter(pk__in=numbers).values_list("number", "claim"))
    return [stored.get(row.number) == row.claim for row in rows]


def sweep() -> None:
    """Forget tokens that are too old to be used again."""
    horizon = int(time.time()) - 60  # of hosts whose clocks differ
    over = UsedToken.objects.filter(expires__lt=horizon)
    numbers = list(over.values_list("number", flat=True)[:_SWEPT_AT_ONCE])
    if numbers:
        UsedToken.objects.filter(pk__in=numbers).delete()
