"""The lists of one's own that clients ask for, read for all who ask at the moment.

A kind of list is a function that takes what is asked for, by each of some users, and returns a
reply for each.  It reads the database once for all of them, says at once what it needs that other
kinds may need too, and makes the replies when they are taken: all kinds have said it then.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from google.protobuf.message import Message

from im.services.messages.prefetch import Reading
from im.storage import connections
from im.storage.retry import answers

# Enough to make a query's cost small against its rows'; few enough that nobody waits long for the
# others of his batch, and messages get their turn.
ASKED_TOGETHER = 64
BYTES_PER_QUESTION = 1024  # of the longest statement that reads for all

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
        """Return the reply to each question, in order; None to one that can't be answered."""
        connections.renew()
        return answers(_together, questions, _name)

    def close(self) -> None:
        """Close this thread's database connection."""
        connections.close()


def _name(question: ListQuestion) -> str:
    return f"{question.replies.__name__} of {question.asked!r}"


def _together(questions: Sequence[ListQuestion]) -> list[Message]:
    connections.check_room(len(questions), BYTES_PER_QUESTION)
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
