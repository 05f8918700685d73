"""Lists of one's own, asked for by many at once: everybody gets his, whatever the others' do."""

import time
from collections.abc import Iterator, Sequence

import pytest
from django.db import DataError, OperationalError

from im.handlers.execution.batched_lists import ListDesk, ListQuestion, Replies
from im.services.messages.prefetch import Reading
from im.storage import connections, retry
from im.storage.retry import PAUSES_OF_A_BATCH_S
from im.wire.proto import message_pb2 as pb


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> ListDesk:
    monkeypatch.setattr(connections, "renew", lambda: None)  # nothing here asks the database
    monkeypatch.setattr(retry, "drop_unusable_connection", lambda error: None)
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    return ListDesk()


class Kind:
    """A kind of list; it notes what it was asked for together, and may have a broken user."""

    __name__ = "kind"

    def __init__(self, broken: int = 0, error: Exception | None = None) -> None:
        self.together: list[list[int]] = []
        self.readings: list[Reading] = []
        self.breaks = -1  # how often; -1 for always
        self._broken, self._error = broken, error or DataError("a broken row")

    def __call__(self, user_ids: Sequence[int], reading: Reading) -> Iterator[pb.IMUnreadMsgCntRsp]:
        self.readings.append(reading)
        self.together.append(list(user_ids))
        if self._broken in user_ids and self.breaks:
            self.breaks -= 1
            raise self._error
        return (pb.IMUnreadMsgCntRsp(user_id=n, total_cnt=n) for n in user_ids)


def ask(desk: ListDesk, *questions: tuple[Kind, int]) -> list[int | None]:
    """Return whose list each question was answered with."""
    replies = desk([ListQuestion(kind, user_id) for kind, user_id in questions])
    assert all(reply is None or isinstance(reply, pb.IMUnreadMsgCntRsp) for reply in replies)
    return [reply.user_id if reply else None for reply in replies]  # type: ignore[attr-defined]


def test_questions_of_one_kind_are_asked_together(desk: ListDesk) -> None:
    unread, recent = Kind(), Kind()

    assert ask(desk, (unread, 1), (recent, 2), (unread, 3), (recent, 1)) == [1, 2, 3, 1]
    assert (unread.together, recent.together) == ([[1, 3]], [[2, 1]])


def test_all_kinds_share_what_is_read(desk: ListDesk) -> None:
    unread, recent = Kind(), Kind()

    ask(desk, (unread, 1), (recent, 2))

    assert unread.readings == recent.readings
    assert len(unread.readings) == 1


def test_who_has_a_broken_row_costs_nobody_else_the_answer(desk: ListDesk) -> None:
    kind = Kind(broken=5)

    assert ask(desk, *((kind, user_id) for user_id in range(1, 9))) == [1, 2, 3, 4, None, 6, 7, 8]


def test_a_database_that_is_away_is_not_asked_again_for_each(desk: ListDesk) -> None:
    kind = Kind(broken=5, error=OperationalError(2006, "gone away"))

    assert ask(desk, *((kind, user_id) for user_id in range(1, 9))) == [None] * 8
    assert len(kind.together) == 1 + len(PAUSES_OF_A_BATCH_S)


def test_lists_are_read_again_when_the_connection_was_lost(desk: ListDesk) -> None:
    kind = Kind(broken=5, error=OperationalError(2006, "gone away"))
    kind.breaks = 1

    assert ask(desk, (kind, 5), (kind, 6)) == [5, 6]


def test_replies_are_made_when_all_kinds_have_said_what_they_need(desk: ListDesk) -> None:
    said: list[str] = []

    def kind_of(name: str) -> Replies:
        def replies(user_ids: Sequence[int], reading: Reading) -> Iterator[pb.IMUnreadMsgCntRsp]:
            said.append(f"{name} needs")
            return (_made(name, user_id) for user_id in user_ids)

        return replies

    def _made(name: str, user_id: int) -> pb.IMUnreadMsgCntRsp:
        said.append(f"{name} replies")
        return pb.IMUnreadMsgCntRsp(user_id=user_id, total_cnt=0)

    desk([ListQuestion(kind_of("one"), 1), ListQuestion(kind_of("two"), 2)])

    assert said == ["one needs", "two needs", "one replies", "two replies"]
