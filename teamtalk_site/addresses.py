"""Addresses in settings: a host and a port in one text."""

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
