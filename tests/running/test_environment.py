"""Settings in the environment: blanks mean nothing, nonsense is named with its setting."""

import pytest
from django.core.exceptions import ImproperlyConfigured

from teamtalk_site.environment import Environment
from tests.conftest import manage


def read(value: str) -> Environment:
    return Environment({"X": value})


@pytest.mark.parametrize("value", ["", "  ", "\n"])
def test_what_is_empty_is_as_good_as_not_there(value: str) -> None:
    env = read(value)

    assert env.int("X", default=7) == 7
    assert env.bool("X", default=True)
    assert env.list("X", default=["a"]) == ["a"]
    assert env.str("X", default="text") == "text"
    assert Environment({}).port("X", default=8080) == 8080


def test_blanks_around_values_mean_nothing() -> None:
    assert read(" 7 ").int("X", default=0) == 7
    assert read(" 0.5\t").float("X", default=0) == 0.5
    assert read(" Yes ").bool("X", default=False)
    assert read(" a , b,,c ,").list("X", default=[]) == ["a", "b", "c"]
    assert read(" info ").one_of("X", ["DEBUG", "INFO"], default="DEBUG") == "INFO"
    assert read(" https://a.example/ ").url("X", default="") == "https://a.example"
    assert read("https://a.example, http://b.example:8080/").origins("X", default=[]) == [
        "https://a.example",
        "http://b.example:8080",
    ]


@pytest.mark.parametrize("value", ["ture", "2", "-", "yess", "no way"])
def test_what_is_neither_yes_nor_no_is_refused(value: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=f"X: '{value}' is neither true nor false"):
        read(value).bool("X", default=False)


@pytest.mark.parametrize("value", ["many", "1.5", "1_000", "٣", "0x10", "1 000", "10s", "--1"])
def test_what_is_no_whole_number_is_refused(value: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=r"X: .* is no whole number"):
        read(value).int("X", default=1)


@pytest.mark.parametrize("value", ["many", "nan", "inf", "-inf", "1,5", "1_0", "٣"])
def test_what_is_no_number_is_refused(value: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=r"X: .* is no number"):
        read(value).float("X", default=1)


def test_numbers_have_a_range_and_none_is_negative() -> None:
    with pytest.raises(ImproperlyConfigured, match="X: -1 is less than 0"):
        read("-1").int("X", default=1)
    with pytest.raises(ImproperlyConfigured, match="X: 0 is less than 1"):
        read("0").int("X", default=1, at_least=1)
    with pytest.raises(ImproperlyConfigured, match=r"X: -0\.5 is less than 0"):
        read("-0.5").float("X", default=1)
    with pytest.raises(ImproperlyConfigured, match="X: 65536 is more than 65535"):
        read("65536").port("X", default=1)


def test_hosts_are_written_as_host_headers_are() -> None:
    hosts = read("a.example, .b.example,fd00::10,[::1],*").hosts("X", default=[])

    assert hosts == ["a.example", ".b.example", "[fd00::10]", "[::1]", "*"]
    assert read(" [fd00::10] ").host("X", default="") == "fd00::10"


@pytest.mark.parametrize("value", ["http://a.example", "a.example:80", "a b", "a;b", "fd00::x"])
def test_what_is_no_host_is_refused(value: str) -> None:
    for method in (read(value).host, read(value).hosts):
        with pytest.raises(ImproperlyConfigured, match=r"X: .* is no host"):
            method("X", default="")


@pytest.mark.parametrize(
    "value",
    [
        "a.example",
        "ftp://a.example",
        "https://",
        "http://fd00::10:8080",
        "http://a:b",
        "http://a:0",
        "http://[::1",
        "https://a b",
        "https://u:p@a.example",
        "https://a.example/?q=1",
    ],
)
def test_what_is_no_address_of_a_web_server_is_refused(value: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=r"X: .* is no address like"):
        read(value).url("X", default="")


def test_an_origin_has_no_path() -> None:
    with pytest.raises(ImproperlyConfigured, match=r"X: .* has more than scheme, host and port"):
        read("https://a.example/chat").origins("X", default=[])


@pytest.mark.parametrize(
    ("setting", "value", "complaint"),
    [
        ("DEBUG", "ture", "DEBUG: 'ture' is neither true nor false"),
        ("IM_BATCH_ITEMS", "0", "IM_BATCH_ITEMS: 0 is less than 1"),
        ("IM_HTTP_PORT", "99999", "IM_HTTP_PORT: 99999 is more than 65535"),
        ("IM_DRAIN_SECONDS", "-1", "IM_DRAIN_SECONDS: -1.0 is less than 0"),
        ("IM_ADVERTISED_HOST", "0.0.0.0", "IM_ADVERTISED_HOST: no client can connect to 0.0.0.0"),
        ("IM_ADVERTISED_HOST", "a.example:8000", "IM_ADVERTISED_HOST: 'a.example:8000' is no host"),
        ("IM_AES_KEY", "short", "IM_AES_KEY has 5 bytes instead of 32"),
        ("REDIS_URL", "redis://localhost:x/0", "REDIS_URL must look like"),
        ("LANGUAGE_CODE", "tlh", "LANGUAGE_CODE: 'tlh' is none of en, zh-hans"),
    ],
)
def test_a_command_says_in_one_line_what_is_wrong(setting: str, value: str, complaint: str) -> None:
    with pytest.raises(Exception, match="returned non-zero") as refused:
        manage("check", database_url="sqlite://:memory:", **{setting: value})

    said = refused.value.stderr.strip().splitlines()  # type: ignore[attr-defined]
    assert len(said) == 1
    assert complaint in said[0]
