"""The log of what clients bring about: a few lines of each kind, then once a minute how many more.

Everything that a client can cause again and again is logged through here, or one that sends bad
bodies as fast as it can fills the disk at 19 MB a second.  Lines are of one kind if their words
are; they are counted apart for each client, named by user id or, before the login, by address.
"""

import atexit
import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Hashable

IN_FULL = 3  # lines of a kind and client, before they are only counted
PERIOD_S = 60.0
MAX_CLIENTS = 100  # per kind and period; the lines of further ones are counted together

OTHERS = "others"  # whose they are then
# Whose loggers have a line for what a request does.
LIBRARIES = (
    "asyncio",
    "autobahn",
    "axes",
    "daphne",
    "django.request",
    "django.security",
    "twisted",
)


def address_of(peer: str) -> str:
    """Return whose lines those about an address and port are."""
    return peer.rpartition(":")[0]


class _Kind:
    """Lines of one kind and client: how many since the last account, and what they look like."""

    __slots__ = ("count", "level", "like", "log")

    def __init__(self, log: logging.Logger, level: int) -> None:
        self.log = log
        self.level = level
        self.count = 0
        self.like = ""


class Repetitions:
    """Counts lines; for all threads.  `clock` gives seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._kinds: dict[tuple[Hashable, Hashable], _Kind] = {}
        self._clients: Counter[Hashable] = Counter()
        self._account_at = clock() + PERIOD_S
        self._lock = threading.Lock()

    def is_in_full(
        self,
        log: logging.Logger,
        level: int,
        words: Hashable,
        whose: Hashable,
        text: Callable[[], str],
    ) -> bool:
        """Count a line; tell whether it is to be logged, too.

        Lines with the same `words` are of one kind; the account shows the `text` of one of them.
        """
        self.account()
        with self._lock:
            kind = self._kinds.get((words, whose))
            if kind is None:
                kind = self._new_kind(log, level, words, whose)
            kind.count += 1
            if kind.count <= IN_FULL:
                return True
            if not kind.like:
                kind.like = text()
            return False

    def account(self, *, now: bool = False) -> None:
        """Log how many lines were left out, if a period is over or `now`."""
        if not now and self._clock() < self._account_at:
            return
        with self._lock:
            self._account_at = self._clock() + PERIOD_S
            kinds, self._kinds = self._kinds, {}
            self._clients.clear()
        for (_, whose), kind in kinds.items():
            if kind.count > IN_FULL:
                kind.log.log(kind.level, "%d more, %s: %s", kind.count - IN_FULL, whose, kind.like)

    def _new_kind(self, log: logging.Logger, level: int, words: Hashable, whose: Hashable) -> _Kind:
        self._clients[words] += 1
        if self._clients[words] > MAX_CLIENTS:
            whose = OTHERS
        return self._kinds.setdefault((words, whose), _Kind(log, level))


_repetitions = Repetitions()
account = _repetitions.account
atexit.register(account, now=True)


class PeerLog:
    """A logger for what clients bring about; `whose` names the client that a line is about."""

    def __init__(self, name: str, repetitions: Repetitions = _repetitions) -> None:
        self._log = logging.getLogger(name)
        self._repetitions = repetitions

    def info(self, whose: Hashable, text: str, *args: object) -> None:
        """Log or count what was refused, dropped or closed."""
        self._write(logging.INFO, whose, text, args)

    def warning(self, whose: Hashable, text: str, *args: object) -> None:
        """Log or count where the server did less than it should."""
        self._write(logging.WARNING, whose, text, args)

    def error(
        self, whose: Hashable, text: str, *args: object, exc_info: BaseException | None = None
    ) -> None:
        """Log or count a bug; the same words with another class of error are another kind."""
        self._write(logging.ERROR, whose, text, args, exc_info)

    def _write(
        self,
        level: int,
        whose: Hashable,
        text: str,
        args: tuple[object, ...],
        exc_info: BaseException | None = None,
    ) -> None:
        if not self._log.isEnabledFor(level):
            return
        words = (text, type(exc_info)) if exc_info else text
        if self._repetitions.is_in_full(self._log, level, words, whose, lambda: text % args):
            self._log.log(level, text, *args, exc_info=exc_info, stacklevel=3)


class OfLibraries(logging.Filter):
    """Lets libraries' lines about requests through, or counts them, whoever they are about."""

    def __init__(self, repetitions: Repetitions = _repetitions) -> None:
        super().__init__()
        self._repetitions = repetitions

    def filter(self, record: logging.LogRecord) -> bool:
        """Tell whether the line is to be logged; all others are."""
        if not record.name.startswith(LIBRARIES):
            return True
        error = record.exc_info[0] if record.exc_info else None
        return self._repetitions.is_in_full(
            logging.getLogger(record.name),
            record.levelno,
            (record.name, record.levelno, error),
            "whoever asks",
            record.getMessage,
        )
