"""Parts of a file that a request asks for (RFC 9110, 14)."""

import re

_RANGE = re.compile(r"bytes\s*=\s*(\d{0,19})\s*-\s*(\d{0,19})\s*", re.IGNORECASE | re.ASCII)


class Unsatisfiable(Exception):
    """Nothing of the file is in the range."""


def wanted(header: str, size_bytes: int) -> range | None:
    """Return which bytes of a file a `Range` header asks for; None: all of it.

    That is the answer to anything else than one range of bytes, too, as the RFC allows.  Raises
    Unsatisfiable.
    """
    match = _RANGE.fullmatch(header.strip())
    if match is None or not any(match.groups()):
        return None
    first, last = match.groups()
    if not first:
        start, end = max(0, size_bytes - int(last)), size_bytes
    else:
        if last and int(last) < int(first):
            return None
        start, end = int(first), min(size_bytes, int(last) + 1) if last else size_bytes
    if start >= end:
        raise Unsatisfiable(f"{header} of {size_bytes} bytes")
    return range(start, end)
