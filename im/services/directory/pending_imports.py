"""Uploads that wait for their operator's yes, as files that nobody else can read or name.

Each belongs to who made it, has a random name, and is deleted once it is used, or swept after
`IM_PENDING_IMPORT_SECONDS`.  In `IM_DATA_DIR`, so that another process of ours may take the yes.
"""

import logging
import os
import re
import secrets
import time
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings

log = logging.getLogger(__name__)

PER_OWNER = 5  # the oldest go first
_NAME_BYTES = 16
_TOKEN = re.compile(r"[0-9a-f]{32}")
_FILE = re.compile(r"[0-9]{1,20}-[0-9a-f]{32}(?:\.taken)?")


def keep(owner_id: int, content: bytes) -> str:
    """Keep an upload and return the name to ask for it by.  Raises OSError."""
    sweep()
    for path in _of_owner(owner_id)[: -PER_OWNER + 1]:
        path.unlink(missing_ok=True)
    token = secrets.token_hex(_NAME_BYTES)
    path = _path(owner_id, token)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
    return token


def take(owner_id: int, token: str) -> bytes | None:
    """Return an upload, which nobody else can take any more, until `give_back` or `forget`.

    None when there is none of that name, when it was taken or has expired, or is another's.
    """
    sweep()
    if not _TOKEN.fullmatch(token):
        return None
    path = _path(owner_id, token)
    taken = path.with_suffix(".taken")
    try:
        path.rename(taken)  # of two who try, one succeeds
        return taken.read_bytes()
    except FileNotFoundError:
        return None


def give_back(owner_id: int, token: str) -> None:
    """Let an upload be taken again."""
    path = _path(owner_id, token)
    path.with_suffix(".taken").rename(path)


def forget(owner_id: int, token: str) -> None:
    """Delete an upload that was taken."""
    _path(owner_id, token).with_suffix(".taken").unlink(missing_ok=True)


def sweep() -> int:
    """Delete what has expired, and return how many those were."""
    oldest = time.time() - settings.IM_PENDING_IMPORT_SECONDS
    swept = 0
    for path in _files():
        try:
            if path.stat().st_mtime < oldest:
                path.unlink()
                swept += 1
        except FileNotFoundError:  # another process was faster
            continue
        except OSError as error:
            log.warning("an upload can't be deleted: %s", error)
    if swept:
        log.info("%d uploads that nobody confirmed are deleted", swept)
    return swept


def _of_owner(owner_id: int) -> list[Path]:
    """Return an owner's uploads, oldest first."""
    mine = [path for path in _files() if path.name.startswith(f"{owner_id}-")]
    return sorted(mine, key=_age)


def _age(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def _files() -> Iterator[Path]:
    folder = _folder()
    if folder.is_dir():
        yield from (path for path in folder.iterdir() if _FILE.fullmatch(path.name))


def _path(owner_id: int, token: str) -> Path:
    return _folder() / f"{owner_id}-{token}"


def _folder() -> Path:
    return Path(settings.IM_DATA_DIR) / "imports"
