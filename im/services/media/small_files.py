"""Small files, the original's msfs: pictures and voice, stored once under the hash of the content.

A file has a path to be told around, `g0/<ab>/<cd>/<hash>_<W>x<H>.<ext>`.  The hash finds the file;
what follows it, the size of a picture and the kind of file, is for clients and read from the path
alone.  So the same content under two names lies on the disk once; only what its owner may delete
again has a salt in its hash, and the disk for itself.
"""

import hashlib
import os
import re
import tempfile
import time
from typing import Self

from django.core.files import File
from django.core.files.storage import Storage, storages

from im.services.media.durable_storage import DurableFiles

MAX_EXTENSION_CHARS = 15
_HASH_BYTES = 20  # 160 bits: nobody finds two contents of one hash, or guesses a path
_IN_MEMORY_BYTES = 256 * 1024  # of a file that arrives; what is longer waits on the disk

_PATH = re.compile(
    r"g0/(?P<name>([0-9a-f]{2})/([0-9a-f]{2})/\2\3[0-9a-f]{36})"
    r"(?:_[0-9]{1,4}x[0-9]{1,4})?\.(?P<extension>[A-Za-z0-9]{1,15})"
)
# What the original's server has named, for whoever copies its files into our directory.
_ORIGINAL_PATH = re.compile(
    r"g0/(?P<name>[0-9]{3}/[0-9]{3}/[0-9]+_[0-9]*(?:_[0-9]+x[0-9]+)?\.(?P<extension>[A-Za-z0-9]{1,15}))"
)
_PICTURE_SIZE = re.compile(r".*_([0-9]{1,4})x([0-9]{1,4})", re.ASCII | re.DOTALL)
_UNWANTED = re.compile(r"[^A-Za-z0-9]")


class Draft:
    """A file that arrives piece by piece: `write` them, then `store` it; `close` it in any case.

    `size_bytes` is what has arrived.
    """

    def __init__(self, salt: bytes = b"") -> None:
        self._hash = hashlib.blake2b(digest_size=_HASH_BYTES, salt=salt)
        self.size_bytes = 0
        self._file = tempfile.SpooledTemporaryFile(_IN_MEMORY_BYTES)  # noqa: SIM115  # `close` does it

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def write(self, chunk: bytes) -> None:
        """Append to the file."""
        self._hash.update(chunk)
        self.size_bytes += len(chunk)
        self._file.write(chunk)

    def store(self, suffix: str) -> str:
        """Store the file, if its content isn't there yet, and return its path.

        It has reached the disk then.  Call it in a thread and outside a transaction.
        """
        digest = self._hash.hexdigest()
        name = f"{digest[:2]}/{digest[2:4]}/{digest}"
        if not _storage().exists(name):
            self._file.seek(0)
            _storage().save(name, File(self._file))
        return f"g0/{name}{suffix}"

    def close(self) -> None:
        """Forget what was written."""
        self._file.close()


def store(content: bytes, suffix: str) -> str:
    """Store a file and return its path, as `Draft.store` does."""
    with Draft() as draft:
        draft.write(content)
        return draft.store(suffix)


def store_own(content: bytes, suffix: str) -> str:
    """Store a file that nobody else will ever share, and return its path.

    Its owner may delete it, whoever stores the same content at that moment.
    """
    with Draft(salt=os.urandom(hashlib.blake2b.SALT_SIZE)) as draft:
        draft.write(content)
        return draft.store(suffix)


def delete(path: str) -> None:
    """Delete a file of `store_own`; nothing if there is none of this path."""
    match = _match(path)
    if match is not None:
        _storage().delete(match["name"])


def sweep_unfinished(older_than_s: int) -> int:
    """Delete files that were never finished, and return how many there were."""
    storage = _storage()
    if not isinstance(storage, DurableFiles):
        return 0
    return storage.sweep_unfinished(time.time() - older_than_s)


def suffix_for(file_name: str) -> str:
    """Return how the path of a file that a client calls `file_name` ends.

    `_<W>x<H>` of a picture is kept, since clients lay out by it, and of the extension its letters
    and digits.  Raises ValueError when nothing or too much is left of that.
    """
    stem, has_dot, extension = file_name.rpartition(".")
    extension = _UNWANTED.sub("", extension) if has_dot else ""
    if not 0 < len(extension) <= MAX_EXTENSION_CHARS:
        raise ValueError(f"the extension has {len(extension)} characters")
    size = _PICTURE_SIZE.fullmatch(stem)
    return (f"_{int(size[1])}x{int(size[2])}" if size else "") + f".{extension}"


def extension_of(path: str) -> str:
    """Return the extension of a path, in lower case; "" if it is none of ours."""
    match = _match(path)
    return match["extension"].lower() if match else ""


def name_of(path: str) -> str:
    """Return what stands for the content of a path, "" if it is none of ours."""
    match = _match(path)
    return match["name"].rpartition("/")[2] if match else ""


def open_file(path: str) -> "File[bytes] | None":
    """Open the file of this path for reading; None if there is none.

    Nothing but what we have named is looked for, so no path leads out of the storage.
    """
    match = _match(path)
    if match is None:
        return None
    try:
        file: File[bytes] = _storage().open(match["name"])
    except FileNotFoundError:
        return None
    return file


def read(path: str) -> bytes | None:
    """Return the content of the file of this path; None if there is none."""
    file = open_file(path)
    if file is None:
        return None
    with file:
        return bytes(file.read())


def _match(path: str) -> re.Match[str] | None:
    return _PATH.fullmatch(path) or _ORIGINAL_PATH.fullmatch(path)


def _storage() -> Storage:
    return storages["small_files"]
