"""A small company, and an operator logged in to its console."""

from dataclasses import dataclass

import pytest
from django.test import Client
from pytest_django import Settings

from admin_ui.models import Operator
from im.models import IMDepart, IMUser
from im.services.directory import users
from im.services.directory.users import DepartmentCard, UserCard

LONG_AGO = 1_700_000_000  # unix seconds


@dataclass(frozen=True, slots=True)
class Company:
    """Ids: `top` contains `server_team` and `sales`; lina is in the first, tom in the second."""

    top: int
    server_team: int
    sales: int
    lina: int
    tom: int


@pytest.fixture
def company(db: None) -> Company:
    top = _department("Starriver", 0)
    server_team = _department("服务器组", top)
    sales = _department("Sales", top)
    lina = _person("lina", "李娜", server_team, sex=2, phone="13800000004")
    tom = _person("tom", "Tom Becker", sales, sex=1, email="tom@starriver.example")
    # Long ago, so that nothing below depends on what happens within a second.
    IMDepart.objects.update(created=LONG_AGO, updated=LONG_AGO)
    IMUser.objects.update(created=LONG_AGO, updated=LONG_AGO)
    return Company(top, server_team, sales, lina, tom)


@pytest.fixture
def operator(db: None, settings: Settings) -> Operator:
    # The real hasher takes half a second, on purpose.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    return Operator.objects.create_superuser("olga", password="op-secret-1")


@pytest.fixture
def console(operator: Operator) -> Client:
    client = Client()
    client.force_login(operator)
    return client


def _department(name: str, parent_id: int) -> int:
    return users.create_department(DepartmentCard(name, parent_id=parent_id)).depart_id


def _person(
    name: str, nick: str, depart_id: int, sex: int, phone: str = "", email: str = ""
) -> int:
    card = UserCard(name, nick, depart_id, sex=sex, phone=phone, email=email)
    return users.create_user(card, "first-password").user_id
