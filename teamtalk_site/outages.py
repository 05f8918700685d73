"""What the log leaves out: tracebacks of outages (Redis, database) and of what clients sent."""

import logging

from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from im.storage import db_errors


class NotAgain(logging.Filter):
    """Drops the traceback per second that the channel layer logs while Redis is away.

    The lease of the gateway has said so in one line, and says when it is over.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Let everything else pass."""
        error = record.exc_info[1] if record.exc_info else None
        return not isinstance(error, RedisConnectionError | RedisTimeoutError | OSError)


class OneLine(logging.Filter):
    """Leaves out the traceback of what is no fault of ours.

    That is what a client alone can cause, an unknown Host, say, and each page that was asked for
    while the database is away.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Let all pass, some of it shorter."""
        error = record.exc_info[1] if record.exc_info else None
        is_away = error is not None and db_errors.outage(error) is not None
        if is_away:
            record.msg, record.args = f"{record.getMessage()} ({error})", ()
        if is_away or record.name.startswith("django.security"):
            record.exc_info = record.exc_text = None
            record.levelno, record.levelname = logging.WARNING, "WARNING"
        return True
