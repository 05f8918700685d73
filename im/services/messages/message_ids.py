"""Moving all message ids ahead after a restored backup, beyond those that clients know.

Clients with a database of their own take an id for the message they know by it.  All ids of all
conversations move by one number, so that unread counts, read positions and what new members may
see stay what they are.
"""

from typing import Any

from django.db.models import F, Max, QuerySet
from django.db.transaction import atomic

from im.errors import Refused
from im.models import (
    ClientMessage,
    Conversation,
    GroupCounter,
    GroupPosition,
    group_messages,
    messages,
)

# iOS calls messages that it has not sent by ids from here on (spec/periphery 7.5).
FIRST_OF_IOS = 1_000_000

_ID, _LAST, _DENSE = "msg_id", "last_msg_id", "dense_from"
_POSITIONS = ("read_msg_id", "joined_msg_id", "removed_msg_id")


@atomic(savepoint=False)
def move_ahead(by: int) -> int:
    """Add `by` to every message id; return how many messages there are.

    Call it while no server runs.  Raises Refused for a number that is not above the highest id, or
    takes ids to where iOS has its own.
    """
    tables: list[type[Any]] = [*messages.all, *group_messages.all]  # Any: their managers
    highest = max(table.objects.aggregate(last=Max(_ID))["last"] or 0 for table in tables)
    if by <= highest:
        raise Refused(f"the highest message id is {highest}: it has to be more than that")
    if highest + by >= FIRST_OF_IOS // 2:  # half is left for what will be said
        raise Refused(f"ids would come to {highest + by}; above {FIRST_OF_IOS} iOS has its own")
    moved = sum(_add(by, table.objects.filter(msg_id__gt=0), _ID) for table in tables)
    _add(by, Conversation.objects.filter(last_msg_id__gt=0), _LAST, _DENSE)
    for position in ("read_msg_id_small", "read_msg_id_big"):
        _add(by, Conversation.objects.filter(**{f"{position}__gt": 0}), position)
    begun = GroupCounter.objects.filter(last_msg_id__gt=0)
    _add(by, GroupPosition.objects.filter(group_id__in=begun.values("group_id")), *_POSITIONS)
    _add(by, begun, _LAST, _DENSE)
    _add(by, ClientMessage.objects.all(), _ID)
    return moved


def _add(by: int, rows: QuerySet[Any], *fields: str) -> int:  # Any: of whatever table
    return rows.update(**{field: F(field) + by for field in fields})
