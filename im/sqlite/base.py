"""The backend; settings.py names the package as the ENGINE.

All our transactions begin with BEGIN IMMEDIATE, so that beginning one is what may have to wait.
Other processes, and single statements outside transactions, still meet SQLite's own lock.
"""

from collections import defaultdict
from typing import Any

from django.db import OperationalError
from django.db.backends.sqlite3 import base

from im.sqlite.turns import Turns

_turns: defaultdict[str, Turns] = defaultdict(Turns)  # by database file


class DatabaseWrapper(base.DatabaseWrapper):
    """A connection whose transactions wait for their turn.  `goes_first`: before all others.

    The stubs don't know what is overridden here; Django documents that backends may do so.
    """

    goes_first = False
    _has_turn = False

    def _start_transaction_under_autocommit(self) -> None:
        self._take_turn()
        try:
            super()._start_transaction_under_autocommit()  # type: ignore[misc]
        except BaseException:
            self._end_turn()
            raise

    def _commit(self) -> Any:  # Any: as inherited, here and below
        try:
            return super()._commit()  # type: ignore[misc]
        finally:
            self._end_turn()

    def _rollback(self) -> Any:
        try:
            return super()._rollback()  # type: ignore[misc]
        finally:
            self._end_turn()

    def _close(self) -> Any:
        try:
            return super()._close()  # type: ignore[misc]
        finally:
            self._end_turn()

    def _take_turn(self) -> None:
        if self.is_in_memory_db() or self._has_turn:
            return
        timeout_s = float(self.settings_dict["OPTIONS"].get("timeout", 5.0))  # sqlite3's default
        if not self.turns.take(goes_first=self.goes_first, timeout_s=timeout_s):
            raise OperationalError("database is locked")
        self._has_turn = True

    def _end_turn(self) -> None:
        if self._has_turn:
            self._has_turn = False
            self.turns.give_back()

    @property
    def turns(self) -> Turns:
        """The turns at this connection's database."""
        return _turns[str(self.settings_dict["NAME"])]
