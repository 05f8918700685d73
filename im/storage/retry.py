"""Work that the database rolled back is begun again, a few times and not for long.

For what runs in a database thread outside the writer, which has rules of its own: a deadlock, a
lock that is held too long, a locked SQLite file or a connection that has died since it was last
used would cost a client its answer.
"""

import logging
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

from django.db import DatabaseError, IntegrityError, InterfaceError, transaction

from im.storage.db_errors import Fault, classify, drop_unusable_connection

log = logging.getLogger(__name__)

T = TypeVar("T")
Item = TypeVar("Item")
Result = TypeVar("Result")

PAUSES_S = (0.02, 0.1, 0.5)  # three more attempts; a deadlock is over at once, a restart is not
# Of what many ask together, in a thread of its own: as long as a short failover takes.
PAUSES_OF_A_BATCH_S = (*PAUSES_S, 1.0, 2.0)
PATIENCE_S = 10.0  # no attempt begins later: clients give up after 5 to 8 seconds
SAID_AGAIN_S = 5.0
_said_at: dict[Fault, float] = {}
_WORTH_REPEATING = frozenset({Fault.RETRY, Fault.LOST})


class CommitOutcomeUnknown(Exception):
    """The connection was lost between sending COMMIT and hearing of it."""


def repeated(work: Callable[[], T], pauses_s: Sequence[float] | None = None) -> T:
    """Return what `work` returns, after more attempts if the database could not.

    Only for work that may be done twice: what was lost may have been done.
    """
    begun = time.monotonic()
    for pause_s in PAUSES_S if pauses_s is None else pauses_s:
        try:
            return _attempt(work)
        except (DatabaseError, InterfaceError) as exc:
            if not _may_pass(exc) or time.monotonic() - begun > PATIENCE_S:
                raise
            _say_it_is_tried_again(exc)
        time.sleep(pause_s)
    return _attempt(work)


def _say_it_is_tried_again(error: Exception) -> None:
    """Log it, not more often than every SAID_AGAIN_S seconds: an outage is everybody's."""
    now, kind = time.monotonic(), classify(error)
    if now - _said_at.get(kind, -SAID_AGAIN_S) >= SAID_AGAIN_S:
        _said_at[kind] = now
        log.warning("trying again: %s", error)


def in_transaction(work: Callable[[], T]) -> T:
    """Return what `work`, one transaction, returns; it is repeated only if it was rolled back.

    Raises CommitOutcomeUnknown when nobody knows.
    """
    return repeated(lambda: _transaction(work))


def answers(
    work: Callable[[Sequence[Item]], Sequence[Result]],
    items: Sequence[Item],
    name_of: Callable[[Item], str],
) -> list[Result | None]:
    """Return what `work`, which only reads, answers to each of a batch, in order.

    None: it failed for this item, which costs no other its answer, or the database is away.
    `name_of` says which one failed, for the log.
    """

    def failed(item: Item, error: Exception) -> None:
        log.error("%s failed", name_of(item), exc_info=error)

    def read(some: Sequence[Item]) -> Sequence[Result | None]:
        return repeated(partial(work, some), PAUSES_OF_A_BATCH_S)

    try:
        return bisected(read, items, failed)
    except (DatabaseError, InterfaceError) as exc:
        log.warning("%d are not answered, %s the first: %s", len(items), name_of(items[0]), exc)
        return [None] * len(items)


def bisected(
    work: Callable[[Sequence[Item]], Sequence[Result]],
    items: Sequence[Item],
    failed: Callable[[Item, Exception], Result],
) -> list[Result]:
    """Return the results of `work`; a batch that it can't do is split until an item fails alone.

    `failed` says what the result of that one is.  Raises what `work` raises when the database
    could not do anything, whatever the items.
    """
    try:
        return list(work(items))
    except Exception as exc:  # a fault of ours too may be of one item only
        if classify(exc) is not Fault.DATA:
            raise
        if len(items) == 1:
            return [failed(items[0], exc)]
    middle = len(items) // 2
    return [*bisected(work, items[:middle], failed), *bisected(work, items[middle:], failed)]


def _may_pass(error: Exception) -> bool:
    # Whoever loses a race at a unique key finds the winner's row the next time.
    return isinstance(error, IntegrityError) or classify(error) in _WORTH_REPEATING


def _attempt(work: Callable[[], T]) -> T:
    try:
        return work()
    except (DatabaseError, InterfaceError) as exc:
        drop_unusable_connection(exc)
        raise


def _transaction(work: Callable[[], T]) -> T:
    is_committing = False
    try:
        with transaction.atomic():
            result = work()
            is_committing = True
    except (DatabaseError, InterfaceError) as exc:
        if is_committing and classify(exc) is not Fault.RETRY:
            drop_unusable_connection(exc)
            raise CommitOutcomeUnknown("the outcome of a COMMIT is unknown") from exc
        raise
    return result
