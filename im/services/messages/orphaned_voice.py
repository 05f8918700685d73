"""Voice that belongs to no message: what a refused or lost message has left behind.

The sound is stored before its message is, and the message may be refused (its sender is not in the
group), or the server may be killed in between.  Every voice message of ours has a file of its own
(`small_files.store_own`), so what is to be deleted is no other message's.  A row of the original
names a file that others may share, or that is elsewhere: it is left alone.
"""

import time
from collections.abc import Iterable, Iterator
from typing import Any

from django.db.models import Q

from im.models import (
    IMAudio,
    IMGroupMessage,
    IMMessage,
    IMRelationShip,
    group_messages,
    messages,
)
from im.services.media import small_files
from im.services.messages.voice import SUFFIX
from im.storage.sql import look_up
from im.storage.writer.requests import Pair, pair_of
from im.types import AUDIO_TYPES, RowStatus

ROWS_AT_ONCE = 500
YOUNGEST_S = 3600  # no message waits so long to be stored

Key = tuple[int, int]  # conversation, unix seconds

_ANY_STATUS = tuple(RowStatus)  # named, since the index of conversations begins with it


def sweep(older_than_s: int) -> Iterator[tuple[int, int]]:
    """Delete voice without a message; yield, every ROWS_AT_ONCE rows, (looked at, deleted).

    Only what is older than `older_than_s` seconds, at least YOUNGEST_S.
    """
    before = int(time.time()) - max(older_than_s, YOUNGEST_S)
    rows = IMAudio.objects.filter(created__lt=before, path__endswith=SUFFIX).order_by("id")
    last_id = 0
    while batch := list(rows.filter(id__gt=last_id)[:ROWS_AT_ONCE]):
        last_id = batch[-1].id
        told = _told_between_two(batch) | _told_in_groups(batch)
        orphans = [row for row in batch if row.id not in told]
        for row in orphans:
            small_files.delete(row.path or "")  # first: a row without a file is found again
            row.delete()
        yield len(batch), len(orphans)


# A message has the second of its voice's row: conversation and second find it by an index.
def _told_between_two(rows: list[IMAudio]) -> set[int]:
    pairs = {pair_of(row.from_id, row.to_id) for row in rows}
    relations: dict[Pair, int] = {
        (row.small_id, row.big_id): row.id
        for row in look_up(
            IMRelationShip.objects.all(), pairs, lambda pair: Q(small_id=pair[0], big_id=pair[1])
        )
    }
    by_shard: dict[type[IMMessage], set[Key]] = {}
    for row in rows:
        relate_id = relations.get(pair_of(row.from_id, row.to_id))
        if relate_id is not None:
            key = (relate_id, row.created)
            by_shard.setdefault(messages.for_key(relate_id), set()).add(key)
    return {
        audio_id
        for shard, keys in by_shard.items()
        for audio_id in _ids_in(shard.objects.all(), "relate_id", keys)
    }


def _told_in_groups(rows: list[IMAudio]) -> set[int]:
    by_shard: dict[type[IMGroupMessage], set[Key]] = {}
    for row in rows:
        key = (row.to_id, row.created)
        by_shard.setdefault(group_messages.for_key(row.to_id), set()).add(key)
    return {
        audio_id
        for shard, keys in by_shard.items()
        for audio_id in _ids_in(shard.objects.all(), "group_id", keys)
    }


def _ids_in(queryset: Any, column: str, keys: Iterable[Key]) -> Iterator[int]:
    """Yield the ids that voice of these conversations and seconds names."""

    def condition(key: Key) -> Q:
        return Q(**{column: key[0]}, status__in=_ANY_STATUS, created=key[1])

    found = look_up(queryset.filter(type__in=AUDIO_TYPES), keys, condition)
    return (int(row.content) for row in found if (row.content or "").isdigit())
