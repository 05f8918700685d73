"""The lists of one's own that a client syncs after login, read for all who ask at the moment.

A kind of list is a function that takes what is asked for, by each of some users, and returns a
reply for each; it reads the database once for all of them.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from google.protobuf.message import Message

from im import connections
from im.services.faults import Fault, classify

log = logging.getLogger(__name__)

# Enough to make a query's cost small against its rows'; few enough that nobody waits long for the
# others of his batch, and messages get their turn.
ASKED_TOGETHER = 32

Replies = Callable[[Sequence[Any]], Sequence[Message]]  # Any: what a kind of list is asked with


class ListQuestion(NamedTuple):
    """A kind of list, and what one client asks of it."""

    replies: Replies
    asked: Any


class ListDesk:
    """Answers batches of questions; use it from one thread."""

    def __call__(self, questions: Sequence[ListQuestion]) -> list[Message | None]:
        """Return the reply to each question, in order; None to one that can't be answered."""
        connections.renew()
        found: dict[int, Message | None] = {}
        for replies in {question.replies for question in questions}:
            places = [n for n, question in enumerate(questions) if question.replies is replies]
            for start in range(0, len(places), ASKED_TOGETHER):
                part = places[start : start + ASKED_TOGETHER]
                asked = [questions[n].asked for n in part]
                found.update(zip(part, _answers(replies, asked), strict=True))
        return [found[n] for n in range(len(questions))]

    def close(self) -> None:
        """Close this thread's database connection."""
        connections.close()


def _answers(replies: Replies, asked: Sequence[Any]) -> Iterator[Message | None]:
    """Yield the replies; a question that can't be answered does not cost others theirs."""
    try:
        yield from replies(asked)
    except Exception as exc:
        if classify(exc) is not Fault.DATA:
            raise  # the database is away, for all of them
        if len(asked) == 1:
            log.exception("%s of %r failed", replies.__name__, asked[0])
            yield None
            return
        half = len(asked) // 2
        yield from _answers(replies, asked[:half])
        yield from _answers(replies, asked[half:])
