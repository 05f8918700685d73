"""Addresses on the network: how a host and a port are written, and what is read from others.

Whoever shows, stores or hands out an address makes it here: an IPv6 address needs its brackets.
"""

import ipaddress
import re

MAX_PORT = 65535

_NAME = re.compile(r"[A-Za-z0-9._-]{1,253}")
_HEADER = re.compile(r"(?P<host>[^:]*|\[[^]]*\])(?::(?P<port>[0-9]{1,5}))?")


def place(host: str, port: int) -> str:
    """Return `host:port`, or `[IPv6 address]:port`."""
    return f"{in_url(host)}:{port}"


def url(scheme: str, host: str, port: int) -> str:
    """Return the address of a web server, without a slash at its end."""
    return f"{scheme}://{place(host, port)}"


def in_url(host: str) -> str:
    """Return a host as URLs and Host headers name it."""
    return f"[{host}]" if ":" in host and not host.startswith("[") else host


def bare(host: str) -> str:
    """Return a host without brackets and blanks, as sockets and discovery name it."""
    host = host.strip()
    return host[1:-1] if host.startswith("[") and host.endswith("]") else host


def is_everywhere(host: str) -> bool:
    """Tell whether this is no host, but all addresses of one: 0.0.0.0, ::, nothing."""
    try:
        return ipaddress.ip_address(bare(host)).is_unspecified
    except ValueError:
        return not bare(host)


def is_loopback(host: str) -> bool:
    """Tell whether only this machine means itself by it."""
    found = _ip(host)
    return found is not None and found.is_loopback


def ip_of(text: str) -> str:
    """Return the IP address in what a transport or a proxy says; "" if there is none.

    A port, brackets, a zone and the IPv6 form of an IPv4 address are left out.
    """
    found = _ip(text)
    return "" if found is None else str(found)


def _ip(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    text = text.strip().strip('"')
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        found = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found


def split(text: str) -> tuple[str, int]:
    """Return the parts of `host:port` or `[IPv6 address]:port`.  Raises ValueError else."""
    host, port = host_and_port(text.strip()) if is_named(text.strip()) else ("", 0)
    if not port:
        raise ValueError(f"{text!r} is no host:port")
    return host, port


def host_and_port(header: str) -> tuple[str, int]:
    """Return the parts of a Host header that `is_named`; 0 where it has no port."""
    found = _HEADER.fullmatch(header)
    assert found is not None
    return bare(found["host"]), int(found["port"] or 0)


def is_named(header: str) -> bool:
    """Tell whether a Host header names a host, with or without a port."""
    found = _HEADER.fullmatch(header)
    return bool(found and is_host(found["host"]) and int(found["port"] or 0) <= MAX_PORT)


def is_host(text: str) -> bool:
    """Tell whether this can be a host: a name, or an IP address, in brackets or not."""
    host = bare(text)
    if ":" not in host and host == text.strip():
        return _NAME.fullmatch(host) is not None
    try:
        ipaddress.IPv6Address(host)
    except ValueError:
        return False
    return True
