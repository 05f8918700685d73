"""What can be a password, and in whose language a refusal is."""

import pytest
from django.utils import translation
from pytest_django.fixtures import Settings

from im.services.identity.password_rules import check_password

OWNER = {
    "name": "zhangwei",
    "nick": "张伟",
    "phone": "13800138000",
    "email": "wei.zhang@starriver.example",
    "domain": "",
}


@pytest.mark.parametrize(
    "password",
    [
        "",
        "short",
        "7 chars",
        "aaaaaaaa",
        "aAaAaAaA",
        "abababab",
        "        ",
        "11111111",
        "12312312",
        "好好好好好好好好",
        "password",
        "12345678",
        "qwertyuiop",
        "zhangwei",
        "ZhangWei",
        "zhangwei1",
        "iewgnahz1"[::-1],
        "13800138000",
        "138001380",
        "wei.zhang",
        129 * "ab",
    ],
)
def test_what_others_guess_is_no_password(password: str) -> None:
    assert check_password(password, OWNER)


@pytest.mark.parametrize(
    "password",
    ["correct horse", "first-password", "吃葡萄不吐葡萄皮", "tr0ub4dor&3", "86 blue doors"],
)
def test_a_sentence_of_ones_own_is_one(password: str) -> None:
    assert check_password(password, OWNER) == ()
    assert check_password(password) == ()


def test_how_long_it_has_to_be_is_a_setting(settings: Settings) -> None:
    settings.IM_PASSWORD_CHARACTERS = 14

    [problem] = check_password("correct horse")

    assert problem.text == "A password needs at least 14 characters."


@pytest.mark.parametrize("password", ["short", "aaaaaaaa", "password", "zhangwei"])
def test_the_refusal_is_in_the_language_of_the_page(password: str) -> None:
    with translation.override("zh-hans"):
        [problem, *_] = check_password(password, OWNER)

    assert any("一" <= character <= "鿿" for character in problem.text)
