"""How much room the data takes."""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files.storage import storages
from django.db import connection

from im.models import group_messages, messages
from im.storage.sql import ends


@dataclass(frozen=True, slots=True)
class Room:
    """Bytes of the database, messages ever stored (about), and bytes free for files."""

    database_bytes: int
    messages: int
    free_bytes: int


def room() -> Room:
    """Return it, without counting rows."""
    return Room(_database_bytes(), _messages(), free_bytes())


def free_bytes() -> int:
    """Return how many bytes are free where files are stored, for whoever is not root."""
    location = Path(getattr(storages["small_files"], "location", settings.IM_DATA_DIR))
    existing = next(path for path in (location, *location.parents) if path.exists())
    return shutil.disk_usage(existing).free


def _database_bytes() -> int:
    with connection.cursor() as cursor:
        if connection.vendor == "mysql":
            cursor.execute(
                "SELECT COALESCE(SUM(data_length + index_length), 0) "
                "FROM information_schema.tables WHERE table_schema = DATABASE()"
            )
        else:
            cursor.execute("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size")
        return int(cursor.fetchone()[0])


def _messages() -> int:
    tables: tuple[Any, ...] = (*messages.all, *group_messages.all)
    return sum(max(0, last) for _, last in ends([table._meta.db_table for table in tables]))
