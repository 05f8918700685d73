"""Whom a request comes from, with proxies in front that are trusted or not."""

from typing import Any

import pytest

from tcpgateway.http.forwarded import Proxies, rewrite

TRUSTED = Proxies(["10.0.0.0/24", "fd00::/64"])
EVERYBODY = Proxies(are_all=True)
NOBODY = Proxies()


def scope(peer: str | None, *forwarded: str, **headers: str) -> dict[str, Any]:
    """Return what daphne says of a request."""
    named = [(name.replace("_", "-").encode(), text.encode()) for name, text in headers.items()]
    return {
        "type": "http",
        "scheme": "http",
        "client": None if peer is None else [peer, 4711],
        "server": ["10.0.0.9", 8080],
        "headers": [(b"host", b"own.example:8080"), *named]
        + [(b"x-forwarded-for", line.encode()) for line in forwarded],
    }


@pytest.mark.parametrize(
    ("proxies", "peer", "forwarded", "client"),
    [
        (NOBODY, "10.0.0.1", ["203.0.113.7"], "10.0.0.1"),
        (TRUSTED, "203.0.113.9", ["203.0.113.7"], "203.0.113.9"),
        (TRUSTED, "10.0.0.1", [], "10.0.0.1"),
        (TRUSTED, "10.0.0.1", ["203.0.113.7"], "203.0.113.7"),
        (TRUSTED, "10.0.0.1", ["203.0.113.7:51234"], "203.0.113.7"),
        (TRUSTED, "10.0.0.1", ["[2001:db8::7]:443"], "2001:db8::7"),
        (TRUSTED, "10.0.0.1", ["[2001:db8::7]"], "2001:db8::7"),
        (TRUSTED, "fd00::1", ["2001:db8::7"], "2001:db8::7"),
        (TRUSTED, "::ffff:10.0.0.1", ["::ffff:203.0.113.7"], "203.0.113.7"),
        (TRUSTED, "10.0.0.1", ["203.0.113.7, 10.0.0.2:80,[fd00::2]:1"], "203.0.113.7"),
        (TRUSTED, "10.0.0.1", ["203.0.113.7", "10.0.0.2"], "203.0.113.7"),
        (TRUSTED, "10.0.0.1", ["1.1.1.1, 203.0.113.7"], "203.0.113.7"),
        (TRUSTED, "10.0.0.1", ["1.1.1.1, unknown, 10.0.0.2"], "10.0.0.2"),
        (TRUSTED, "10.0.0.1", ["unknown"], "10.0.0.1"),
        (TRUSTED, "10.0.0.1", ["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
        (TRUSTED, None, ["203.0.113.7"], "203.0.113.7"),
        (EVERYBODY, "203.0.113.9", ["203.0.113.7:1"], "203.0.113.7"),
        (EVERYBODY, "203.0.113.9", ["203.0.113.7, 10.0.0.1"], "203.0.113.7"),
        (EVERYBODY, "203.0.113.9", ["_hidden"], "203.0.113.9"),
        (EVERYBODY, "203.0.113.9", [], "203.0.113.9"),
    ],
)
def test_a_request_comes_from_the_first_that_is_no_proxy(
    proxies: Proxies, peer: str | None, forwarded: list[str], client: str
) -> None:
    request = scope(peer, *forwarded)

    rewrite(request, proxies)

    assert request["client"][0] == client


def test_a_proxy_says_what_the_client_has_asked() -> None:
    request = scope("10.0.0.1", x_forwarded_proto="https", x_forwarded_host="im.example")
    bare, rude = scope("10.0.0.1"), scope("10.0.0.1", x_forwarded_proto="gopher")
    foreign = scope("203.0.113.9", x_forwarded_proto="https", x_forwarded_host="im.example")

    for one in (request, bare, rude, foreign):
        rewrite(one, TRUSTED)

    assert (request["scheme"], request["server"]) == ("https", ["im.example", 443])
    assert (bare["scheme"], bare["server"]) == ("http", ["own.example", 8080])
    assert rude["scheme"] == "http"
    assert (foreign["scheme"], foreign["server"]) == ("http", ["10.0.0.9", 8080])


def test_an_ipv4_address_in_ipv6_form_is_one() -> None:
    request = scope("::ffff:203.0.113.9")

    rewrite(request, NOBODY)

    assert request["client"] == ["203.0.113.9", 4711]
