"""Whose access has ended, as gateways ask."""

import pytest

from im.models import IMUser
from im.services import access, directory
from im.services.accounts import Admitted, Credentials, LoginDesk
from im.services.passwords import wire_password
from im.types import UserStatus

pytestmark = pytest.mark.django_db(transaction=True)  # the login desk renews its connection

ADA, BOB, CLEO = 1, 2, 3


@pytest.fixture(autouse=True)
def _people(transactional_db: None) -> None:
    for user_id in (ADA, BOB, CLEO):
        IMUser.objects.create(id=user_id, name=f"u{user_id}", depart_id=1, created=1, updated=1)
        directory.set_password(user_id, "first password")
    IMUser.objects.update(updated=1)


def key_of_login(user_id: int, password: str) -> int:
    [result] = LoginDesk()([Credentials(f"u{user_id}", wire_password(password))])
    assert isinstance(result, Admitted)
    return result.access_key


def test_a_login_has_the_key_of_the_password_it_was_made_with() -> None:
    before = key_of_login(ADA, "first password")
    assert access.keys_of([ADA]) == {ADA: before}

    directory.set_password(ADA, "second password")

    assert access.keys_of([ADA]) == {ADA: key_of_login(ADA, "second password")}
    assert access.keys_of([ADA]) != {ADA: before}


def test_changed_people_are_found_and_other_changes_leave_their_key() -> None:
    before = access.keys_of([ADA, BOB, CLEO])
    assert access.keys_changed(2) == {}

    directory.set_password(ADA, "second password")
    directory.mark_left([BOB])
    IMUser.objects.filter(id=CLEO).update(sign_info="new", updated=99)
    found = access.keys_changed(2)

    assert found == {ADA: found[ADA], BOB: access.NONE, CLEO: before[CLEO]}
    assert found[ADA] not in {before[ADA], access.NONE}


def test_who_left_or_is_unknown_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access, "CHUNK", 2)
    IMUser.objects.filter(id=BOB).update(status=UserStatus.LEFT)
    IMUser.objects.filter(id=CLEO).delete()

    keys = access.keys_of([ADA, BOB, CLEO])

    assert keys == {ADA: keys[ADA], BOB: access.NONE, CLEO: access.NONE}
    assert keys[ADA] != access.NONE
