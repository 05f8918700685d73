"""The stored form of passwords, as the TeamTalk schema fixes it.

Clients send the md5 of the password; the table holds md5(that + salt).  This must keep verifying
against existing databases, so it is no place for a modern hash.
"""

import hmac
import secrets
from hashlib import blake2b, md5

SALT_DIGITS = 4  # width of the column IMUser.salt
_MARK_KEY = secrets.token_bytes(16)


def wire_password(plain: str) -> str:
    """Return what clients send for a password: the lower-case hex md5 of its UTF-8 bytes."""
    return _hex_md5(plain)


def hash_password(plain: str) -> tuple[str, str]:
    """Return (stored, salt) for a new password; the salt is random each time."""
    salt = f"{secrets.randbelow(10**SALT_DIGITS):0{SALT_DIGITS}d}"
    return _stored(wire_password(plain), salt), salt


def matches(wire_md5: str, stored: str, salt: str) -> bool:
    """Tell whether what a client sent belongs to a stored password, in constant time."""
    return hmac.compare_digest(_stored(wire_md5, salt).encode(), stored.encode())


def mark(stored: str, salt: str) -> int:
    """Return what tells one stored password from another; it means nothing in another process.

    128 bits, and nothing that could be turned back: whoever holds a session holds its mark.
    """
    both = f"{salt}\0{stored}".encode()
    return int.from_bytes(blake2b(both, key=_MARK_KEY, digest_size=16).digest(), "big")


def _stored(wire_md5: str, salt: str) -> str:
    return _hex_md5(wire_md5 + salt)


def _hex_md5(text: str) -> str:
    return md5(text.encode(), usedforsecurity=False).hexdigest()
