"""Whom a request really comes from: what proxies in front say, as far as they are to be believed.

A proxy appends the address of its own peer to X-Forwarded-For, so the list is read from its end:
entries of proxies that we trust are passed over, and the first other one is the client.  What is
further left was said by the client itself.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from im import addresses
from im.networks import is_within

Scope = dict[str, Any]  # ASGI's

_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Proxies:
    """Those in front of us, by their addresses.

    `are_all`: everybody who reaches us is a proxy that *replaces* X-Forwarded-For (what daphne's
    --proxy-headers says), so its first entry is the client.
    """

    networks: Sequence[str] = ()
    are_all: bool = False

    def trust(self, address: str) -> bool:
        """Tell whether this is one of them; "" is the other end of a Unix socket."""
        if self.are_all or not address:
            return self.are_all or bool(self.networks)
        return is_within(address, self.networks)

    def client_behind(self, peer: str, forwarded: Iterable[str]) -> str:
        """Return the client by the lines of X-Forwarded-For, if `peer` is to be believed."""
        return self.client(_entries(forwarded), peer) if self.trust(peer) else peer

    def client(self, chain: Sequence[str], peer: str) -> str:
        """Return the address of the client, as far as somebody we trust has said one."""
        if self.are_all:
            first = addresses.ip_of(chain[0]) if chain else ""
            return first or peer
        client = peer
        for said in reversed(chain):
            address = addresses.ip_of(said)
            if not address:
                return client
            client = address
            if not self.trust(address):
                return client
        return client


def rewrite(scope: Scope, proxies: Proxies) -> None:
    """Let a request's `client`, `server` and `scheme` be those of the client.  Ports may be 0."""
    for end in ("client", "server"):
        if scope.get(end):
            host, port = scope[end]
            scope[end] = [addresses.ip_of(host) or host, port]
    peer = addresses.ip_of(scope["client"][0]) if scope.get("client") else ""
    if not proxies.trust(peer):
        return
    client = proxies.client_behind(peer, _lines(scope, b"x-forwarded-for"))
    if client and client != peer:
        scope["client"] = [client, 0]
    scheme = next(iter(_entries(_lines(scope, b"x-forwarded-proto"))), "").lower()
    if scheme in _PORTS and scope["type"] == "http":
        scope["scheme"] = scheme
    named = _entries([*_lines(scope, b"x-forwarded-host"), *_lines(scope, b"host")])
    if named and addresses.is_named(named[0]):
        host, port = addresses.host_and_port(named[0])
        scope["server"] = [host, port or _PORTS[scope.get("scheme", "http")]]


def _lines(scope: Scope, name: bytes) -> list[str]:
    headers: Iterable[tuple[bytes, bytes]] = scope.get("headers", ())
    return [value.decode("latin-1") for header, value in headers if header == name]


def _entries(lines: Iterable[str]) -> list[str]:
    """Return what stands between the commas of a header, however many lines it has."""
    return [entry.strip() for line in lines for entry in line.split(",") if entry.strip()]
