"""Announcements: messages of the system's user, to everybody once, whatever breaks them off."""

import pytest
from pytest_django.fixtures import Settings

from im.errors import Refused
from im.models import Announcement, IMUser
from im.services.messages import announcements
from im.types import MessageStored
from im.wire import cipher
from tests.reading import page

pytestmark = pytest.mark.django_db
SYSTEM = 9
KEY = b"12345678901234567890123456789012"


@pytest.fixture(autouse=True)
def _people() -> None:
    IMUser.objects.bulk_create(
        IMUser(id=n, name="system" if n == SYSTEM else f"u{n}", depart_id=1, created=1, updated=1)
        for n in range(1, 12)
    )


def begun(text: str = "今晚维护 Maintenance tonight") -> Announcement:
    return announcements.begin(text, "olga")


def got(user_id: int) -> list[str]:
    return [cipher.decrypt_text(message.content, KEY) for message in page(user_id, SYSTEM)]


def test_it_is_a_message_of_the_systems_user_to_each() -> None:
    announcement, events = announcements.step(begun().pk, [1, 2, SYSTEM], is_last=True)

    assert [got(1), got(2), got(3)] == [["今晚维护 Maintenance tonight"]] * 2 + [[]]
    assert [event.session_id for event in events if isinstance(event, MessageStored)] == [1, 2]
    assert (announcement.sent, bool(announcement.finished)) == (2, True)


def test_what_was_broken_off_goes_on_and_nobody_gets_it_twice() -> None:
    pk = begun().pk

    announcements.step(pk, [1, 2], is_last=False)
    assert [one.pk for one in announcements.unfinished()] == [pk]
    announcement, _ = announcements.step(pk, [1, 2, 3], is_last=True)

    assert [len(got(user_id)) for user_id in (1, 2, 3)] == [1, 1, 1]
    assert (announcement.sent, announcements.unfinished()) == (3, [])


def test_a_step_takes_no_more_than_its_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(announcements, "STEP_USERS", 2)

    announcement, _ = announcements.step(begun().pk, [1, 2, 3], is_last=False)

    assert (announcement.sent, announcement.last_user_id) == (2, 2)


def test_a_users_who_is_gone_does_not_hold_it_up() -> None:
    announcement, _ = announcements.step(begun().pk, [1, 777, 778], is_last=True)

    assert (announcement.sent, announcement.last_user_id) == (1, 778)


@pytest.mark.parametrize("text", ["", "  ", "好" * 1023])
def test_a_text_that_is_no_message_is_refused(text: str) -> None:
    with pytest.raises(Refused):
        begun(text)


def test_the_longest_text_fits() -> None:
    announcements.step(begun("x" * 3068).pk, [1], is_last=True)

    assert [len(text) for text in got(1)] == [3068]


def test_without_its_user_there_is_no_announcement(settings: Settings) -> None:
    settings.IM_NOTICE_SENDER = "nobody"

    with pytest.raises(Refused, match="nobody"):
        begun()
