"""Storing what an import planned, in portions, and counting what was really stored.

A portion is one transaction with its audit log.  One that the database refuses is divided until
the rows to blame are found; when the database can't at all, the rest stays undone.
"""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from django.db import DatabaseError, InterfaceError, connection, transaction
from django.utils.translation import gettext

from admin_ui import audit_log
from admin_ui.audit_log import Deed
from admin_ui.edit_pages import announce_on_commit
from admin_ui.models import Operator
from admin_ui.people_plan import Kind, Plan, PlannedRow
from im.errors import Refused
from im.services.directory import bulk_import
from im.services.directory.bulk_import import ROWS_PER_TRANSACTION, Stored
from im.services.identity import password_setting
from im.storage.db_errors import Fault, classify, drop_unusable_connection
from im.storage.retry import CommitOutcomeUnknown, in_transaction

log = logging.getLogger(__name__)

MAX_REFUSALS = 200  # of rows, by the database; then it isn't the rows that are to blame
# SQLite has one writer, and one that waits looks again after 25 ms at first, later after 100 ms.
_LEAST_PAUSE_S = 0.03
_MOST_PAUSE_S = 0.25


@dataclass(slots=True)
class Outcome:
    """What became of an import's rows."""

    added: int = 0
    without_password: int = 0  # of those added; nobody knows what they have
    changed: int = 0
    same: int = 0
    refused: list[PlannedRow] = field(default_factory=list)
    undone: int = 0  # nobody tried, or nobody knows

    @property
    def is_complete(self) -> bool:
        """Tell whether all rows are as the spreadsheet says."""
        return not self.refused and not self.undone


class _Hindered(Exception):
    """The database can't store anything now."""


def store(
    plan: Plan, operator: Operator, *, address: str, file_name: str, reason: str = ""
) -> Outcome:
    """Store a plan's rows and return what became of them.

    `reason`: why people get new passwords, if they do.
    """
    outcome = Outcome(same=plan.totals[Kind.SAME], refused=plan.of_kind(Kind.REFUSED))
    _Storing(operator, address, reason, outcome).store_all(plan.of_kind(Kind.NEW, Kind.CHANGED))
    outcome.refused.sort(key=lambda row: row.number)
    _record(outcome, operator, address, file_name)
    return outcome


class _Storing:
    """Stores rows on behalf of an operator, and counts in `outcome`."""

    def __init__(self, operator: Operator, address: str, reason: str, outcome: Outcome) -> None:
        self._operator = operator
        self._address = address
        self._reason = reason
        self._outcome = outcome
        self._refusals = 0  # by the database

    def store_all(self, rows: Sequence[PlannedRow]) -> None:
        """Store rows, a portion at a time, as long as the database can."""
        self._outcome.undone = len(rows)
        try:
            for start in range(0, len(rows), ROWS_PER_TRANSACTION):
                begun = time.monotonic()
                portion = rows[start : start + ROWS_PER_TRANSACTION]
                self._try(portion, partial(in_transaction, self._work(portion)))
                if start + ROWS_PER_TRANSACTION < len(rows):
                    _let_others_write(time.monotonic() - begun)
        except _Hindered as hindrance:
            left = self._outcome.undone
            log.warning("an import stopped, %d rows are undone: %s", left, hindrance)

    def _try(self, rows: Sequence[PlannedRow], attempt: Callable[[], Stored]) -> None:
        """Store rows together, or in halves when that is refused.  Raises _Hindered."""
        try:
            stored = attempt()
        except CommitOutcomeUnknown as error:
            raise _Hindered(str(error)) from error
        except (DatabaseError, InterfaceError) as error:
            drop_unusable_connection(error)
            if classify(error) is not Fault.DATA:
                raise _Hindered(str(error)) from error
            self._divide(rows, gettext("The database refuses this row."), error)
        except Refused as refusal:
            self._divide(rows, str(refusal), refusal)
        else:
            self._count(rows, stored)

    def _divide(self, rows: Sequence[PlannedRow], reason: str, error: Exception) -> None:
        if self._refusals >= MAX_REFUSALS:
            raise _Hindered(str(error)) from error
        if len(rows) > 1:
            middle = len(rows) // 2
            for half in (rows[:middle], rows[middle:]):
                self._try(half, transaction.atomic(self._work(half)))
            return
        log.warning("an import's row %d is refused: %s", rows[0].number, error)
        self._refusals += 1
        self._outcome.refused.append(rows[0].refused(reason))
        self._outcome.undone -= 1

    def _count(self, rows: Sequence[PlannedRow], stored: Stored) -> None:
        self._outcome.added += len(stored.added)
        self._outcome.without_password += sum(not entry.secret for entry in stored.added.values())
        self._outcome.changed += len(stored.changed)
        self._outcome.same += len(rows) - len(stored.added) - len(stored.changed)
        self._outcome.undone -= len(rows)

    def _work(self, rows: Sequence[PlannedRow]) -> Callable[[], Stored]:
        return lambda: _store(rows, self._operator, self._address, self._reason)


def _let_others_write(held_s: float) -> None:
    if connection.vendor == "sqlite":
        time.sleep(min(max(held_s, _LEAST_PAUSE_S), _MOST_PAUSE_S))


def _store(rows: Sequence[PlannedRow], operator: Operator, address: str, reason: str) -> Stored:
    stored = bulk_import.store([row.entry for row in rows if row.entry is not None])
    names = {row.entry.user_id: row.name for row in rows if row.entry is not None}
    deeds = [
        Deed("import", f"im.imuser:{user_id}", {"nick": entry.values["nick"]}, entry.name)
        for user_id, entry in stored.added.items()
    ]
    deeds += [
        Deed("import", f"im.imuser:{user_id}", _shown(difference), names[user_id])
        for user_id, difference in stored.changed.items()
    ]
    audit_log.record_all(operator, deeds, address=address)
    given = [user_id for user_id, change in stored.changed.items() if "password" in change]
    audit_log.record_all(
        operator,
        [Deed("password", f"im.imuser:{user_id}", {}, names[user_id]) for user_id in given],
        reason,
        address=address,
    )
    announce_on_commit(stored.events)
    if given:
        announce_on_commit(password_setting.tell(given, set_by=operator.get_username()))
    return stored


def _shown(difference: Mapping[str, object]) -> dict[str, object]:
    """Return what an audit entry shows of a change; a new password is an entry of its own."""
    return {name: change for name, change in difference.items() if name != "password"}


def _record(outcome: Outcome, operator: Operator, address: str, file_name: str) -> None:
    """Log an import as a whole, and record it, too, if anything in it was refused or undone."""
    counts = {
        "new": outcome.added,
        "changed": outcome.changed,
        "unchanged": outcome.same,
        "refused": len(outcome.refused),
        "not stored": outcome.undone,
    }
    log.info("operator %s imported people: %s", operator.pk, counts)
    if outcome.is_complete:
        return
    detail = {"file": file_name, **counts}
    try:
        in_transaction(
            lambda: audit_log.record(operator, "import", "im.imuser", detail, address=address)
        )
    except (DatabaseError, InterfaceError, CommitOutcomeUnknown) as error:
        log.warning("an import's end could not be recorded: %s", error)
