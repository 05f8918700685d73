"""The secret key of an installation that was given none: random, kept in the data directory."""

import os
import secrets
from contextlib import suppress
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured


def load_or_create(data_dir: Path) -> str:
    """Return the key kept in `data_dir`, making directory and key on the first call.

    Two processes that start at once end with one key.  Raises ImproperlyConfigured when the
    directory can't be used.
    """
    path = data_dir / "secret_key"
    try:
        if not path.exists():
            _create(path)
        return path.read_text().strip()
    except OSError as exc:
        raise ImproperlyConfigured(
            f"the data directory {data_dir} can't be used: {exc.strerror} "
            "(set IM_DATA_DIR to a directory this user may write)"
        ) from exc


def _create(path: Path) -> None:
    """Write a new key, unless another process is quicker."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Written whole beside its place, then linked: a reader never sees half a key.
    draft = path.with_name(f".secret_key.{os.getpid()}")
    try:
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(48))
        with suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink(missing_ok=True)
