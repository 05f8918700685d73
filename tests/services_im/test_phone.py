"""Phone numbers as people write them."""

import pytest

from im.services.directory import phone


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("13800138000", "13800138000"),
        ("+86 13800138000", "13800138000"),
        ("+86-138-0013-8000", "13800138000"),
        ("+86 (138) 0013 8000", "13800138000"),
        ("(+86)13800138000", "13800138000"),
        ("0086 13800138000", "13800138000"),
        ("8613800138000", "13800138000"),
        ("＋８６ １３８００１３８０００", "13800138000"),
        ("１３８００１３８０００", "13800138000"),
        ("\u202d13800138000\u202c", "13800138000"),
        ("138 0013 8000", "13800138000"),
        ("138－0013－8000", "13800138000"),
        ("+86 21 1234 5678", "02112345678"),
        ("010-65529988", "01065529988"),
        ("010-1234567", "010-1234567"),  # it fits
        ("+86 1380", "+86 1380"),  # no number of China's
        ("+44 20 7946 0958", "+44 20 7946 0958"),
        ("8001", "8001"),
        ("1.38001E+10", "1.38001E+10"),
        ("", ""),
    ],
)
def test_a_number_is_kept_as_the_column_takes_it(written: str, kept: str) -> None:
    assert phone.tidy(written) == kept


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        ("1.38001E+10", "has shortened this number"),
        ("1,38E10", "has shortened this number"),
        ("+44 20 7946 0958", "as it is dialled there, like 01701234567"),
        ("0049 (170) 1234567", "as it is dialled there"),
        ("+86 138 0013 8000 12", "as in 13800138000"),
        ("0755-12345678", "as in 13800138000"),
        ("12 ext. 3", "digits, +, -"),
    ],
)
def test_what_does_not_fit_is_refused_with_what_would(number: str, reason: str) -> None:
    assert reason in phone.problem_of(number)


@pytest.mark.parametrize("number", ["", "13800138000", "+86 1380", "010-1234567"])
def test_what_fits_is_taken(number: str) -> None:
    assert phone.problem_of(number) == ""
