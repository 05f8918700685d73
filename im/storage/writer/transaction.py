"""One transaction of the writer: its one-to-one items, then those of groups."""

from collections.abc import Iterable, Sequence

from im.storage.writer import group, single
from im.storage.writer.group import GroupBatch
from im.storage.writer.requests import (
    GROUP_ITEMS,
    Item,
    Place,
    Planned,
    PlannedGroupMessage,
    PlannedMessage,
    Result,
    result_of,
)
from im.storage.writer.single import Batch, Known


class Work:
    """What one transaction does.  Call `run` once, inside it."""

    def __init__(self, items: Sequence[Item], known: Known) -> None:
        self._is_group = [isinstance(item, GROUP_ITEMS) for item in items]
        self._single = Batch([i for i in items if not isinstance(i, GROUP_ITEMS)], known)
        self._group = GroupBatch([i for i in items if isinstance(i, GROUP_ITEMS)])
        self.planned: list[Planned | Result] = []

    @property
    def learned(self) -> Known:
        """Ids found on the way, good once it is committed."""
        return self._single.learned

    def run(self) -> list[Result]:
        """Store the items; return per item what happened, None where it was refused."""
        self._single.run()
        self._group.run()
        single, group = iter(self._single.planned), iter(self._group.planned)
        self.planned = [next(group if is_group else single) for is_group in self._is_group]
        return [result_of(plan) for plan in self.planned]


def find_committed(planned: Iterable[Planned]) -> set[Place]:
    """Return the places of those planned messages that the database holds as planned.

    Call it in a transaction of its own.
    """
    plans = list(planned)
    return single.find_committed(
        plan for plan in plans if isinstance(plan, PlannedMessage)
    ) | group.find_committed(plan for plan in plans if isinstance(plan, PlannedGroupMessage))
