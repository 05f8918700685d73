"""Inbox: the commands of one connection, strictly in order, within bounds.

Messages are pipelined: the next one may join the writer before the last one is acknowledged, for
the writer keeps their order; only voice, which is stored in a thread first, holds up what follows
until it has joined.  Everything that asks the database waits until the connection's own
messages are stored, so that one reads what one wrote.  Lists are pipelined too: clients ask for
several at once after login, and share their queries then.

Nobody has the loop to himself, either.  PDUs are taken off the link one by one; when a turn's worth
is begun, the rest waits behind the other connections' turns, and while anything waits nothing more
is read.  What a second may bring is a token bucket: before the login more than it holds ends the
connection, afterwards the reading pauses.
"""

from django.conf import settings

from im import dispatch
from im.consumers.allowance import MIN_PAUSE_S, Allowance
from im.delivery.local.sessions import Session
from im.dispatch import Progress
from im.handlers.execution.registry import IN_THREAD, IN_TRANSACTION, Lane, Pace
from im.wire.pdu import Pdu

MAX_QUESTIONS = 8  # of one connection at once: nobody has the desks to himself

# What a command costs the loop, in heartbeats of some 15 µs: by its length, for that is what a list
# of ids is answered by; what has a pace of its own costs little more than one.
COST_BYTES = 64
COST_BYTES_OF_PACED = 1024
COST_OF_DROPPED = 32  # bad bodies, unknown commands: honest clients send next to none
TURN = 16  # cost, about 0.3 ms: what others say needs several turns of the loop
STRANGERS_TURN = 8  # the same before the login
BURST_S = 1.0  # who was silent may send what a second brings at once


class Inbox:
    """Begins a session's commands; asks its link to pause while one of them waits."""

    __slots__ = (
        "_allowances",
        "_busy",
        "_full_at",
        "_head",
        "_is_closed",
        "_limit",
        "_paused",
        "_per_second",
        "_session",
        "_spent",
        "_turn_is_due",
        "_unanswered",
        "_unstored",
    )

    def __init__(self, session: Session) -> None:
        self._session = session
        self._head: Pdu | None = None  # taken off the link, not begun
        self._limit: int = settings.IM_INBOX_PDUS  # a look at the settings takes a microsecond
        self._per_second: int = settings.IM_COMMANDS_PER_SECOND
        self._unstored = 0  # items of this connection in the writer
        self._unanswered = 0  # its questions in the other batchers
        self._busy = False  # the next command waits for an answer or for a timer
        self._turn_is_due = False  # it waits for the others' turns, or until there are tokens
        self._paused = False
        self._is_closed = False
        self._spent = 0  # since the bucket was asked
        self._full_at = 0.0  # when the bucket is full again: all that is kept of it
        self._allowances: dict[Pace, Allowance] | None = None  # made when first needed

    def arrived(self) -> None:
        """Work on what has come, or count a read that completes nothing: it costs as much."""
        if not self._work() and self._head is None:
            self._spent += 1
            if self._spent >= TURN:
                self._pay(0)

    def spend(self, cost: int) -> None:
        """Count what came and is no command, or what was done before it was one."""
        self._spent += cost
        if self._spent >= TURN:
            self._pay(0)

    def close(self) -> None:
        """Drop what waits: the connection is gone.  What is being stored is stored."""
        self._is_closed = True
        self._head = None

    def _work(self) -> int:
        """Begin what can be begun now, a turn's worth at most; return how many commands."""
        if self._is_closed:
            return 0
        session = self._session
        take = session.link.take
        turn = TURN if session.user_id else STRANGERS_TURN
        begun = 0
        while True:
            head = self._head
            if head is None:
                head = self._head = take()
                if head is None:
                    break
            if self._busy or self._turn_is_due or self._spent >= turn or not self._begin(head):
                break
            self._head = None
            begun += 1
        if self._spent >= turn or (begun and not session.user_id):
            self._pay(begun)
            if self._head is not None:
                self._work_later()
        waits = self._turn_is_due or self._head is not None
        if waits is not self._paused:
            self._paused = waits
            session.link.pause(waits)
        return begun

    def _work_later(self) -> None:
        """Work when the others have had their turn."""
        if not self._turn_is_due:
            self._turn_is_due = True
            self._session.node.loop.call_soon(self._next_turn)

    def _next_turn(self) -> None:
        self._turn_is_due = False
        self._work()

    def _begin(self, pdu: Pdu) -> bool:
        """Begin a command; False when it has to wait, and `work` will be called again."""
        session = self._session
        if self._unstored >= self._limit:
            return False
        admitted = dispatch.admit(session, pdu)
        if admitted is None:
            self._spent += COST_OF_DROPPED + len(pdu.body) // COST_BYTES
            return True
        handler, body = admitted
        if handler.lane.is_barrier and (self._unstored or self._unanswered >= MAX_QUESTIONS):
            return False
        if handler.lane.batched is not None and not self._is_room_in(handler.lane):
            return False
        if handler.pace is Pace.FREE:
            self._spent += 1 + len(pdu.body) // COST_BYTES
        elif self._is_time_for(handler.pace):
            self._spent += 1 + len(pdu.body) // COST_BYTES_OF_PACED
        else:
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
        if self._head is not None:
            self._work_later()

    def _answered(self) -> None:
        self._unanswered -= 1
        if self._head is not None:
            self._work()  # now, to be in the next batch: smaller ones cost a sync a sixth more

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

    # --- rates --------------------------------------------------------------------------------

    def _pay(self, begun: int) -> None:
        """Take what was spent off the token bucket; where that is empty, wait for it or close.

        The bucket is asked once a turn's worth, for that costs a look at the clock; strangers are
        counted command by command.
        """
        session = self._session
        is_stranger = begun > 0 and not session.user_id
        rate = settings.IM_LOGIN_COMMANDS_PER_SECOND if is_stranger else self._per_second
        cost, self._spent = begun if is_stranger else self._spent, 0
        if not rate:
            return
        now = session.node.loop.time()
        self._full_at = max(self._full_at, now) + cost / rate
        debt_s = self._full_at - now - BURST_S
        if debt_s <= 0:
            return
        if is_stranger:
            dispatch.close_hasty(session)
            self.close()
        elif not self._turn_is_due:
            self._turn_is_due = True
            session.node.loop.call_later(max(debt_s, MIN_PAUSE_S), self._next_turn)
            if not self._paused:
                self._paused = True
                session.link.pause(True)

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
