"""Scripts and styles of the chat page, under a path that names their content.

Browsers keep them for good, a change makes a new path, and modules import each other by their plain
names: there is nothing to build.  A dozen small files are read and compressed once, at start.
"""

import gzip
import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_GET

DIRECTORY = Path(__file__).resolve().parent.parent / "static" / "chat"
_TYPES = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
}
_YEAR_S = 365 * 24 * 3600


@dataclass(frozen=True, slots=True)
class Assets:
    """The files by name, as (content type, content, compressed), and the hash of all of them."""

    version: str
    files: dict[str, tuple[str, bytes, bytes]]


@cache
def assets() -> Assets:
    """Return what stands in the directory."""
    digest = hashlib.sha256()
    files = {}
    for path in sorted(DIRECTORY.iterdir()):
        content = path.read_bytes()
        digest.update(path.name.encode() + b"\0" + content)
        files[path.name] = (_TYPES[path.suffix], content, gzip.compress(content, mtime=0))
    return Assets(digest.hexdigest()[:16], files)


@require_GET
def asset(request: HttpRequest, version: str, name: str) -> HttpResponse:
    """Answer with a file; a page that was open before an update gets the present one."""
    found = assets().files.get(name)
    if found is None:
        return HttpResponse(status=404)
    content_type, content, compressed = found
    takes_gzip = "gzip" in request.headers.get("Accept-Encoding", "")
    response = HttpResponse(compressed if takes_gzip else content, content_type=content_type)
    if takes_gzip:
        response["Content-Encoding"] = "gzip"
    response["Vary"] = "Accept-Encoding"
    is_present = version == assets().version
    response["Cache-Control"] = (
        f"public, max-age={_YEAR_S}, immutable" if is_present else "no-cache"
    )
    response["X-Content-Type-Options"] = "nosniff"
    return response
