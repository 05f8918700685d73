"""Whose access has ended, as gateways ask."""

import pytest

from im.models import IMUser
from im.services.directory import users
from im.services.identity import revocation
from im.services.identity.login import Admitted, Credentials, LoginDesk
from im.services.identity.passwords import wire_password
from im.types import UserStatus

pytestmark = pytest.mark.django_db(transaction=True)  # the login desk renews its connection

ADA, BOB, CLEO = 1, 2, 3


@pytest.fixture(autouse=True)
def _people(transactional_db: None) -> None:
    for user_id in (ADA, BOB, CLEO):
        IMUser.objects.create(id=user_id, name=f"u{user_id}", depart_id=1, created=1, updated=1)
        users.set_password(user_id, "first password")
    IMUser.objects.update(updated=1)


def key_of_login(user_id: int, password: str) -> int:
    [result] = LoginDesk()([Credentials(f"u{user_id}", wire_password(password))])
    assert isinstance(result, Admitted)
    return result.access_key


def test_a_login_has_the_key_of_the_password_it_was_made_with() -> None:
    before = key_of_login(ADA, "first password")
    assert revocation.keys_of([ADA]) == {ADA: before}

    users.set_password(ADA, "second password")

    assert revocation.keys_of([ADA]) == {ADA: key_of_login(ADA, "second password")}
    assert revocation.keys_of([ADA]) != {ADA: before}


def test_changed_people_are_found_and_other_changes_leave_their_key() -> None:
    before = revocation.keys_of([ADA, BOB, CLEO])
    assert revocation.keys_changed(2) == {}

    users.set_password(ADA, "second password")
    users.mark_left([BOB])
    IMUser.objects.filter(id=CLEO).update(sign_info="new", updated=99)
    found = revocation.keys_changed(2)

    assert found == {ADA: found[ADA], BOB: revocation.NONE, CLEO: before[CLEO]}
    assert found[ADA] not in {before[ADA], revocation.NONE}


def test_who_left_or_is_unknown_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(revocation, "CHUNK", 2)
    IMUser.objects.filter(id=BOB).update(status=UserStatus.LEFT)
    IMUser.objects.filter(id=CLEO).delete()

    keys = revocation.keys_of([ADA, BOB, CLEO])

    assert keys == {ADA: keys[ADA], BOB: revocation.NONE, CLEO: revocation.NONE}
    assert keys[ADA] != revocation.NONE
