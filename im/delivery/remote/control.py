"""Questions that operators and web processes have for live gateways, and how a gateway answers.

A question comes from outside on the bus's channel as a message of its own, names the channel its
answer goes to, and holds plain values only; so does the answer, which is bounded.
"""

from collections.abc import Callable, Sequence
from dataclasses import astuple, replace
from heapq import nsmallest
from typing import TYPE_CHECKING, Any

from im.types import MessagePlace

if TYPE_CHECKING:
    from im.delivery.local.sessions import Session
    from im.delivery.node import Node

QUESTION = "bus.question"  # the message type: handled by the consumer method `bus_question`
ANSWER = "bus.answer"
MOST_USERS = 200  # in one answer

TRACE, SESSIONS, END_SESSION, RETIRE = "trace", "sessions", "end session", "retire"
PEOPLE_AT = "people at"

Plain = Any  # what channel layers serialise: numbers, texts, lists of them


def question(name: str, arguments: Sequence[Plain], reply_to: str) -> dict[str, Plain]:
    """Return the channel layer's message for a question."""
    return {"type": QUESTION, "name": name, "arguments": list(arguments), "reply_to": reply_to}


def answer(node: "Node", name: str, arguments: Sequence[Plain]) -> Plain:
    """Return what this gateway says; None to a question it does not know (a newer console's)."""
    known = _ANSWERS.get(name)
    return known(node, *arguments) if known else None


def answer_message(node: "Node", message: dict[str, Plain]) -> dict[str, Plain]:
    """Return the channel layer's message that answers a question's."""
    said = answer(node, message["name"], message["arguments"])
    return {"type": ANSWER, "gateway": node.gateway.id, "said": said}


def _trace(node: "Node", *place: int) -> list[list[Plain]]:
    found = node.sessions.trace.find(MessagePlace(*place))
    return [list(astuple(push)) for push in found[:MOST_USERS]]


def _sessions(
    node: "Node", after_user_id: int, count: int, user_ids: list[int] | None
) -> list[list[Plain]]:
    """Return the sessions of the next `count` users, of all or of certain ones, by user id."""
    here = node.sessions.users() if user_ids is None else user_ids
    wanted = (user_id for user_id in here if user_id > after_user_id and node.sessions.has(user_id))
    page = nsmallest(min(count, MOST_USERS), wanted)
    return [_told(node, session) for user in page for session in node.sessions.of_user(user)]


def _people_at(node: "Node", network: str) -> int:
    return node.sessions.people_at(network)


def _told(node: "Node", session: "Session") -> list[Plain]:
    silent_s = node.loop.time() - session.heard_at
    return [
        session.user_id, session.id, session.client_type, session.link.peer,
        session.epoch // 1_000_000, round(silent_s),
    ]  # fmt: skip


def _end_session(node: "Node", user_id: int, session_id: int) -> bool:
    """End one connection; its client may come back, unless its user may not log in."""
    for session in node.sessions.of_user(user_id):
        if session.id == session_id:
            session.leave()
            return True
    return False


def _retire(node: "Node") -> bool:
    if node.retire is None:
        return False
    node.gateway = replace(node.gateway, is_retired=True)  # told with the next lease
    node.retire()
    return True


_ANSWERS: dict[str, Callable[..., Plain]] = {
    TRACE: _trace,
    SESSIONS: _sessions,
    END_SESSION: _end_session,
    RETIRE: _retire,
    PEOPLE_AT: _people_at,
}
