"""Passwords that somebody else sets: their owners hear of it."""

import re

import pytest
from django.conf import settings as project
from django.db.transaction import atomic
from django.utils import timezone
from pytest_django.fixtures import Settings

from im.models import IMDepart, IMUser
from im.services.directory import users
from im.services.directory.users import DepartmentCard, UserCard
from im.services.identity import password_setting
from im.services.messages import announcements
from im.services.validation import InvalidFields
from im.types import AccessEnded, MessageStored
from im.wire import cipher
from tests.reading import page

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada(db: None) -> int:
    depart_id = users.create_department(DepartmentCard("Top")).depart_id
    return users.create_user(UserCard("ada", "Ada", depart_id), "first-password").user_id


def told(user_id: int) -> list[str]:
    sender = announcements.sender()
    if sender is None:
        return []
    key = project.IM_AES_KEY.encode()
    return [cipher.decrypt_text(one.content, key) for one in page(user_id, sender.pk)]


def test_its_owner_is_disconnected_and_finds_a_message(ada: int) -> None:
    changed = password_setting.set_for(ada, "another sentence", set_by="olga")

    assert [type(event) for event in changed.events] == [AccessEnded, MessageStored]
    [message] = told(ada)
    assert "olga" in message


def test_the_message_says_in_which_zone_its_time_is(ada: int) -> None:
    with timezone.override("Asia/Shanghai"):
        password_setting.set_for(ada, "another sentence", set_by="olga")

    english, chinese = sorted(told(ada)[0].splitlines())
    assert re.search(r" at \d{4}-\d\d-\d\d \d\d:\d\d \(UTC\+08:00\)\. ", english)
    assert "(UTC+08:00)" in chinese


def test_the_message_begins_in_the_servers_language(ada: int, settings: Settings) -> None:
    settings.LANGUAGE_CODE = "zh-hans"

    password_setting.set_for(ada, "another sentence", set_by="olga")

    assert told(ada)[0].startswith("您的密码")
    assert "Your password was set by olga" in told(ada)[0]


def test_the_systems_user_is_made_once_and_nobody_logs_in_as_it(ada: int) -> None:
    password_setting.set_for(ada, "another sentence", set_by="olga")
    password_setting.set_for(ada, "one more sentence", set_by="olga")

    [sender] = IMUser.objects.filter(name=project.IM_NOTICE_SENDER)
    assert sender.depart_id == IMDepart.objects.get().pk
    assert len(told(ada)) == 2


def test_the_systems_user_that_is_there_is_taken(ada: int) -> None:
    there = users.create_user(
        UserCard("system", "公司通知", IMDepart.objects.get().pk), "first-password"
    )

    password_setting.set_for(ada, "another sentence", set_by="olga")
    password_setting.set_for(there.user_id, "another sentence", set_by="olga")  # tells nobody

    assert page(ada, there.user_id)
    assert IMUser.objects.count() == 2


def test_a_password_that_is_refused_is_not_told_of(ada: int) -> None:
    with pytest.raises(InvalidFields), atomic():
        password_setting.set_for(ada, "aaaaaaaa", set_by="olga")

    assert told(ada) == []


def test_ones_own_change_is_not_told_of(ada: int) -> None:
    users.set_password(ada, "another sentence")

    assert told(ada) == []
