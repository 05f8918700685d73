"""The lists of one's own that clients ask for, read for all who ask at the moment.

A kind of list is a function that takes what is asked for, by each of some users, and returns a
reply for each.  It reads the database once for all of them, says at once what it needs that other
kinds may need too, and makes the replies when they are taken: all kinds have said it then.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple

from google.protobuf.message import Message

from im import connections
from im.services.attempts import repeated
from im.services.faults import Fault, classify
from im.services.reading import Reading

log = logging.getLogger(__name__)

# Enough to make a query's cost small against its rows'; few enough that nobody waits long for the
# others of his batch, and messages get their turn.
ASKED_TOGETHER = 64

# Any: what a kind of list is asked with.
Replies = Callable[[Sequence[Any], Reading], Iterator[Message]]


class ListQuestion(NamedTuple):
    """A kind of list, and what one client asks of it; `groups_of` whom it needs to know."""

    replies: Replies
    asked: Any
    groups_of: int = 0


class ListDesk:
    """Answers batches of questions; use it from one thread."""

    def __call__(self, questions: Sequence[ListQuestion]) -> list[Message | None]:
        """Return the reply to each question, in order; None to one that can't be answered.

        Raises what the database raises when it is away, after some attempts.
        """
        connections.renew()
        return repeated(partial(_answers, questions))

    def close(self) -> None:
        """Close this thread's database connection."""
        connections.close()


def _answers(questions: Sequence[ListQuestion]) -> list[Message | None]:
    """Return the replies; a question that can't be answered does not cost others theirs."""
    try:
        return _together(questions)
    except Exception as exc:
        if classify(exc) is not Fault.DATA:
            raise  # the database is away, for all of them
        if len(questions) == 1:
            [(replies, asked, _)] = questions
            log.exception("%s of %r failed", replies.__name__, asked)
            return [None]
        half = len(questions) // 2
        return [*_answers(questions[:half]), *_answers(questions[half:])]


def _together(questions: Sequence[ListQuestion]) -> list[Message | None]:
    reading = Reading(question.groups_of for question in questions if question.groups_of)
    places: dict[Replies, list[int]] = {}
    for number, question in enumerate(questions):
        places.setdefault(question.replies, []).append(number)
    begun = {
        replies: replies([questions[number].asked for number in numbers], reading)
        for replies, numbers in places.items()
    }
    found: dict[int, Message] = {}
    for replies, numbers in places.items():
        found.update(zip(numbers, begun[replies], strict=True))
    return [found[number] for number in range(len(questions))]
