"""The stored form of passwords, which the schema and existing databases fix."""

import re

import pytest

from im.services.identity import passwords


@pytest.mark.parametrize(
    ("plain", "wire"),
    [
        ("", "d41d8cd98f00b204e9800998ecf8427e"),
        ("pass", "1a1dc91c907325c69271ddf0c944bc72"),
        ("密码", "a8105204604a0b11e916f3879aae3b0b"),
    ],
)
def test_what_clients_send_is_the_hex_md5_of_the_utf8_bytes(plain: str, wire: str) -> None:
    assert passwords.wire_password(plain) == wire


def test_a_row_of_an_existing_database_verifies() -> None:
    wire = passwords.wire_password("pass")

    # MD5(CONCAT(MD5('pass'), '0042')), as MySQL computes it.
    assert passwords.matches(wire, "17b7333fc89f3d7576036ff889b735f6", "0042")


def test_every_hash_has_a_salt_of_its_own_that_fits_the_column() -> None:
    hashes = [passwords.hash_password("same") for _ in range(50)]

    assert len({stored for stored, _ in hashes}) > 40
    assert all(re.fullmatch(r"\d{4}", salt) for _, salt in hashes)
    assert all(re.fullmatch(r"[0-9a-f]{32}", stored) for stored, _ in hashes)
    wire = passwords.wire_password("same")
    assert all(passwords.matches(wire, stored, salt) for stored, salt in hashes)


@pytest.mark.parametrize("wire", ["", "pass", "密码", "1A1DC91C907325C69271DDF0C944BC72"])
def test_nothing_but_the_exact_digest_verifies(wire: str) -> None:
    stored, salt = passwords.hash_password("pass")

    assert not passwords.matches(wire, stored, salt)


def test_an_empty_stored_password_lets_nobody_in() -> None:
    assert not passwords.matches(passwords.wire_password(""), "", "")


def test_a_mark_tells_every_stored_password_from_every_other() -> None:
    stored = [("ab", "c"), ("a", "bc"), ("abc", ""), ("", "abc"), ("ab", "d")]

    assert len({passwords.mark(*one) for one in stored}) == len(stored)
    assert passwords.mark("ab", "c") == passwords.mark("ab", "c")
