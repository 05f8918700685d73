"""Addresses: how they are written, and what is read from proxies and operators."""

import pytest

from im import addresses


@pytest.mark.parametrize(
    ("host", "written"),
    [
        ("10.0.0.7", "10.0.0.7:80"),
        ("im.example", "im.example:80"),
        ("fd00::10", "[fd00::10]:80"),
        ("[fd00::10]", "[fd00::10]:80"),
    ],
)
def test_an_ipv6_address_is_written_in_brackets(host: str, written: str) -> None:
    assert addresses.place(host, 80) == written
    assert addresses.url("http", host, 80) == f"http://{written}"


@pytest.mark.parametrize(
    ("host", "is_everywhere"),
    [
        *((host, True) for host in ("0.0.0.0", "::", "[::]", "", " ")),
        *((host, False) for host in ("127.0.0.1", "::1", "im.example")),
    ],
)
def test_all_addresses_of_a_host_are_none(host: str, is_everywhere: bool) -> None:
    assert addresses.is_everywhere(host) is is_everywhere


@pytest.mark.parametrize(
    ("said", "address"),
    [
        ("203.0.113.7", "203.0.113.7"),
        (" 203.0.113.7:51234 ", "203.0.113.7"),
        ("2001:db8::7", "2001:db8::7"),
        ("[2001:DB8::7]", "2001:db8::7"),
        ("[2001:db8::7]:443", "2001:db8::7"),
        ('"[2001:db8::7]:443"', "2001:db8::7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("fe80::1%eth0", "fe80::1"),
        ("[fe80::1%eth0]:80", "fe80::1"),
        ("unknown", ""),
        ("", ""),
        ("1.2.3", ""),
        ("im.example:80", ""),
    ],
)
def test_of_what_others_say_the_address_alone_counts(said: str, address: str) -> None:
    assert addresses.ip_of(said) == address


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("192.0.2.7:8600", ("192.0.2.7", 8600)),
        (" files.example.com:1 ", ("files.example.com", 1)),
        ("[2001:db8::7]:65535", ("2001:db8::7", 65535)),
    ],
)
def test_a_place_is_a_host_and_a_port(text: str, address: tuple[str, int]) -> None:
    assert addresses.split(text) == address


@pytest.mark.parametrize(
    "text",
    ["", "8600", ":8600", "host", "host:", "host:0", "host:65536", "a:٣", "fd00::1:80", "a b:80"],
)
def test_anything_else_is_none(text: str) -> None:
    with pytest.raises(ValueError, match="is no host:port"):
        addresses.split(text)


@pytest.mark.parametrize(
    ("header", "is_named"),
    [
        ("im.example", True),
        ("im.example:8080", True),
        ("under_score", True),
        ("10.1.2.3:80", True),
        ("[fd00::10]", True),
        ("[fd00::10]:8080", True),
        ("fd00::10", False),
        ("fd00::10:8080", False),
        ("[::1", False),
        ("[im.example]", False),
        ("a,b", False),
        ("a b", False),
        ("", False),
        (":80", False),
        ("a:b", False),
        ("a:99999", False),
        ("例子", False),
    ],
)
def test_a_host_header_names_a_host_or_is_nonsense(header: str, is_named: bool) -> None:
    assert addresses.is_named(header) is is_named
