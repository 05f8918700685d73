"""The writer: stores messages and read marks in batches, one transaction each, in one thread.

Every process has one.  What it promises for each item of a batch:

- the answer comes after COMMIT, and only if the item is in the database;
- a batch that the database rolled back (deadlock, lock timeout, lost connection) is run again, as
  a whole, a few times;
- a batch with an item that the database refuses is split until that item fails alone;
- when the connection is lost during COMMIT nothing is sent again: the rows are looked for, and
  only those found are answered.
"""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from django.db import DatabaseError, InterfaceError, connection, transaction

from im.storage import connections
from im.storage.db_errors import Fault, classify, drop_unusable_connection, is_of_a_value
from im.storage.retry import bisected
from im.storage.writer.idempotency import Overtaken
from im.storage.writer.requests import Item, Place, PlannedGroupMessage, PlannedMessage, Result
from im.storage.writer.single import Known, StaleCache
from im.storage.writer.transaction import Work, find_committed

log = logging.getLogger(__name__)

RETRY_PAUSES_S = (0.02, 0.1, 0.5)  # three retries; a deadlock is over at once, a restart is not
READ_BACK_PAUSES_S = (0.1, 0.3, 1.0, 2.0, 3.0, 4.0)  # a database that restarts is back in seconds
BYTES_PER_ITEM = 512  # of a statement that looks up, or makes, what all items of a batch need
CACHE_ENTRIES = 500_000  # per cache; an entry is ~150 bytes

OnStored = Callable[[Sequence[Result]], None]


class CommitOutcomeUnknown(Exception):
    """The connection was lost between sending COMMIT and hearing of it."""

    def __init__(self, work: Work) -> None:
        super().__init__("the outcome of a COMMIT is unknown")
        self.work = work


class Writer:
    """Stores batches of items; call it from one thread only.

    `owns_thread`: nobody else uses the thread's database connection, which may stay in manual
    commit then.  `on_stored` is told the results of each batch that was committed.
    """

    def __init__(
        self, *, owns_thread: bool = False, on_stored: OnStored = lambda results: None
    ) -> None:
        self._known = Known()
        self._on_stored = on_stored
        self._transaction = _kept_open if owns_thread else transaction.atomic

    def __call__(self, items: Sequence[Item]) -> list[Result]:
        """Store `items` and return what happened to each, in order.

        None: refused (unknown receiver), not storable, or not known to be stored.
        """
        return bisected(self._store, items, _not_storable)

    def close(self) -> None:
        """Close this thread's database connection."""
        connections.close()

    def _store(self, items: Sequence[Item]) -> list[Result]:
        """Store a batch or a half of one.  Raises what the database has against an item of it."""
        try:
            return self._store_whole(items)
        except CommitOutcomeUnknown as unknown:
            found = self._read_back(unknown.work)
            self._on_stored(found)
            return found
        except (DatabaseError, InterfaceError) as exc:
            # Not raised: the answers to what another half of the batch has stored must not be lost.
            if classify(exc) is Fault.DATA:
                raise
            log.warning("%d items could not be stored: %s", len(items), exc)
            return [None] * len(items)

    def _store_whole(self, items: Sequence[Item]) -> list[Result]:
        """Run the transaction, again where that may help."""
        for pause_s in RETRY_PAUSES_S:
            try:
                return self._attempt(items)
            except StaleCache as stale:
                log.warning("rows known to this process are gone, caches dropped: %s", stale)
                self._known.forget()
            except Overtaken as overtaken:
                log.info("a batch of %d is tried again: %s", len(items), overtaken)
            except (DatabaseError, InterfaceError) as exc:
                if classify(exc) is Fault.DATA:
                    raise
                log.warning("a batch of %d is tried again: %s", len(items), exc)
                time.sleep(pause_s)
        return self._attempt(items)

    def _attempt(self, items: Sequence[Item]) -> list[Result]:
        work = Work(items, self._known)
        committing = False
        try:
            connections.check_room(len(items), BYTES_PER_ITEM)
            with self._transaction():
                results = work.run()
                committing = True
        except (DatabaseError, InterfaceError) as exc:
            if committing and classify(exc) is not Fault.RETRY:
                raise CommitOutcomeUnknown(work) from exc
            drop_unusable_connection(exc)
            raise
        self._known.learn(work.learned, limit=CACHE_ENTRIES)
        self._on_stored(results)
        return results

    def _read_back(self, work: Work) -> list[Result]:
        """Return the events of what a COMMIT of unknown outcome has left in the database."""
        planned = [
            plan for plan in work.planned if isinstance(plan, PlannedMessage | PlannedGroupMessage)
        ]
        log.warning("the outcome of a COMMIT is unknown, looking for its %d messages", len(planned))
        committed: set[Place] = set()
        connection.close()
        for pause_s in READ_BACK_PAUSES_S:
            time.sleep(pause_s)
            try:
                with transaction.atomic():
                    committed = find_committed(planned)
                break
            except (DatabaseError, InterfaceError) as exc:
                log.warning("the database can't be asked yet: %s", exc)
                connection.close()
        log.warning("%d of %d messages were committed", len(committed), len(planned))
        return [
            plan.event
            if isinstance(plan, PlannedMessage | PlannedGroupMessage) and plan.place in committed
            else None
            for plan in work.planned
        ]


def _not_storable(item: Item, error: Exception) -> Result:
    if is_of_a_value(error):  # it says all: a value that does not fit
        log.error("an item could not be stored: %s", error)
    else:
        log.error("an item could not be stored", exc_info=error)
    return None


@contextmanager
def _kept_open() -> Iterator[None]:
    """A transaction as `transaction.atomic` makes it, without its way there and back.

    Switching a MySQL connection to manual commit and back again takes two of the seven round trips
    of a message that is stored alone.
    """
    if connection.vendor != "mysql":
        connections.go_first()
        with transaction.atomic():
            yield
        return
    if connection.get_autocommit():
        connection.set_autocommit(False)
    try:
        yield
    except BaseException:
        try:
            connection.rollback()
        except (DatabaseError, InterfaceError):
            connection.close()
        raise
    connection.commit()
