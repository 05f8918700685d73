"""The registry of handlers: what the server does with each command a client may send.

A handler is a plain function of the session that asks and the decoded body.  Its lane says where
it runs:

- ON_LOOP: in the event loop; memory only, must be quick.  Returns an Outcome.
- IN_THREAD: in a database thread, when everything the connection wrote before is stored.  For what
  reads, or may be done twice: it is run again when the database could not.  Returns an Outcome.
- IN_TRANSACTION: the same for what must be done once: all of it is one transaction, run again only
  when it was rolled back.
- WRITER, LOGIN_DESK, DIRECTORY, LISTS: on the loop, returning an item for that batcher; `answer`,
  also on the loop, turns the item's result (None when there is none) into an Outcome.  An Outcome
  returned at once spares the batcher.  Both get the sequence number too: answers come later than
  commands.  Instead of an item it may be one that takes a database thread to make, ItemInMaking;
  what the connection sent later waits until it has joined the batcher, so messages keep their
  order.

`Refused` raised by a handler is answered as im.handlers.encoding.error_replies says, where the
protocol has an answer that can say so.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from functools import partial
from typing import Any, NamedTuple, TypeVar

from django.conf import settings
from google.protobuf.message import Message

from im.delivery.local.sessions import Door, Session
from im.delivery.node import Batched
from im.handlers.execution.batched_lists import ASKED_TOGETHER, ListDesk
from im.handlers.execution.directory_cache import DirectoryDesk
from im.services.identity.login import LoginDesk
from im.services.monitoring.statistics import count_stored
from im.storage.writer.writer import Writer
from im.types import Event
from im.wire.catalog import Command, message_class


class SharedReply(NamedTuple):
    """A long reply whose list is the same for everybody: encoded once, kept once, sent to many.

    `head` is the message without the list, `encoded` the list's fields as they stand in the body,
    `ends` where the parts end that Android takes.
    """

    head: Message
    encoded: bytes
    ends: tuple[int, ...] = ()


class Outcome(NamedTuple):
    """What becomes of a command: the reply, then what others hear, then perhaps the end.

    `refusal` says why it was not done, for transports that have words for it.
    """

    reply: Message | SharedReply | None = None
    events: tuple[Event, ...] = ()
    close: bool = False
    refusal: str = ""


class ItemInMaking(NamedTuple):
    """An item whose making reads or writes files or rows; `make` returns it, in a thread."""

    make: Callable[[], Any]  # Any: items are of the batcher's kind


NOTHING = Outcome()
DONE, FAILED = 0, 1  # result_code of most replies


@dataclass(frozen=True, slots=True, eq=False)  # compared for each command: by identity
class Lane:
    """Where handlers run.

    `batched` says how, where there is a batcher; `is_barrier`: waits until what the connection
    wrote before is stored; `is_pipelined`: its next command needn't wait for the answer.
    """

    name: str
    batched: Batched | None = None
    is_barrier: bool = False
    is_pipelined: bool = False


ON_LOOP = Lane("loop")
IN_THREAD = Lane("thread", is_barrier=True)
IN_TRANSACTION = Lane("transaction", is_barrier=True)
WRITER = Lane(
    "writer", Batched(partial(Writer, owns_thread=True, on_stored=count_stored)), is_pipelined=True
)
LOGIN_DESK = Lane("logins", Batched(LoginDesk), is_barrier=True)
DIRECTORY = Lane("directory", Batched(DirectoryDesk), is_barrier=True, is_pipelined=True)
LISTS = Lane("lists", Batched(ListDesk, ASKED_TOGETHER), is_barrier=True, is_pipelined=True)

LANES = {
    lane.name: lane.batched
    for lane in (WRITER, LOGIN_DESK, DIRECTORY, LISTS)
    if lane.batched is not None
}


class Pace(Enum):
    """How often a connection may send a command: the setting that bounds it, per second."""

    FREE = ""
    MESSAGE = "IM_MESSAGES_PER_SECOND"
    SIGNAL = "IM_SIGNALS_PER_SECOND"  # what a few others hear of
    BROADCAST = "IM_BROADCASTS_PER_SECOND"  # what everybody hears of


SHORT_BODY = 16 * 1024  # bytes: names, texts and some thousand ids, parsed in less than 0.1 ms
ID_BYTES = 6  # at most, of an id in a list: its tag and its number


@dataclass(frozen=True, slots=True)
class Room:
    """How long a body may be: SHORT_BODY and `bytes_each` for as many as `setting` allows."""

    setting: str
    bytes_each: int = ID_BYTES

    def __call__(self) -> int:
        """Return the most bytes."""
        room: int = SHORT_BODY + self.bytes_each * getattr(settings, self.setting)
        return room


Answer = Callable[[Session, Any, int, Any], Outcome]


def with_reply(caller: Session, req: Message, seq: int, reply: Message | None) -> Outcome:
    """Answer with the reply a batcher has made, if it could."""
    return Outcome(reply)


@dataclass(frozen=True, slots=True)
class Handler:
    """One command's handler."""

    command: Command
    run: Callable[..., Any]
    lane: Lane
    answer: Answer | None
    anonymous: bool
    door: Door
    pace: Pace
    empty: Message | None  # what stands for a body that has no fields: it is not looked at
    room: Room | None

    def takes(self, body_bytes: int) -> bool:
        """Tell whether a body of this length is looked at."""
        return body_bytes <= SHORT_BODY or (self.room is not None and body_bytes <= self.room())


HANDLERS: dict[int, Handler] = {}

# Client commands without a handler so far, all of the file server's port: dropped and counted.
# im.checks holds this set to it.
NOT_YET = frozenset(
    {
        Command.FILE_LOGIN_REQ,
        Command.FILE_STATE,
        Command.FILE_PULL_DATA_REQ,
        Command.FILE_PULL_DATA_RSP,
    }
)

F = TypeVar("F", bound=Callable[..., Any])


def handles(
    command: Command,
    *,
    lane: Lane = IN_THREAD,
    answer: Answer | None = None,
    anonymous: bool = False,
    door: Door = Door.CLIENT,
    pace: Pace = Pace.FREE,
    room: Room | None = None,
) -> Callable[[F], F]:
    """Register the decorated function for `command`.

    `anonymous`: allowed before login.  `door`: the port it belongs to.  `pace`: how often; a
    connection that sends faster is read no faster.  `room`: for bodies longer than SHORT_BODY.
    """

    def register(run: F) -> F:
        if command in HANDLERS:
            raise ValueError(f"{command!r} has two handlers")
        if (lane.batched is not None) != (answer is not None):
            raise ValueError(f"{command!r}: a batched lane, and only that, needs an answer")
        kind = message_class(command)
        assert kind is not None
        empty = None if kind.DESCRIPTOR.fields else kind()
        HANDLERS[command] = Handler(command, run, lane, answer, anonymous, door, pace, empty, room)
        return run

    return register
