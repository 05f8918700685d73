"""Passwords that an installation made up at its first start, kept for its operator.

A text file with a line "who: password" each, readable by its owner only.
"""

import os
import secrets
from pathlib import Path

# No letters or digits that are taken for one another.
_ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"
_CHARS = 14  # 70 bits


def random_password() -> str:
    """Return a password that nobody guesses and people can type."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(_CHARS))


def read(path: Path) -> dict[str, str]:
    """Return the passwords by their owners; none if there is no such file."""
    if not path.exists():
        return {}
    lines = path.read_text(encoding="utf-8").splitlines()
    return dict(line.split(": ", 1) for line in lines if ": " in line)


def keep(path: Path, who: str, password: str) -> None:
    """Add a password, in place of an earlier one of the same owner."""
    passwords = read(path) | {who: password}
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.writelines(f"{owner}: {text}\n" for owner, text in passwords.items())
        file.flush()
        os.fsync(file.fileno())  # the database is about to hold what only this file tells
    draft.replace(path)
