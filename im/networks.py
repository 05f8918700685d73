"""Networks: what the address of a client counts as."""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from im import addresses

_IPV6_HOME = 64  # bits that one customer of a provider gets at least
UNKNOWN = "?"  # the address of who has none, behind a Unix socket


def home_of(peer: str) -> str:
    """Return what an address counts as: itself, or the /64 network of an IPv6 address.

    Takes what transports and requests say: with or without a port, brackets, a zone.  What is no
    address counts as UNKNOWN.
    """
    found = _address(peer)
    if isinstance(found, IPv6Address):
        return str(ip_network((int(found), _IPV6_HOME), strict=False))
    return str(found or UNKNOWN)


def is_within(peer: str, networks: Iterable[str]) -> bool:
    """Tell whether an address is in one of these networks, written as in CIDR."""
    found = _address(peer)
    return found is not None and any(
        found in ip_network(network, strict=False) for network in networks
    )


def _address(peer: str) -> IPv4Address | IPv6Address | None:
    """Return the address; an IPv4 one that came in IPv6's form as what it is."""
    text = addresses.ip_of(peer)
    return ip_address(text) if text else None
