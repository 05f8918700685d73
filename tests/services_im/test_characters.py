"""Which characters names may hold."""

import pytest

from im.services.directory.users import (
    USER_TEXTS,
    DepartmentCard,
    create_department,
    value_problems,
)
from im.services.validation import InvalidFields

UNSEEN = [
    "\u200b", "\u200d", "\u202e", "\u2066", "\ufeff", "\u00ad", "\u2028", "\u2029", "\u0007",
    "\u2060", "\U000e0061", "\u3164", "\u2800", "\ufe0f", "\u034f", "\u180b",
]  # fmt: skip


def problem(field: str, value: str) -> str:
    return " ".join(found.text for found in value_problems({field: value}))


@pytest.mark.parametrize("char", [*UNSEEN, "\u00a0", "\u3000", "\u2003"])
def test_login_names_hold_nothing_that_is_not_seen(char: str) -> None:
    assert problem("name", f"li{char}na")


def test_the_reason_names_the_character() -> None:
    assert "U+200B ZERO WIDTH SPACE" in problem("name", "lina\u200b")


@pytest.mark.parametrize("name", ["lina", "李娜", "li na", "o'brien", "müller", "lina@example.com"])
def test_login_names_of_visible_letters_are_taken(name: str) -> None:
    assert problem("name", name) == ""


def test_letters_made_of_several_characters_would_look_like_others() -> None:
    assert "several characters" in problem("name", "mu\u0308ller")


@pytest.mark.parametrize("field", [rule.field for rule in USER_TEXTS if rule.field != "email"])
@pytest.mark.parametrize(
    "char", ["\u200b", "\u202e", "\u2066", "\ufeff", "\u2028", "\u0007", "\u3164"]
)
def test_no_text_of_a_person_turns_the_line_or_hides(field: str, char: str) -> None:
    assert problem(field, f"a{char}b")


@pytest.mark.parametrize("text", ["小明😀👨\u200d👩\u200d👧", "❤\ufe0f", "می\u200cخواهم", "𠮷野家"])
def test_nicknames_keep_what_joins_emoji_and_letters(text: str) -> None:
    assert problem("nick", text) == ""
    assert problem("sign_info", text) == ""


def test_a_nickname_of_joiners_alone_is_none() -> None:
    assert problem("nick", "\u200d\u200d")


@pytest.mark.django_db
def test_departments_hold_nothing_misleading() -> None:
    with pytest.raises(InvalidFields, match=r"U\+202E"):
        create_department(DepartmentCard("Sales\u202egpj"))
