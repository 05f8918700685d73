"""Drives the writer and the services, in the tests' process."""

from collections.abc import Iterable, Sequence

from im.errors import Refused
from im.services.groups import members
from im.services.messages import compose
from im.storage.writer.requests import Item, Result
from im.storage.writer.writer import Writer
from im.types import (
    GroupChange,
    GroupType,
    MessageStored,
    MsgType,
    RowStatus,
    SessionRemoved,
    SessionType,
)
from tests.model.world import Deed, Place, Said, View
from tests.reading import group_page, page, sessions_of, unread_of

KINDS = {"user": SessionType.SINGLE, "group": SessionType.GROUP}
TEXTS = {"user": MsgType.SINGLE_TEXT, "group": MsgType.GROUP_TEXT}
ALL = 10_000


class InProcess:
    """A server without sockets; `user_ids` are users nobody else knows."""

    def __init__(self, user_ids: list[int]) -> None:
        self._ids = {"user": user_ids, "group": list[int]()}
        self._writer = Writer()

    def do(self, deeds: Sequence[Deed]) -> list[int | bool | None]:
        return [_told(event) for event in self._writer([self._item(deed) for deed in deeds])]

    def _item(self, deed: Deed) -> Item:
        kind, number = deed.where
        user_id, session_id = self._ids["user"][deed.who], self._ids[kind][number]
        if deed.what == "say":
            return compose.new_text(user_id, session_id, TEXTS[kind], deed.text.encode())
        if deed.what == "read":
            return compose.read_mark(user_id, KINDS[kind], session_id, 1)
        return compose.removal(user_id, KINDS[kind], session_id)

    def make(self, creator: int, member_ids: Iterable[int]) -> None:
        ids = self._users(member_ids)
        made = members.create_group(self._ids["user"][creator], "x", "", ids, GroupType.TEMPORARY)
        self._ids["group"].append(made.group_id)

    def add(self, actor: int, number: int, users: Iterable[int]) -> bool:
        return self._change(GroupChange.ADD, actor, number, users)

    def take_out(self, actor: int, number: int, users: Iterable[int]) -> bool:
        return self._change(GroupChange.REMOVE, actor, number, users)

    def _change(self, change: GroupChange, actor: int, number: int, users: Iterable[int]) -> bool:
        actor_id, group_id = self._ids["user"][actor], self._ids["group"][number]
        try:
            members.change_members(actor_id, group_id, change, self._users(users))
        except Refused:
            return False
        return True

    def forget(self, user: int) -> None:
        self._writer = Writer()

    def view(self, user: int) -> View:
        user_id = self._ids["user"][user]
        sessions, unread = sessions_of(user_id, 1, knows_removed=True), unread_of(user_id)
        shown = {self._place(s.session_type, s.session_id): s.status for s in sessions}
        return View(
            {self._place(entry.session_type, entry.session_id): entry.count for entry in unread},
            {place: status == RowStatus.SHOWN for place, status in shown.items()},
            {place: said for place in self._places(user) if (said := self._said(user_id, place))},
        )

    def _places(self, user: int) -> Iterable[Place]:
        yield from (("user", n) for n in range(len(self._ids["user"])) if n != user)
        yield from (("group", n) for n in range(len(self._ids["group"])))

    def _said(self, user_id: int, place: Place) -> Said:
        kind, number = place
        look = page if kind == "user" else group_page
        found = look(user_id, self._ids[kind][number], at_most=ALL)
        return [(message.msg_id, message.content.decode()) for message in found]

    def _place(self, session_type: SessionType, session_id: int) -> Place:
        kind = "user" if session_type is SessionType.SINGLE else "group"
        return kind, self._ids[kind].index(session_id)

    def _users(self, users: Iterable[int]) -> list[int]:
        return [self._ids["user"][user] for user in users]


def _told(event: Result) -> int | bool | None:
    """Return what the author of a deed is told."""
    if isinstance(event, MessageStored):
        return event.message.msg_id
    return event.was_shown if isinstance(event, SessionRemoved) else None
