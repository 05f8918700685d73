"""What operators may say in the environment: read forgivingly, checked strictly.

Blanks around a value, or around the entries of a list, mean nothing, and an empty value is as good
as none.  What then is no number, no yes or no, or out of its range is refused with one line.
"""

import builtins
import ipaddress
import math
import os
import re
from collections.abc import Mapping, Sequence
from typing import TypeVar
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

from im import addresses

_YES = ("1", "true", "t", "yes", "y", "on", "ok")
_NO = ("0", "false", "f", "no", "n", "off", "none")
_WHOLE = re.compile(r"[+-]?[0-9]+")


N = TypeVar("N", int, float)


class Environment:
    """Each method reads one setting, and raises ImproperlyConfigured with its name."""

    def __init__(self, environment: Mapping[builtins.str, builtins.str] = os.environ) -> None:
        self._environment = environment

    def str(self, name: builtins.str, *, default: builtins.str) -> builtins.str:
        """Return a text."""
        return self._environment.get(name, "").strip() or default

    def bool(self, name: builtins.str, *, default: builtins.bool) -> builtins.bool:
        """Return a yes or a no."""
        text = self.str(name, default="").lower()
        if not text:
            return default
        if text not in _YES + _NO:
            raise ImproperlyConfigured(f"{name}: {text!r} is neither true nor false")
        return text in _YES

    def int(
        self,
        name: builtins.str,
        *,
        default: builtins.int,
        at_least: builtins.int = 0,
        at_most: builtins.int | None = None,
    ) -> builtins.int:
        """Return a whole number of the range."""
        text = self.str(name, default=str(default))
        if not _WHOLE.fullmatch(text):
            raise ImproperlyConfigured(f"{name}: {text!r} is no whole number")
        return _within(name, int(text), at_least, at_most)

    def port(self, name: builtins.str, *, default: builtins.int) -> builtins.int:
        """Return a TCP port; 0 is one, too."""
        return self.int(name, default=default, at_most=addresses.MAX_PORT)

    def float(
        self,
        name: builtins.str,
        *,
        default: builtins.float,
        at_least: builtins.float = 0.0,
        at_most: builtins.float | None = None,
    ) -> builtins.float:
        """Return a number of the range, which never is infinite."""
        text = self.str(name, default=str(default))
        try:
            number = float(text) if text.isascii() and "_" not in text else math.nan
        except ValueError:
            number = math.nan
        if not math.isfinite(number):
            raise ImproperlyConfigured(f"{name}: {text!r} is no number")
        return _within(name, number, at_least, at_most)

    def list(
        self, name: builtins.str, *, default: Sequence[builtins.str]
    ) -> builtins.list[builtins.str]:
        """Return what stands between commas."""
        entries = self.str(name, default="").split(",")
        return [entry.strip() for entry in entries if entry.strip()] or list(default)

    def one_of(
        self, name: builtins.str, allowed: Sequence[builtins.str], *, default: builtins.str
    ) -> builtins.str:
        """Return one of these words, in whatever case it is written."""
        text = self.str(name, default=default)
        found = [word for word in allowed if word.lower() == text.lower()]
        if not found:
            raise ImproperlyConfigured(f"{name}: {text!r} is none of {', '.join(allowed)}")
        return found[0]

    def host(self, name: builtins.str, *, default: builtins.str) -> builtins.str:
        """Return a name or an IP address, without brackets."""
        text = self.str(name, default=default)
        if text and not addresses.is_host(text):
            raise ImproperlyConfigured(
                f"{name}: {text!r} is no host (a name or an address, without scheme and port)"
            )
        return addresses.bare(text)

    def hosts(
        self, name: builtins.str, *, default: Sequence[builtins.str]
    ) -> builtins.list[builtins.str]:
        """Return hosts as Host headers name them; `*` and `.example.com` are patterns for some."""
        found = self.list(name, default=default)
        for host in found:
            if host != "*" and not addresses.is_host(host.removeprefix(".").removeprefix("*.")):
                raise ImproperlyConfigured(
                    f"{name}: {host!r} is no host (a name or an address, without scheme and port)"
                )
        return list(dict.fromkeys(addresses.in_url(host) for host in found))

    def places(
        self, name: builtins.str, *, default: Sequence[builtins.str]
    ) -> builtins.list[tuple[builtins.str, builtins.int]]:
        """Return hosts with their ports."""
        try:
            return [addresses.split(entry) for entry in self.list(name, default=default)]
        except ValueError as exc:
            raise ImproperlyConfigured(f"{name}: {exc}") from exc

    def networks(
        self, name: builtins.str, *, default: Sequence[builtins.str]
    ) -> builtins.list[builtins.str]:
        """Return IP addresses and networks, all in the form of CIDR (10.0.0.0/8)."""
        try:
            return [
                str(ipaddress.ip_network(addresses.bare(entry), strict=False))
                for entry in self.list(name, default=default)
            ]
        except ValueError as exc:
            raise ImproperlyConfigured(f"{name}: {exc}, no network") from exc

    def url(self, name: builtins.str, *, default: builtins.str) -> builtins.str:
        """Return the address of a web server, without a slash at its end."""
        text = self.str(name, default=default)
        return _checked_url(name, text).rstrip("/") if text else ""

    def origins(
        self, name: builtins.str, *, default: Sequence[builtins.str]
    ) -> builtins.list[builtins.str]:
        """Return addresses of web servers as browsers name the origin of a page."""
        found = [_checked_url(name, text).rstrip("/") for text in self.list(name, default=default)]
        for origin in found:
            if urlsplit(origin).path:
                raise ImproperlyConfigured(
                    f"{name}: {origin!r} has more than scheme, host and port"
                )
        return found


def _within(name: str, number: N, at_least: N, at_most: N | None) -> N:
    if number < at_least:
        raise ImproperlyConfigured(f"{name}: {number} is less than {at_least}")
    if at_most is not None and number > at_most:
        raise ImproperlyConfigured(f"{name}: {number} is more than {at_most}")
    return number


def _checked_url(name: str, text: str) -> str:
    """Return the URL.  Raises ImproperlyConfigured if it is none of a web server."""
    try:
        parts = urlsplit(text)
        is_good = parts.scheme in ("http", "https") and parts.port != 0 and bool(parts.hostname)
    except ValueError:  # a port that is none, brackets that don't match
        is_good = False
    if not is_good or parts.username or parts.query or parts.fragment or " " in text:
        raise ImproperlyConfigured(f"{name}: {text!r} is no address like https://chat.example.com")
    return text
