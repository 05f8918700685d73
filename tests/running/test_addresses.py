"""Addresses in settings: what is one, and what an operator hears of the others."""

import pytest
from django.core.exceptions import ImproperlyConfigured

from teamtalk_site.addresses import host_and_port


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("192.0.2.7:8600", ("192.0.2.7", 8600)),
        (" files.example.com:1 ", ("files.example.com", 1)),
        ("[2001:db8::7]:65535", ("2001:db8::7", 65535)),
    ],
)
def test_an_address_is_a_host_and_a_port(text: str, address: tuple[str, int]) -> None:
    assert host_and_port("IM_FILE_SERVERS", text) == address


@pytest.mark.parametrize(
    "text", ["", "8600", ":8600", "host", "host:", "host:0", "host:65536", "a:٣"]
)
def test_anything_else_is_named_with_its_setting(text: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="IM_FILE_SERVERS"):
        host_and_port("IM_FILE_SERVERS", text)
