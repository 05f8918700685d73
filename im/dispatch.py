"""Dispatch: the one road of a command, whatever transport it came by.

    admit (may this connection send this?) -> decode -> run in its lane -> reply -> tell others

Nothing here waits; the caller (im.consumers.inbox) keeps a connection's commands in order.
"""

import logging
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from enum import Enum
from functools import partial
from typing import Any

from im import handlers
from im.delivery.cluster.bus import Bus
from im.delivery.cluster.catch_up import Marks
from im.delivery.cluster.gateway_registry import Gateway
from im.delivery.cluster.known_gateways import KnownGateways
from im.delivery.local.sessions import Delivery, Ending, Session
from im.delivery.node import Node, Notices
from im.delivery.remote.publish import publish_from_thread
from im.errors import BadBody, Overloaded, Refused
from im.handlers.encoding import notifications
from im.handlers.encoding.error_replies import refusal
from im.handlers.execution.registry import (
    HANDLERS,
    IN_TRANSACTION,
    LANES,
    SHORT_BODY,
    Handler,
    ItemInMaking,
    Outcome,
    SharedReply,
)
from im.peer_log import PeerLog
from im.services.identity import revocation
from im.services.messages import catch_up
from im.services.monitoring import statistics
from im.storage.db_errors import is_of_a_value
from im.storage.retry import CommitOutcomeUnknown, in_transaction, repeated
from im.types import ClientType, Event
from im.wire.catalog import Body, Command, decode, encode
from im.wire.pdu import Pdu
from im.wire.pieces import ANDROID_PDU_BYTES, split

__all__ = [
    "Progress",
    "admit",
    "announce",
    "close_hasty",
    "open_node",
    "run_batched",
    "run_in_thread",
    "run_on_loop",
]

log = logging.getLogger(__name__)
peer_log = PeerLog(__name__)

assert handlers  # importing the package is what fills HANDLERS

Done = Callable[[], None]

NO_COMMAND = 0  # for a refusal of none in particular

# iOS asks to remove a session with the number of the answer.
_MISTAKEN: dict[int, Command] = {
    Command.BUDDY_LIST_REMOVE_SESSION_RES: Command.BUDDY_LIST_REMOVE_SESSION_REQ,
}


def open_node(bus: Bus, gateway: Gateway, known: KnownGateways | None = None) -> Node:
    """Return a node whose batchers do the handlers' work; it is not started yet."""
    stored = Stored()
    return Node(
        bus=bus,
        gateway=gateway,
        lanes=LANES,
        notices=Notices(notifications.displaced, notifications.presence, notifications.pc_presence),
        truth=stored,
        accounts=stored,
        known=known,
    )


class Stored:
    """What the database knows of what a gateway may not have heard.  Call it in a thread."""

    def marks(self) -> Marks:
        """Return where the tables of messages end now."""
        return repeated(catch_up.marks)

    def missed(self, since: Marks, user_ids: Collection[int]) -> list[Delivery]:
        """Return the deliveries that these users were to get since then."""
        events = repeated(lambda: catch_up.since(since, user_ids))
        effects = (effect for event in events for effect in notifications.of(event))
        return [effect for effect in effects if isinstance(effect, Delivery)]

    def keys_changed(self, since: int) -> revocation.Keys:
        """Return the keys of all who were changed since then (Unix seconds)."""
        return repeated(lambda: revocation.keys_changed(since))

    def keys_of(self, user_ids: Collection[int]) -> revocation.Keys:
        """Return the key of each of these users."""
        return repeated(lambda: revocation.keys_of(user_ids))

    def sessions_ended(self, since: int) -> frozenset[str]:
        """Return the keys of browsers' sessions that ended since then (Unix seconds)."""
        return repeated(lambda: revocation.sessions_ended(since))


def admit(session: Session, pdu: Pdu) -> tuple[Handler, Body] | None:
    """Return the command's handler and decoded body, or None if nothing is to be done.

    Before login only what is marked anonymous is taken; anything else closes the connection.
    Later, unknown commands and broken bodies are dropped and counted.
    """
    if session.is_leaving or session.node.is_stopping:
        return None
    command_id = _MISTAKEN.get(pdu.command_id, pdu.command_id)
    handler = HANDLERS.get(command_id)
    if handler is None or handler.door is not session.door:
        _not_for_us(session, pdu)
        return None
    if not session.user_id and not handler.anonymous:
        _close(session, pdu, "before login")
        return None
    if handler.empty is not None:
        return handler, handler.empty
    try:
        if len(pdu.body) > SHORT_BODY and not handler.takes(len(pdu.body)):
            raise BadBody(f"{len(pdu.body)} bytes are too many for 0x{command_id:04x}")
        return handler, decode(command_id, pdu.body)
    except BadBody as exc:
        session.node.counters["bad bodies"] += 1
        peer_log.info(session.whose, "dropped %r of %r: %s", pdu, session, exc)
        session.link.refuse(pdu.command_id, pdu.seq, str(exc))
        return None


def close_hasty(session: Session) -> None:
    """End a connection that sends more before its login than IM_LOGIN_COMMANDS_PER_SECOND."""
    session.node.counters["strangers too fast"] += 1
    peer_log.info(session.whose, "closing %r: too many commands before the login", session)
    session.link.refuse(NO_COMMAND, 0, "too many commands before the login")
    session.leave()


def run_on_loop(session: Session, pdu: Pdu, handler: Handler, body: Body) -> None:
    """Run a handler that only needs memory."""
    if pdu.command_id == Command.OTHER_HEARTBEAT:
        session.send(pdu.encode())  # byte for byte as it came, header included
        return
    try:
        _finish(session, pdu, handler.run(session, body))
    except Refused as exc:
        _refuse(session, pdu, handler, body, exc)


def run_in_thread(session: Session, pdu: Pdu, handler: Handler, body: Body, done: Done) -> None:
    """Run a handler that asks the database and call `done` after the answer.

    What the database rolled back is run again; what fails for good is refused.
    """

    def finished(outcome: Outcome | None, error: Exception | None) -> None:
        try:
            if outcome is not None:
                _finish(session, pdu, outcome)
            elif error is not None and (isinstance(error, Refused) or is_of_a_value(error)):
                _refuse(session, pdu, handler, body, error)
            elif isinstance(error, CommitOutcomeUnknown):
                session.node.counters["outcomes unknown"] += 1  # neither yes nor no would be true
                peer_log.warning(session.whose, "%r of %r is not answered: %s", pdu, session, error)
            else:
                session.node.counters["errors"] += 1
                peer_log.error(session.whose, "%r of %r failed", pdu, session, exc_info=error)
                _answer_refusal(session, pdu, handler, body, "the server failed")
        finally:
            done()

    attempted = in_transaction if handler.lane is IN_TRANSACTION else repeated
    session.node.in_thread(partial(attempted, partial(handler.run, session, body)), finished)


class Progress(Enum):
    """How far a batched command has come."""

    OVER = "over"  # there is nothing to wait for
    JOINED = "joined"  # its item waits in the batcher, or is being worked on
    IN_MAKING = "in making"  # its item has still to join


def run_batched(
    session: Session,
    pdu: Pdu,
    handler: Handler,
    body: Body,
    *,
    done: Done,
    joined: Done = lambda: None,
) -> Progress:
    """Submit the handler's item to its batcher, which has room, and call `done` after the answer.

    `joined` is called when an item in making has joined the batcher, or will not.  Neither is ever
    called when the command is over at once.
    """
    try:
        item = handler.run(session, body, pdu.seq)
    except Refused as exc:
        _refuse(session, pdu, handler, body, exc)
        return Progress.OVER
    if isinstance(item, Outcome):
        _finish(session, pdu, item)
        return Progress.OVER
    if not isinstance(item, ItemInMaking):
        return _submit(session, pdu, handler, body, item, done)

    def made(made_item: Any, error: Exception | None) -> None:
        lane = session.node.lane(handler.lane.name)
        if error is None and lane.is_full:
            lane.when_room(partial(made, made_item, None))
            return
        try:
            if error is not None:
                _not_made(session, pdu, handler, body, error)
                done()
            elif _submit(session, pdu, handler, body, made_item, done) is Progress.OVER:
                done()
        finally:
            joined()

    # What a lost connection may have left of it is no message yet, so it may be made twice.
    session.node.in_thread(partial(repeated, item.make), made)
    return Progress.IN_MAKING


def _submit(
    session: Session, pdu: Pdu, handler: Handler, body: Body, item: Any, done: Done
) -> Progress:
    assert handler.answer is not None
    answer = handler.answer
    begun = time.monotonic()

    def finished(result: Any, error: Exception | None) -> None:
        try:
            _finish(session, pdu, answer(session, body, pdu.seq, result))
            if result is not None and pdu.command_id == Command.MSG_DATA:
                statistics.note_latency(time.monotonic() - begun)
        finally:
            done()

    try:
        session.node.lane(handler.lane.name).submit(item, finished)
    except Overloaded as exc:
        session.node.counters["overloaded"] += 1
        peer_log.warning(session.whose, "%r of %r is not taken: %s", pdu, session, exc)
        _answer_nothing(session, pdu, handler, body)
        return Progress.OVER
    return Progress.JOINED


def _not_made(session: Session, pdu: Pdu, handler: Handler, body: Body, error: Exception) -> None:
    """Answer a command whose item could not be made."""
    if isinstance(error, Refused) or is_of_a_value(error):
        session.node.counters["refused"] += 1
        peer_log.info(session.whose, "refused %r of %r: %s", pdu, session, error)
    else:
        session.node.counters["errors"] += 1
        peer_log.error(session.whose, "%r of %r failed", pdu, session, exc_info=error)
    _answer_nothing(session, pdu, handler, body)


def _answer_nothing(session: Session, pdu: Pdu, handler: Handler, body: Body) -> None:
    """Answer a command whose item nobody works on."""
    assert handler.answer is not None
    _finish(session, pdu, handler.answer(session, body, pdu.seq, None))


def announce(events: Sequence[Event]) -> None:
    """Tell the people concerned of what was done outside a connection.

    For the console, HTTP views and commands: call it from a thread, after COMMIT.
    """
    publish_from_thread([effect for event in events for effect in notifications.of(event)])


def _finish(session: Session, pdu: Pdu, outcome: Outcome) -> None:
    """Reply, then tell others; what happened is told even if its author is gone."""
    if outcome.reply is not None and not session.is_closed:
        _reply(session, pdu, outcome.reply)
    if outcome.refusal and not session.is_closed:
        session.link.refuse(pdu.command_id, pdu.seq, outcome.refusal)
    for event in outcome.events:
        for effect in notifications.of(event):
            if isinstance(effect, Ending) or effect.to_author:
                session.node.apply(effect)
            else:
                session.node.deliver(effect, skip=session)
    if outcome.close:
        session.leave()


def _reply(session: Session, pdu: Pdu, reply: Body | SharedReply) -> None:
    if isinstance(reply, SharedReply):
        if len(reply.ends) > 1 and session.client_type == ClientType.ANDROID:
            session.send_shared(list(_in_parts(reply, pdu.seq)))
            return
        session.send(encode(reply.head, pdu.seq, followed_by=len(reply.encoded)))
        session.send(reply.encoded)
        return
    encoded = encode(reply, pdu.seq)
    if len(encoded) > ANDROID_PDU_BYTES and session.client_type == ClientType.ANDROID:
        for part in split(reply, ANDROID_PDU_BYTES):
            session.send(encode(part, pdu.seq))
    else:
        session.send(encoded)


def _in_parts(reply: SharedReply, seq: int) -> Iterator[bytes | memoryview]:
    """Yield the PDUs of a list that is too long for one: each a head and a part of the list."""
    encoded = memoryview(reply.encoded)
    begin = 0
    for end in reply.ends:
        yield encode(reply.head, seq, followed_by=end - begin)
        yield encoded[begin:end]
        begin = end


def _refuse(session: Session, pdu: Pdu, handler: Handler, body: Body, why: Exception) -> None:
    session.node.counters["refused"] += 1
    peer_log.info(session.whose, "refused %r of %r: %s", pdu, session, why)
    _answer_refusal(session, pdu, handler, body, str(why))


def _answer_refusal(session: Session, pdu: Pdu, handler: Handler, body: Body, why: str) -> None:
    """Answer with the reply that says no; where there is none, as the transport can."""
    if session.is_closed:
        return
    reply = refusal(session.user_id, handler.command, body)
    if reply is not None:
        _reply(session, pdu, reply)
    else:
        session.link.refuse(pdu.command_id, pdu.seq, why)


def _not_for_us(session: Session, pdu: Pdu) -> None:
    if not session.user_id:
        _close(session, pdu, "unknown here")
        return
    session.node.counters["unknown commands"] += 1
    log.debug("unknown %r of %r", pdu, session)
    session.link.refuse(pdu.command_id, pdu.seq, "there is no such command")


def _close(session: Session, pdu: Pdu, why: str) -> None:
    session.node.counters["closed for a command"] += 1
    peer_log.info(session.whose, "closing %r for %r: %s", session, pdu, why)
    session.link.refuse(pdu.command_id, pdu.seq, why)
    session.leave()
