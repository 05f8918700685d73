"""Files on a disk, for STORAGES: whole or not there, and there even after a power cut.

An acknowledged voice message must be found again, so a file counts as saved only when it and its
name have reached the disk.
"""

import os
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from django.core.files import File
from django.core.files.storage import FileSystemStorage

_UNFINISHED = "new-"


class DurableFiles(FileSystemStorage):
    """Saves under the very name it is given; a file of that name is replaced in one step."""

    def get_available_name(self, name: str, max_length: int | None = None) -> str:
        """Return the name itself: names are made of contents, so a second one is the same file."""
        return name

    def _save(self, name: str, content: "File[bytes]") -> str:
        root, target = Path(self.location), Path(self.path(name))
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=root, prefix=_UNFINISHED, delete=False) as file:
            try:
                for chunk in content.chunks():
                    file.write(chunk)
                file.flush()
                os.fsync(file.fileno())
                os.replace(file.name, target)
            except BaseException:
                os.unlink(file.name)
                raise
        inner = target.relative_to(root).parents
        _sync_directories(root / directory for directory in inner)  # they may be new as well
        return name

    def sweep_unfinished(self, before: float) -> int:
        """Delete what a killed process has left behind half written, and return how much.

        What was written to since `before`, unix seconds, may still become a file.
        """
        swept = 0
        for path in Path(self.location).glob(f"{_UNFINISHED}*"):
            with suppress(FileNotFoundError):  # it has become a file
                if path.stat().st_mtime < before:
                    path.unlink()
                    swept += 1
        return swept


def _sync_directories(directories: Iterable[Path]) -> None:
    """Let the names in the directories reach the disk."""
    for directory in directories:
        descriptor = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
