"""One server per database where no Redis connects several: a lock that ends with its process.

Two servers on one database would both take clients, and none would hear of the other's messages.
SQLite: flock on a file beside the database's, not on it, whose locks SQLite loses when anybody
closes it.  MySQL and MariaDB: GET_LOCK on a connection of its own, looked at every few seconds and
taken again when the connection was lost.
"""

import fcntl
import hashlib
import logging
import os
import signal
import threading
from pathlib import Path

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import (
    DEFAULT_DB_ALIAS,
    DatabaseError,
    InterfaceError,
    connection,
    connections,
)

log = logging.getLogger(__name__)

WAIT_S = 2  # for the lock of a process that has just ended
LOOK_S = 10.0
LOST_LOOK_S = 1.0  # while there is no connection
VANISHED_S = 60  # after which the database server ends the connection of a host that vanished


class Taken(ImproperlyConfigured):
    """Another process has the lock."""

    def __init__(self, holder: str) -> None:
        super().__init__(
            f"another process serves this database already ({holder}); without REDIS_URL there "
            "can be only one: stop it, or give both the same REDIS_URL"
        )


_held: "_FileLock | _ServerLock | None" = None


def claim() -> None:
    """Take the database for this process, for as long as it lives, or until `release`.

    Raises Taken when another process has it, ImproperlyConfigured when the file can't be used, and
    what the database raises.  With Redis, and for a database in memory, there is nothing to take.
    """
    global _held
    if _held is not None or settings.REDIS_URL:
        return
    if connection.vendor == "mysql":
        _held = _ServerLock()
        return
    path = Path(connection.settings_dict["NAME"])
    is_file = not connection.is_in_memory_db()  # type: ignore[attr-defined]  # SQLite's own
    if is_file and path.parent.is_dir():  # else SQLite will say that there is no such place
        _held = _FileLock(path)


def release() -> None:
    """Let another process have the database."""
    global _held
    if _held is not None:
        held, _held = _held, None
        held.release()


class _FileLock:
    """A locked file; the kernel unlocks it when the process ends."""

    def __init__(self, database: Path) -> None:
        whole = database.resolve()  # by whichever name it is called
        path = whole.with_name(f"{whole.name}.lock")
        try:
            # A bare descriptor: one that is closed by the end of the process is what we want.
            self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as exc:
            raise ImproperlyConfigured(f"{path} can't be used: {exc.strerror}") from exc
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as exc:
            holder = os.read(self._descriptor, 20).decode("ascii", "replace").strip()
            self.release()
            raise Taken(f"process {holder}") from exc
        except OSError as exc:  # a file system without locks
            log.warning("nobody watches that only one process serves %s: %s", whole, exc.strerror)
            return
        os.ftruncate(self._descriptor, 0)
        os.write(self._descriptor, b"%d\n" % os.getpid())

    def release(self) -> None:
        """Unlock the file."""
        os.close(self._descriptor)


class _ServerLock:
    """A lock of the database server, kept by a thread."""

    def __init__(self) -> None:
        self._connection = connections.create_connection(DEFAULT_DB_ALIAS)
        self._connection.inc_thread_sharing()  # made here, used by the thread from then on
        self._is_over = threading.Event()
        try:
            self._take()
        except BaseException:
            self._connection.close()
            raise
        self._keeper = threading.Thread(target=self._keep, name="instance-lock", daemon=True)
        self._keeper.start()

    def release(self) -> None:
        """Give the lock back."""
        self._is_over.set()
        self._keeper.join()

    def _take(self) -> None:
        name = self._name()
        self._ask("SET SESSION wait_timeout = %s", VANISHED_S)
        taken = self._ask("SELECT GET_LOCK(%s, %s)", name, WAIT_S)
        if taken == 0:
            raise Taken(self._holder(name))

    def _name(self) -> str:
        # Names of locks ignore capitals and are the same for all databases of a server.
        database = str(self._ask("SELECT DATABASE()"))
        return f"teamtalk.{hashlib.sha256(database.encode()).hexdigest()[:32]}"

    def _holder(self, name: str) -> str:
        host = self._ask(
            "SELECT host FROM information_schema.processlist WHERE id = IS_USED_LOCK(%s)", name
        )
        return f"connected from {host}" if host else "which has just started"

    def _ask(self, sql: str, *values: str | int) -> object:
        """Run a statement; return the first column of its first row, None without one."""
        with self._connection.cursor() as cursor:
            cursor.execute(sql, values)
            row = cursor.fetchone() if cursor.description else None
        return row[0] if row else None

    def _keep(self) -> None:
        pause_s = LOOK_S
        while not self._is_over.wait(pause_s):
            try:
                if self._ask("SELECT IS_USED_LOCK(%s) = CONNECTION_ID()", self._name()) != 1:
                    self._take()
                pause_s = LOOK_S
            except Taken as exc:
                log.critical("%s; this one stops", exc)
                self._is_over.set()
                os.kill(os.getpid(), signal.SIGTERM)
            except (DatabaseError, InterfaceError) as exc:
                if pause_s == LOOK_S:
                    log.warning("the lock on the database is lost, taking it again: %s", exc)
                self._connection.close()
                pause_s = LOST_LOOK_S
        self._connection.close()
