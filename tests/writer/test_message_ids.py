"""Message ids that are moved ahead: all else stays as it is."""

import time

import pytest
from django.core.management import CommandError, call_command

from im.services import consistency
from im.services.groups import members
from im.services.messages.message_ids import move_ahead
from im.storage.writer.requests import ClientKey
from im.storage.writer.writer import Writer
from im.types import GroupChange, MessageStored
from tests.reading import group_page, page, sessions_of, unread_of
from tests.writer.conftest import PointDjangoAt
from tests.writer.group_store import make, read_group, say
from tests.writer.store import Store, read, text

ADA, BOB, CLEO, DAN = 1, 2, 3, 4
BY = 1000


@pytest.fixture
def group_id(backend: str, point_django_at: PointDjangoAt) -> int:
    """Conversations read and unread, a group that somebody joined later, one without a word."""
    Store(backend).add_users(4)
    point_django_at(backend)
    now = int(time.time())
    group_id = make(ADA, BOB, CLEO)
    make(BOB, CLEO)
    writer = Writer()
    named = text(ADA, BOB, "named", now)._replace(key=ClientKey("mine", "0" * 32))
    writer([text(ADA, BOB, "one", now), text(BOB, ADA, "two", now), named])
    writer([read(BOB, ADA, 1, now), text(CLEO, ADA, "three", now)])
    writer([say(ADA, group_id, "one", now), say(BOB, group_id, "two", now)])
    writer([read_group(CLEO, group_id, now)])
    members.change_members(ADA, group_id, GroupChange.ADD, [DAN])
    writer([say(ADA, group_id, "three", now)])
    return group_id


def seen(user_id: int, group_id: int) -> list[object]:
    """Return what a user sees, with the ids as they count from where they began."""
    return [
        [(s.session_type, s.session_id, s.latest.content) for s in sessions_of(user_id, 0)],
        [(u.session_type, u.session_id, u.count, u.latest.content) for u in unread_of(user_id)],
        [(m.msg_id % BY, m.content) for m in group_page(user_id, group_id)],
        [(m.msg_id % BY, m.content) for peer in (ADA, BOB) for m in page(user_id, peer)],
    ]


def test_everybody_sees_the_same_and_new_messages_get_ids_beyond(group_id: int) -> None:
    before = [seen(user_id, group_id) for user_id in (ADA, BOB, CLEO, DAN)]

    call_command("move_message_ids", "--by", str(BY))

    assert [seen(user_id, group_id) for user_id in (ADA, BOB, CLEO, DAN)] == before
    assert [m.msg_id for m in page(ADA, BOB)] == [1003, 1002, 1001]
    stored = Writer()([text(ADA, BOB, "new", 1), say(BOB, group_id, "new", 1)])
    assert [e.message.msg_id for e in stored if isinstance(e, MessageStored)] == [1004, 1004]
    assert consistency.examine().is_clean


@pytest.mark.parametrize("by", [-1, 0, 3, 600_000])
def test_ids_that_are_in_use_or_ioss_are_refused(group_id: int, by: int) -> None:
    with pytest.raises(CommandError):
        call_command("move_message_ids", "--by", str(by))

    assert [m.msg_id for m in page(ADA, BOB)] == [3, 2, 1]


def test_nothing_to_move_is_no_fault(backend: str, point_django_at: PointDjangoAt) -> None:
    point_django_at(backend)

    assert move_ahead(BY) == 0
