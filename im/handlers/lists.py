"""The lists of one's own that clients ask for, read for all who ask at the moment.

A kind of list is a function that takes what is asked for, by each of some users, and returns a
reply for each; it reads the database once for all of them.
"""

import logging
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from google.protobuf.message import Message

from im import connections
from im.services.faults import Fault, classify
from im.services.memberships import Memberships

log = logging.getLogger(__name__)

# Enough to make a query's cost small against its rows'; few enough that nobody waits long for the
# others of his batch, and messages get their turn.
ASKED_TOGETHER = 64

# Any: what a kind of list is asked with.
Replies = Callable[[Sequence[Any], Memberships], Sequence[Message]]


class ListQuestion(NamedTuple):
    """A kind of list, and what one client asks of it; `groups_of` whom it needs to know."""

    replies: Replies
    asked: Any
    groups_of: int = 0


class ListDesk:
    """Answers batches of questions; use it from one thread."""

    def __call__(self, questions: Sequence[ListQuestion]) -> list[Message | None]:
        """Return the reply to each question, in order; None to one that can't be answered."""
        connections.renew()
        return _answers(questions)

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
    groups = Memberships(question.groups_of for question in questions if question.groups_of)
    found: dict[int, Message] = {}
    for replies in {question.replies for question in questions}:
        places = [n for n, question in enumerate(questions) if question.replies is replies]
        asked = [questions[n].asked for n in places]
        found.update(zip(places, replies(asked, groups), strict=True))
    return [found[n] for n in range(len(questions))]
