"""A client's retry of a message it got no answer to: stored once, answered alike.

Windows clients send an unacknowledged message again after 5 s: the same bytes, under the same
sequence number, on the same connection.  Numbers alone say little, since clients count from the
beginning at each start.  So another connection repeats a message only when that was never
answered: its own connection had ended first.
"""

import time
from collections import OrderedDict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field

from im.delivery.local.sessions import Session


@dataclass(slots=True)
class Attempt:
    """One message of a sender: on its way while `msg_id` is 0, stored under it afterwards."""

    expires: float
    begun_by: Session
    session: Session  # the last one it came by: whose answer it is
    msg_id: int = 0
    is_answered: bool = False
    waiting: Sequence[Session] = ()  # the connections of retries

    def is_repeated_by(self, session: Session) -> bool:
        """Tell whether the same again, on this connection, is a retry of it."""
        if session is self.session:
            return True
        return not self.is_answered and (self.session.is_closed or self.session.is_leaving)


@dataclass(slots=True)
class _Sender:
    """The attempts of one sender, oldest first, and when the newest expires."""

    expires: float = 0.0
    attempts: dict[Hashable, Attempt] = field(default_factory=dict)


class RetryMemory:
    """Remembers, per sender, the last `items` messages for `seconds`."""

    def __init__(self, *, items: int, seconds: float) -> None:
        self._items = items
        self._seconds = seconds
        self._senders: OrderedDict[int, _Sender] = OrderedDict()  # longest silent first

    def __len__(self) -> int:
        """Return how many senders are remembered."""
        return len(self._senders)

    def begin(self, session: Session, key: Hashable) -> Attempt | None:
        """Return the earlier attempt that `key` repeats; if there is none, note that one begins."""
        sender_id = session.user_id
        now = time.monotonic()
        sender = self._senders.get(sender_id)
        if sender is None:
            sender = self._senders[sender_id] = _Sender()
        attempts = sender.attempts
        earlier = attempts.get(key)
        if earlier is not None:
            if earlier.expires > now and earlier.is_repeated_by(session):
                earlier.session = session
                earlier.is_answered = bool(earlier.msg_id)
                return earlier
            del attempts[key]  # it would keep its old place
        self._senders.move_to_end(sender_id)
        sender.expires = now + self._seconds
        attempts[key] = Attempt(sender.expires, session, session)
        if len(attempts) > self._items:
            del attempts[next(iter(attempts))]
        self._forget_the_silent(now)
        return None

    def stored(self, session: Session, key: Hashable, msg_id: int) -> Sequence[Session]:
        """Note how an attempt ended; return the connections by which it was repeated meanwhile."""
        sender = self._senders.get(session.user_id)
        attempt = sender.attempts.get(key) if sender is not None else None
        if attempt is None or attempt.begun_by is not session:
            return ()
        attempt.msg_id = msg_id
        attempt.is_answered = not attempt.session.is_closed
        waiting = attempt.waiting
        if waiting:
            attempt.waiting = ()
        return waiting

    def forget(self, session: Session, key: Hashable) -> None:
        """Drop an attempt that was not stored: its retry shall be."""
        sender = self._senders.get(session.user_id)
        attempt = sender.attempts.get(key) if sender is not None else None
        if sender is not None and attempt is not None and attempt.begun_by is session:
            del sender.attempts[key]

    def _forget_the_silent(self, now: float) -> None:
        # Two per call: more go than can come, and no call does more work than that.
        for _ in range(2):
            sender_id = next(iter(self._senders))
            if self._senders[sender_id].expires > now:
                return
            del self._senders[sender_id]
