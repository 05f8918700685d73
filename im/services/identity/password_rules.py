"""What can be a password: rules for new ones.  Passwords that are in use keep working.

Clients send a hash, so this holds where the text itself is seen: the console, spreadsheets, and the
chat page's own change.
"""

from collections.abc import Iterator, Mapping
from functools import cache

from django.conf import settings
from django.contrib.auth.password_validation import (
    CommonPasswordValidator,
    UserAttributeSimilarityValidator,
)
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from im.models import IMUser
from im.services.validation import Problem

MAX_PASSWORD_CHARS = 128  # far beyond what the clients' input fields take
MIN_DIFFERENT_CHARS = 4
PERSONAL = ("name", "nick", "domain", "phone", "email")  # columns; no password is like them


def check_password(password: str, owner: Mapping[str, object] | None = None) -> tuple[Problem, ...]:
    """Return why this can't be a password; empty when nothing is wrong.

    `owner` has what is known of its owner, by the columns of IMUser.
    """
    return tuple(Problem("password", text) for text in _problems(password, owner or {}))


def _problems(password: str, owner: Mapping[str, object]) -> Iterator[str]:
    shortest, longest = settings.IM_PASSWORD_CHARACTERS, MAX_PASSWORD_CHARS
    if len(password) < shortest:
        yield _("A password needs at least %(limit)d characters.") % {"limit": shortest}
        return
    if len(password) > longest:
        yield _("A password has at most %(limit)d characters.") % {"limit": longest}
        return
    if len(set(password.casefold())) < MIN_DIFFERENT_CHARS:
        text = _("A password needs at least %(limit)d different characters.")
        yield text % {"limit": MIN_DIFFERENT_CHARS}
        return
    known = {column: str(owner[column]) for column in PERSONAL if owner.get(column)}
    for validator in (_common(), UserAttributeSimilarityValidator(tuple(known))):
        try:
            # Any row will do; the stubs want one of the console's accounts.
            validator.validate(password, IMUser(**known))  # type: ignore[arg-type]
        except ValidationError as refusal:
            yield from refusal.messages


@cache
def _common() -> CommonPasswordValidator:
    return CommonPasswordValidator()
