"""The audit: whether the tables agree with each other, on a database that is in use.

Theory of operation.  The tables are walked in ranges of ids, each range in one snapshot: what a
transaction wrote is seen whole or not at all, nobody waits for the audit, and nothing is held for
longer than a range takes.  The database counts; what comes back is one row per conversation or
group of the range.  Data taken over from an original TeamTalk server keeps the faults it came with:
they are not ours to find (messages below `dense_from`, rows older than `adopted_at`).

`examine` only reads.  `repair` puts right what follows from other rows, one conversation or group
per transaction, holding the row that the writer locks too; it never deletes or changes a message.
"""

from collections.abc import Callable, Iterator

from django.db import OperationalError

from im.services.consistency import (
    conversation_repairs,
    conversations,
    group_repairs,
    groups,
    keys,
    sessions,
)
from im.services.consistency.findings import Finding, Report, Subject
from im.storage.db_errors import Fault, classify

__all__ = ["examine", "repair"]

ATTEMPTS = 5  # of a repair that meets a deadlock or a lock timeout

_WALKS: tuple[Callable[[Report], Iterator[list[Finding]]], ...] = (
    keys.walk,
    conversations.walk,
    sessions.walk,
    groups.walk,
)
_REPAIRS: dict[Subject, Callable[[int], list[str]]] = {
    Subject.CONVERSATION: conversation_repairs.repair,
    Subject.GROUP: group_repairs.repair,
}


def examine() -> Report:
    """Look at everything and return what was found.  Call it outside a transaction."""
    report = Report()
    for walk in _WALKS:
        for found in walk(report):
            report.add(found)
    return report


def repair() -> Iterator[str]:
    """Look at everything, put right what can be derived, and say what was changed, as it is.

    Call it outside a transaction.  What can't be derived is left as it is; `examine` again.
    """
    for walk in _WALKS:
        for found in walk(Report()):
            places = dict.fromkeys((f.subject, f.key) for f in found if f.subject is not None)
            for subject, key in places:
                yield from _repaired(_REPAIRS[subject], key)


def _repaired(run: Callable[[int], list[str]], key: int) -> list[str]:
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return run(key)
        except OperationalError as error:
            if classify(error) is not Fault.RETRY or attempt == ATTEMPTS:
                raise
    raise AssertionError("unreachable")
