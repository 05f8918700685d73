"""Passwords that everybody knows, for they came with the original's console or its guides.

They open nothing, whoever has them: they are refused before anybody looks at an account.
"""

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

# The original's SQL file brings admin with the md5 of "admin"; the others are what guides to
# installing it, and to what it needs, use.
_KNOWN = frozenset(
    {
        "", "000000", "111111", "123", "1234", "12345", "123456", "1234567", "12345678",
        "123456789", "1234567890", "admin", "admin123", "admin888", "administrator", "changeme",
        "default", "guest", "mogujie", "passw0rd", "password", "root", "secret", "system",
        "teamtalk", "test", "test123", "tt123456", "user",
    }
)  # fmt: skip

REFUSAL = _(
    "This is a factory password, which everybody knows: it opens nothing. Set another one on the "
    "server: manage.py changepassword %(name)s"
)


def is_factory(name: str, password: str) -> bool:
    """Tell whether everybody can guess this password of this name."""
    plain = password.strip().casefold()
    return plain in _KNOWN or plain == name.strip().casefold()


class RefuseFactoryPasswords:
    """An authentication backend that knows nobody, and ends every login with such a password."""

    def authenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        **kwargs: object,
    ) -> None:
        if password is not None and is_factory(username or "", password):
            raise PermissionDenied
