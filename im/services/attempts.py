"""Work that the database rolled back is begun again, a few times and not for long.

For what runs in a database thread outside the writer, which has rules of its own: a deadlock, a
lock that is held too long, a locked SQLite file or a lost connection would cost a client its
answer.
"""

import logging
import time
from collections.abc import Callable
from typing import TypeVar

from django.db import DatabaseError, IntegrityError, InterfaceError, transaction

from im.services.faults import Fault, classify, drop_unusable_connection

log = logging.getLogger(__name__)

T = TypeVar("T")

PAUSES_S = (0.02, 0.1, 0.5)  # three more attempts; a deadlock is over at once, a restart is not
PATIENCE_S = 10.0  # no attempt begins later: clients give up after 5 to 8 seconds
_WORTH_REPEATING = frozenset({Fault.RETRY, Fault.LOST})


class CommitOutcomeUnknown(Exception):
    """The connection was lost between sending COMMIT and hearing of it."""


def repeated(work: Callable[[], T]) -> T:
    """Return what `work` returns, after more attempts if the database could not.

    Only for work that may be done twice: what was lost may have been done.
    """
    begun = time.monotonic()
    for pause_s in PAUSES_S:
        try:
            return _attempt(work)
        except (DatabaseError, InterfaceError) as exc:
            if not _may_pass(exc) or time.monotonic() - begun > PATIENCE_S:
                raise
            log.warning("trying again: %s", exc)
        time.sleep(pause_s)
    return _attempt(work)


def in_transaction(work: Callable[[], T]) -> T:
    """Return what `work`, one transaction, returns; it is repeated only if it was rolled back.

    Raises CommitOutcomeUnknown when nobody knows.
    """
    return repeated(lambda: _transaction(work))


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
