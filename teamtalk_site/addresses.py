"""Addresses in settings: a host and a port in one text, and networks."""

from collections.abc import Iterable
from ipaddress import ip_network

from django.core.exceptions import ImproperlyConfigured

MAX_PORT = 65535


def host_and_port(setting: str, text: str) -> tuple[str, int]:
    """Return the two parts of `host:port` or `[IPv6 address]:port`.

    Raises ImproperlyConfigured, with the setting's name, when it is neither.
    """
    host, _, port = text.strip().rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not host or not (port.isascii() and port.isdigit() and 0 < int(port) <= MAX_PORT):
        raise ImproperlyConfigured(f"{setting}: {text!r} is no host:port")
    return host, int(port)


def networks(setting: str, texts: Iterable[str]) -> list[str]:
    """Return networks in the form of CIDR.  Raises ImproperlyConfigured for what is none."""
    found = []
    for text in filter(None, map(str.strip, texts)):
        try:
            found.append(str(ip_network(text, strict=False)))
        except ValueError as exc:
            raise ImproperlyConfigured(f"{setting}: {text!r} is no network") from exc
    return found
