"""Inbox: the commands of one connection, strictly in order, within bounds.

Messages are pipelined: the next one may join the writer before the last one is acknowledged, for
the writer keeps their order; only voice, which is stored in a thread first, holds up what follows
until it has joined.  Everything that asks the database waits until the connection's own
messages are stored, so that one reads what one wrote.  Lists are pipelined too: clients ask for
several at once after login, and share their queries then.
"""

from collections import deque
from collections.abc import Sequence

from django.conf import settings

from im import dispatch
from im.consumers.allowance import Allowance
from im.delivery.sessions import Session
from im.dispatch import Progress
from im.handlers.registry import IN_THREAD, IN_TRANSACTION, Lane, Pace
from im.wire.pdu import Pdu

MAX_QUESTIONS = 8  # of one connection at once: nobody has the desks to himself


class Inbox:
    """Takes a session's PDUs; asks its link to pause while too many wait."""

    __slots__ = (
        "_allowances",
        "_busy",
        "_limit",
        "_paused",
        "_session",
        "_unanswered",
        "_unstored",
        "_waiting",
    )

    def __init__(self, session: Session) -> None:
        self._session = session
        self._waiting: deque[Pdu] | None = None  # made when first needed: idle connections are many
        self._limit: int = settings.IM_INBOX_PDUS  # a look at the settings takes a microsecond
        self._unstored = 0  # items of this connection in the writer
        self._unanswered = 0  # its questions in the other batchers
        self._busy = False  # the next command waits for an answer or for a timer
        self._paused = False
        self._allowances: dict[Pace, Allowance] | None = None  # likewise

    def put(self, pdus: Sequence[Pdu]) -> None:
        """Take PDUs and work on as many as can be begun now."""
        if self._waiting is None:
            self._waiting = deque(pdus)
        else:
            self._waiting.extend(pdus)
        self._work()

    def close(self) -> None:
        """Drop what waits: the connection is gone.  What is being stored is stored."""
        self._waiting = None

    def _work(self) -> None:
        while self._waiting and not self._busy and self._begin(self._waiting[0]):
            if self._waiting:  # a command may have closed the connection
                self._waiting.popleft()
        is_full = self._waiting is not None and len(self._waiting) >= self._limit
        if is_full is not self._paused:
            self._paused = is_full
            self._session.link.pause(is_full)
        if not self._waiting:
            self._waiting = None

    def _begin(self, pdu: Pdu) -> bool:
        """Begin a command; False when it has to wait, and `_work` will be called again."""
        session = self._session
        if self._unstored >= self._limit:
            return False
        admitted = dispatch.admit(session, pdu)
        if admitted is None:
            return True
        handler, body = admitted
        if handler.lane.is_barrier and (self._unstored or self._unanswered >= MAX_QUESTIONS):
            return False
        if handler.lane.batched is not None and not self._is_room_in(handler.lane):
            return False
        if handler.pace is not Pace.FREE and not self._is_time_for(handler.pace):
            return False
        if handler.lane in (IN_THREAD, IN_TRANSACTION):
            self._busy = True
            dispatch.run_in_thread(session, pdu, handler, body, self._go_on)
        elif handler.lane.batched is None:
            dispatch.run_on_loop(session, pdu, handler, body)
        elif not handler.lane.is_pipelined:
            progress = dispatch.run_batched(session, pdu, handler, body, done=self._go_on)
            self._busy = progress is not Progress.OVER
        elif handler.lane.is_barrier:
            progress = dispatch.run_batched(session, pdu, handler, body, done=self._answered)
            self._unanswered += progress is not Progress.OVER
        else:
            progress = dispatch.run_batched(
                session, pdu, handler, body, done=self._stored, joined=self._go_on
            )
            self._unstored += progress is not Progress.OVER
            self._busy = progress is Progress.IN_MAKING
        return True

    def _stored(self) -> None:
        self._unstored -= 1
        if self._waiting:
            self._work()

    def _answered(self) -> None:
        self._unanswered -= 1
        if self._waiting:
            self._work()

    def _go_on(self) -> None:
        self._busy = False
        self._work()

    def _is_room_in(self, lane: Lane) -> bool:
        """Tell whether a lane takes one more, or come back when it does (backpressure)."""
        batcher = self._session.node.lane(lane.name)
        if not batcher.is_full:
            return True
        self._busy = True
        batcher.when_room(self._go_on)
        return False

    def _is_time_for(self, pace: Pace) -> bool:
        """Take a command off its allowance, or come back when that has one (backpressure)."""
        if self._allowances is None:
            self._allowances = {}
        allowance = self._allowances.get(pace)
        if allowance is None:
            allowance = self._allowances[pace] = Allowance(getattr(settings, pace.value))
        loop = self._session.node.loop
        pause_s = allowance.take(loop.time())
        if pause_s:
            self._busy = True
            loop.call_later(pause_s, self._go_on)
        return not pause_s
