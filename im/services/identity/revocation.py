"""Whose access has ended, for gateways that could not be told.

The key of a user's access is a mark of his password, and NONE when he has left: a connection whose
key is another one must end.
"""

from collections.abc import Collection, Iterable

from im.models import IMUser
from im.services.identity import passwords, web_sessions
from im.types import UserStatus

NONE = 0
CHUNK = 1_000  # ids per query

Keys = dict[int, int]


def keys_changed(since: int) -> Keys:
    """Return the keys of all whose row was changed since then (Unix seconds), in whatever way."""
    return _keys(IMUser.objects.filter(updated__gte=since).values_list(*_COLUMNS))


def keys_of(user_ids: Collection[int]) -> Keys:
    """Return each user's key; whom nobody knows any more has none."""
    todo, keys = sorted(user_ids), dict.fromkeys(user_ids, NONE)
    for start in range(0, len(todo), CHUNK):
        chunk = IMUser.objects.filter(id__in=todo[start : start + CHUNK])
        keys |= _keys(chunk.values_list(*_COLUMNS))
    return keys


def sessions_ended(since: int) -> frozenset[str]:
    """Return the keys of browsers' sessions that ended since then (Unix seconds)."""
    return web_sessions.ended_since(since)


def _keys(rows: Iterable[tuple[int, int | None, str, str]]) -> Keys:
    return {
        user_id: NONE if status == UserStatus.LEFT else passwords.mark(password, salt)
        for user_id, status, password, salt in rows
    }


_COLUMNS = ("id", "status", "password", "salt")
