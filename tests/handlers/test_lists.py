"""Lists of one's own, asked for by many at once: everybody gets his, whatever the others' do."""

from collections.abc import Sequence

import pytest
from django.db import DataError, OperationalError

from im import connections
from im.handlers.lists import ListDesk, ListQuestion
from im.services.memberships import Memberships
from im.wire.proto import message_pb2 as pb


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> ListDesk:
    monkeypatch.setattr(connections, "renew", lambda: None)  # nothing here asks the database
    return ListDesk()


class Kind:
    """A kind of list; it notes what it was asked for together, and may have a broken user."""

    __name__ = "kind"

    def __init__(self, broken: int = 0, error: Exception | None = None) -> None:
        self.together: list[list[int]] = []
        self.groups: list[Memberships] = []
        self._broken, self._error = broken, error or DataError("a broken row")

    def __call__(self, user_ids: Sequence[int], groups: Memberships) -> list[pb.IMUnreadMsgCntRsp]:
        self.groups.append(groups)
        self.together.append(list(user_ids))
        if self._broken in user_ids:
            raise self._error
        return [pb.IMUnreadMsgCntRsp(user_id=n, total_cnt=n) for n in user_ids]


def ask(desk: ListDesk, *questions: tuple[Kind, int]) -> list[int | None]:
    """Return whose list each question was answered with."""
    replies = desk([ListQuestion(kind, user_id) for kind, user_id in questions])
    assert all(reply is None or isinstance(reply, pb.IMUnreadMsgCntRsp) for reply in replies)
    return [reply.user_id if reply else None for reply in replies]  # type: ignore[attr-defined]


def test_questions_of_one_kind_are_asked_together(desk: ListDesk) -> None:
    unread, recent = Kind(), Kind()

    assert ask(desk, (unread, 1), (recent, 2), (unread, 3), (recent, 1)) == [1, 2, 3, 1]
    assert (unread.together, recent.together) == ([[1, 3]], [[2, 1]])


def test_all_kinds_share_what_is_read_of_groups(desk: ListDesk) -> None:
    unread, recent = Kind(), Kind()

    ask(desk, (unread, 1), (recent, 2))

    assert unread.groups == recent.groups
    assert len(unread.groups) == 1


def test_who_has_a_broken_row_costs_nobody_else_the_answer(desk: ListDesk) -> None:
    kind = Kind(broken=5)

    assert ask(desk, *((kind, user_id) for user_id in range(1, 9))) == [1, 2, 3, 4, None, 6, 7, 8]


def test_a_database_that_is_away_is_not_asked_again_for_each(desk: ListDesk) -> None:
    kind = Kind(broken=5, error=OperationalError(2006, "gone away"))

    with pytest.raises(OperationalError):
        ask(desk, *((kind, user_id) for user_id in range(1, 9)))

    assert len(kind.together) == 1
