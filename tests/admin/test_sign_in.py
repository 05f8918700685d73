"""Getting into the console: old accounts, too many failures, the second factor."""

import re
from collections.abc import Callable
from datetime import timedelta
from hashlib import md5
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth import authenticate
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.test import Client, RequestFactory
from django.utils import timezone
from django_otp.oath import TOTP
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice
from pytest_django import Settings

from admin_ui.management.commands import changepassword
from admin_ui.models import AuditEntry, Operator
from admin_ui.roles import Role
from im.models import IMAdmin
from im.services.identity import login_throttle
from tests.admin.pages import is_open, text_of

LOGIN = "/admin/login/"
FACTOR = "/admin/second-factor/"


@pytest.fixture(autouse=True)
def quick_hashes(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The real number of rounds takes half a second, on purpose."""
    monkeypatch.setattr(PBKDF2PasswordHasher, "iterations", 1)


def old_admin(name: str = "wang", password: str = "old-pass", status: int = 0) -> IMAdmin:
    digest = md5(password.encode(), usedforsecurity=False).hexdigest()
    return IMAdmin.objects.create(uname=name, pwd=digest, status=status)


def log_in(client: Client, name: str, password: str, token: str = "") -> bool:
    """Send the login form; tell whether the console is open now."""
    client.post(LOGIN, {"username": name, "password": password, "otp_token": token})
    return is_open(client)


def code_of(operator: Operator, *, later: int = 0) -> str:
    """Return what the operator's phone shows `later` half minutes from now."""
    device = TOTPDevice.objects.get(user=operator)
    totp = TOTP(device.bin_key, drift=later)
    return f"{totp.token():06d}"


def test_an_operator_of_the_old_console_logs_in_and_has_a_modern_hash_then() -> None:
    row = old_admin()

    assert log_in(Client(), "wang", "old-pass")

    operator = Operator.objects.get(old_admin_id=row.pk)
    assert operator.password.startswith("pbkdf2_sha256$")
    assert operator.role == Role.OWNER  # nobody owned the console before
    assert AuditEntry.objects.filter(action="log in", operator="wang").exists()


def test_the_old_password_counts_only_until_the_account_has_another() -> None:
    old_admin()
    log_in(Client(), "wang", "old-pass")
    operator = Operator.objects.get()
    operator.set_password("brand-new-1")
    operator.save()

    assert not log_in(Client(), "wang", "old-pass")
    assert log_in(Client(), "wang", "brand-new-1")


@pytest.mark.parametrize(
    ("name", "password", "status"),
    [("wang", "wrong", 0), ("WANG", "old-pass", 0), ("wang", "old-pass", 1), ("wang", "", 0)],
)
def test_who_is_disabled_or_wrong_stays_out(name: str, password: str, status: int) -> None:
    old_admin(status=status)

    assert not log_in(Client(), name, password)
    assert not Operator.objects.exists()


def test_a_second_old_operator_does_not_own_the_console() -> None:
    old_admin()
    old_admin("li", "other-pass")
    log_in(Client(), "wang", "old-pass")

    log_in(Client(), "li", "other-pass")

    assert Operator.objects.get(username="li").role == Role.OPERATOR


def test_an_old_row_does_not_take_over_an_account_of_the_same_name() -> None:
    Operator.objects.create_user("wang", password="his-own-pass", role=Role.AUDITOR)
    old_admin()

    assert not log_in(Client(), "wang", "old-pass")
    assert Operator.objects.get().role == Role.AUDITOR


@pytest.mark.parametrize("has_owner", [True, False])
@pytest.mark.parametrize("password", ["admin", "123456", " Admin", "wang"])
def test_a_factory_password_of_the_old_console_opens_nothing(
    password: str, has_owner: bool
) -> None:
    if has_owner:
        Operator.objects.create_superuser("olga", password="op-secret-1")
    old_admin("admin", password)
    old_admin("wang", password)
    clients = {name: Client() for name in ("admin", "wang")}
    answers = [
        client.post(LOGIN, {"username": name, "password": password})
        for name, client in clients.items()
    ]

    refused = [name for name, client in clients.items() if not is_open(client)]

    assert refused == (["wang"] if password == "wang" else ["admin", "wang"])
    assert "manage.py changepassword wang" in text_of(answers[1])
    assert not Operator.objects.filter(username="wang").exists()


def test_an_account_that_was_made_with_a_factory_password_is_refused_too() -> None:
    Operator.objects.create_superuser("admin", password="admin")

    assert not log_in(Client(), "admin", "admin")
    request = RequestFactory().post(LOGIN)
    assert authenticate(request, username="admin", password="admin") is None


def test_the_refusal_does_not_tell_whether_there_is_such_an_account() -> None:
    old_admin("admin", "admin")
    there, nowhere = [
        text_of(Client().post(LOGIN, {"username": name, "password": "admin"}))
        for name in ("admin", "nadmi")
    ]

    assert re.sub("csrf[^>]*", "", there) == re.sub("csrf[^>]*", "", nowhere).replace(
        "nadmi", "admin"
    )


def test_a_command_gives_an_account_of_the_old_console_its_own_password(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    row = old_admin("admin", "admin")
    monkeypatch.setattr(
        changepassword.Command, "_get_pass", lambda self, prompt="": "Nobody-1-Knows"
    )

    call_command("changepassword", "admin", stdout=StringIO())

    operator = Operator.objects.get()
    assert (operator.old_admin_id, operator.role) == (row.pk, Role.OWNER)
    assert not log_in(Client(), "admin", "admin")
    assert log_in(Client(), "admin", "Nobody-1-Knows")
    assert AuditEntry.objects.filter(action="password", target_name="admin").exists()


def test_guesses_at_an_operator_from_many_addresses_slow_down_and_spare_the_operator(
    operator: Operator, settings: Settings
) -> None:
    settings.IM_LOGIN_NAME_FAILURES = 3
    login_throttle.of_console.cache_clear()
    at_home = Client(REMOTE_ADDR="10.0.0.1")
    assert log_in(at_home, "olga", "op-secret-1")
    for number in range(6):
        log_in(Client(REMOTE_ADDR=f"192.0.2.{number}"), "olga", "wrong")

    assert not log_in(Client(REMOTE_ADDR="192.0.2.77"), "olga", "op-secret-1")
    assert log_in(Client(REMOTE_ADDR="10.0.0.1"), "olga", "op-secret-1")


def test_guesses_at_many_operators_from_one_address_slow_down(
    operator: Operator, settings: Settings
) -> None:
    settings.IM_LOGIN_ADDRESS_FAILURES = 3
    login_throttle.of_console.cache_clear()
    for number in range(4):
        log_in(Client(), f"operator{number}", "wrong")

    assert not log_in(Client(), "olga", "op-secret-1")
    assert log_in(Client(REMOTE_ADDR="10.0.0.1"), "olga", "op-secret-1")


def test_after_too_many_failures_even_the_right_password_has_to_wait(operator: Operator) -> None:
    client = Client()
    for _attempt in range(5):
        client.post(LOGIN, {"username": "olga", "password": "wrong"})

    response = client.post(LOGIN, {"username": "olga", "password": "op-secret-1"})

    assert response.status_code == 429
    assert "locked-out" in text_of(response)
    assert not is_open(client)


def test_an_owner_lets_somebody_in_again(console: Client, operator: Operator) -> None:
    client = Client()
    Operator.objects.create_user("vera", password="op-secret-3", role=Role.AUDITOR)
    for _attempt in range(5):
        client.post(LOGIN, {"username": "vera", "password": "wrong"})
    page = console.get("/admin/axes/accessattempt/")
    [row] = page.context["cl"].result_list

    console.post(
        "/admin/axes/accessattempt/", {"action": "let_in_again", "_selected_action": [row.pk]}
    )

    assert log_in(client, "vera", "op-secret-3")
    assert AuditEntry.objects.filter(action="let in again", target_name="vera").exists()


def test_an_account_without_a_role_stays_out() -> None:
    Operator.objects.create_user("nora", password="op-secret-4", is_staff=True)

    assert not log_in(Client(), "nora", "op-secret-4")


# --- how a session ends -----------------------------------------------------------------------


def copy_of(client: Client) -> Client:
    """Return another browser with the cookies of this one."""
    other = Client()
    other.cookies.load({name: morsel.value for name, morsel in client.cookies.items()})
    return other


def sends_logout(client: Client, operator: Operator) -> None:
    client.post("/admin/logout/")


def gets_another_password(client: Client, operator: Operator) -> None:
    operator.set_password("brand-new-1")
    operator.save()


def is_switched_off(client: Client, operator: Operator) -> None:
    Operator.objects.filter(pk=operator.pk).update(is_active=False)


def loses_the_role(client: Client, operator: Operator) -> None:
    Operator.objects.filter(pk=operator.pk).update(role=Role.NONE)


def waits_until_tomorrow(client: Client, operator: Operator) -> None:
    Session.objects.update(expire_date=timezone.now() - timedelta(seconds=1))


@pytest.mark.parametrize(
    "end",
    [
        sends_logout,
        gets_another_password,
        is_switched_off,
        loses_the_role,
        waits_until_tomorrow,
    ],
)
def test_a_session_and_copies_of_its_cookie_end_together(
    operator: Operator, end: Callable[[Client, Operator], None]
) -> None:
    client = Client()
    assert log_in(client, "olga", "op-secret-1")
    copy = copy_of(client)
    assert is_open(copy)

    end(client, operator)

    assert not is_open(copy)
    assert not is_open(client)


def test_a_session_lasts_for_hours_and_not_for_weeks(operator: Operator) -> None:
    client = Client()
    log_in(client, "olga", "op-secret-1")

    [session] = Session.objects.all()

    assert session.expire_date < timezone.now() + timedelta(hours=13)


# --- the second factor ------------------------------------------------------------------------


def switched_on(client: Client, operator: Operator) -> list[str]:
    """Switch the second factor on and return the recovery codes."""
    client.get(FACTOR)
    page = text_of(client.post(FACTOR, {"code": code_of(operator)}))
    return re.findall(r"<li>(\w+)</li>", page)


def test_the_second_factor_is_asked_for_once_its_code_was_confirmed(operator: Operator) -> None:
    client = Client()
    log_in(client, "olga", "op-secret-1")

    codes = switched_on(client, operator)

    assert len(codes) == 10
    assert is_open(client)  # this session has shown it
    assert not log_in(Client(), "olga", "op-secret-1")
    assert not log_in(Client(), "olga", "op-secret-1", "000000")


def test_a_code_and_a_recovery_code_open_the_console(operator: Operator) -> None:
    client = Client()
    log_in(client, "olga", "op-secret-1")
    codes = switched_on(client, operator)
    TOTPDevice.objects.update(last_t=-1, throttling_failure_count=0)

    assert log_in(Client(), "olga", "op-secret-1", code_of(operator))
    assert log_in(Client(), "olga", "op-secret-1", codes[0])
    assert not log_in(Client(), "olga", "op-secret-1", codes[0])  # each once


def test_a_wrong_code_does_not_switch_it_on(operator: Operator) -> None:
    client = Client()
    log_in(client, "olga", "op-secret-1")
    client.get(FACTOR)
    wrong = f"{(int(code_of(operator)) + 1) % 10**6:06d}"

    response: Any = client.post(FACTOR, {"code": wrong})

    assert response.context["form"].errors
    assert not TOTPDevice.objects.filter(confirmed=True).exists()
    assert log_in(Client(), "olga", "op-secret-1")


def test_older_sessions_end_when_the_second_factor_comes(
    console: Client, operator: Operator
) -> None:
    client = Client()
    log_in(client, "olga", "op-secret-1")

    switched_on(client, operator)

    assert not is_open(console)


def test_it_is_switched_off_with_a_code_only(operator: Operator) -> None:
    client = Client()
    log_in(client, "olga", "op-secret-1")
    codes = switched_on(client, operator)

    client.post(FACTOR, {"code": "000000", "off": "1"})
    assert TOTPDevice.objects.exists()
    StaticDevice.objects.update(throttling_failure_count=0)  # it would have to wait a second
    client.post(FACTOR, {"code": codes[0], "off": "1"})

    assert not TOTPDevice.objects.exists()
    assert log_in(Client(), "olga", "op-secret-1")


def test_an_owner_switches_it_off_for_who_lost_his_phone(
    console: Client, operator: Operator
) -> None:
    vera = Operator.objects.create_user("vera", password="op-secret-3", role=Role.AUDITOR)
    client = Client()
    log_in(client, "vera", "op-secret-3")
    switched_on(client, vera)
    choice = {"action": "switch_second_factor_off", "_selected_action": [vera.pk]}

    asked = console.post("/admin/admin_ui/operator/", choice)
    assert "vera" in text_of(asked)
    assert TOTPDevice.objects.exists()
    console.post("/admin/admin_ui/operator/", choice | {"confirmed": "yes"})

    assert log_in(Client(), "vera", "op-secret-3")


def test_the_last_owner_stays_one(console: Client, operator: Operator) -> None:
    page = f"/admin/admin_ui/operator/{operator.pk}/change/"

    console.post(page, {"username": "olga", "role": "auditor", "is_active": "on"})

    operator.refresh_from_db()
    assert operator.role == Role.OWNER


@pytest.mark.parametrize("wanted", ["https://evil.example/", "//evil.example", "javascript:x"])
def test_a_login_that_shall_lead_to_another_site_leads_to_the_console(wanted: str) -> None:
    Operator.objects.create_superuser("olga", password="op-secret-1")
    login = {"username": "olga", "password": "op-secret-1", "next": wanted}

    response = Client().post(LOGIN, login)

    assert response.headers["Location"] == "/admin/"
