"""The rules of the directory that the pages can't show, and the password rule."""

import time
from hashlib import md5

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from im.errors import Refused
from im.models import IMDepart, IMUser
from im.services.directory import users
from im.services.directory.users import DepartmentCard, UserCard
from im.services.identity import passwords
from im.services.validation import InvalidFields, next_stamp
from im.types import UserStatus
from tests.admin.conftest import LONG_AGO, Company


def test_the_stored_password_is_the_schemas() -> None:
    stored, salt = passwords.hash_password("päss 密码")

    wire = md5("päss 密码".encode()).hexdigest()
    assert passwords.wire_password("päss 密码") == wire
    assert stored == md5((wire + salt).encode()).hexdigest()


def test_a_row_of_an_adopted_database_verifies() -> None:
    wire = "1a1dc91c907325c69271ddf0c944bc72"  # "pass"
    stored = "388f90ff9a7e98e2fa798ac321c63eb4"

    assert passwords.matches(wire, stored, "7919")
    assert not passwords.matches(wire, stored, "7918")
    assert not passwords.matches(wire.upper(), stored, "7919")


@pytest.mark.parametrize("sent", ["", "密码", "x" * 10_000])
def test_anything_a_client_sends_is_compared(sent: str) -> None:
    stored, salt = passwords.hash_password("first-password")

    assert not passwords.matches(sent, stored, salt)


def test_salts_have_four_digits_and_differ() -> None:
    salts = {passwords.hash_password("same")[1] for _ in range(50)}

    assert all(len(salt) == 4 and salt.isdecimal() for salt in salts)
    assert len(salts) > 1


def test_a_stamp_rises_even_when_the_clock_was_set_back() -> None:
    ahead = int(time.time()) + 3600

    assert next_stamp(ahead) == ahead + 1
    assert next_stamp(LONG_AGO) >= int(time.time()) - 1


def test_a_change_reports_what_was_written(company: Company) -> None:
    row = IMUser.objects.get(pk=company.lina)
    card = UserCard("lina", "new", row.depart_id, row.domain, row.sex, row.phone, row.email)

    changed = users.change_user(company.lina, card)

    row.refresh_from_db()
    assert changed.fields == ("nick",)
    assert changed.updated == row.updated > LONG_AGO


def test_a_refused_change_writes_nothing(company: Company) -> None:
    with pytest.raises(InvalidFields) as refusal:
        users.change_user(company.lina, UserCard("tom", "n" * 33, company.sales))

    assert {problem.field for problem in refusal.value.problems} == {"name", "nick"}


@pytest.mark.django_db
def test_changing_nobody_is_refused() -> None:
    with pytest.raises(Refused, match="4711"):
        users.set_password(4711, "long enough")


def test_names_that_differ_in_a_trailing_space_or_case_are_different_people(
    company: Company,
) -> None:
    IMUser.objects.filter(pk=company.tom).update(name="anna ")

    users.create_user(UserCard("anna", "Anna", company.sales), "whatever else")
    users.create_user(UserCard("Anna", "Anna", company.sales), "whatever else")

    assert set(IMUser.objects.values_list("name", flat=True)) >= {"anna ", "anna", "Anna"}


def test_a_card_that_changes_nothing_is_not_checked(company: Company) -> None:
    IMDepart.objects.filter(pk=company.sales).update(status=1, priority=2**32 - 1)
    row = IMDepart.objects.get(pk=company.sales)
    card = DepartmentCard("Old sales", row.priority, row.parent_id, row.status)

    assert users.change_department(company.sales, card).fields == ("depart_name",)


def test_many_leave_in_few_queries(company: Company) -> None:
    for number in range(20):
        users.create_user(UserCard(f"u{number}", "x", company.sales), "whatever else")
    everybody = list(IMUser.objects.values_list("pk", flat=True))

    with CaptureQueriesContext(
        connection,
    ) as queries:
        left = users.mark_left(everybody)

    assert len(left) == len(everybody) == 22
    assert len(queries) == 3  # who is here, their rows, their browsers' sessions
    assert {row.status for row in IMUser.objects.all()} == {UserStatus.LEFT}
