"""What a batch of questions reads once, for all kinds of lists that need it."""

from collections.abc import Iterable
from typing import Any

from im.models import group_messages, messages
from im.services.messages.memberships import Memberships
from im.services.messages.queries import Place, messages_at
from im.sharding import ShardedTable
from im.types import Message, SessionType

_TABLES: dict[SessionType, ShardedTable[Any]] = {
    SessionType.SINGLE: messages,
    SessionType.GROUP: group_messages,
}


class Newest:
    """The newest messages that lists show: at first all say which, then they are taken.

    With the first one that is taken all are read; nobody may say more then.
    """

    def __init__(self) -> None:
        self._wanted: dict[SessionType, set[Place]] = {kind: set() for kind in _TABLES}
        self._found: dict[SessionType, dict[Place, Message]] = {}

    def want(self, session_type: SessionType, place: Place) -> None:
        """Say that a message will be taken."""
        assert not self._found, "they are read already"
        self._wanted[session_type].add(place)

    def take(self, session_type: SessionType, place: Place) -> Message | None:
        """Return a message; None if it is not there."""
        found = self._found.get(session_type)
        if found is None:
            wanted = self._wanted[session_type]
            found = self._found[session_type] = messages_at(_TABLES[session_type], wanted)
        return found.get(place)


class Reading:
    """The groups of these users, and the newest messages of what they see."""

    def __init__(self, user_ids: Iterable[int]) -> None:
        self.groups = Memberships(user_ids)
        self.newest = Newest()
