"""The small-file server of the original (msfs): pictures come in by POST and go out by GET.

Nobody logs in to read: who knows a path, which nobody guesses, may.  A path has one content for
ever, so its hash is the entity tag.
"""

import asyncio
from typing import Self

from django.core.files import File
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.utils.http import parse_etags

from im.services.media import small_files
from im.views import byte_ranges
from im.views.uploads import HTML, upload

_IMAGES = {
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "png": "image/png",
    "gif": "image/gif",
}
_YEAR_S = 365 * 24 * 3600
_CHUNK_BYTES = 128 * 1024


async def small_file(request: HttpRequest) -> HttpResponseBase:
    """Take or give a file (spec/periphery 3)."""
    if request.method == "POST":
        return await upload(request)
    if request.method not in ("GET", "HEAD"):
        return _empty(403)
    path = request.path_info.removeprefix("/")
    file = await asyncio.to_thread(small_files.open_file, path)
    if file is None:
        return _empty(404)
    response = _answer(request, file, f'"{small_files.name_of(path)}"')
    _describe(response, path)
    return response


def _answer(request: HttpRequest, file: "File[bytes]", etag: str) -> HttpResponseBase:
    """Return the file or a part of it; or neither, and close it."""
    status, part = _outcome(request, file.size, etag)
    if status in (304, 416) or request.method == "HEAD":
        file.close()
        response: HttpResponseBase = HttpResponse(status=status)
    else:
        file.seek(part.start)
        response = StreamingHttpResponse(_Chunks(file, len(part)), status=status)
    if status == 206:
        response["Content-Range"] = f"bytes {part.start}-{part.stop - 1}/{file.size}"
    elif status == 416:
        response["Content-Range"] = f"bytes */{file.size}"
    if status != 304:
        response["Content-Length"] = str(len(part))
    response["ETag"] = etag
    return response


def _outcome(request: HttpRequest, size_bytes: int, etag: str) -> tuple[int, range]:
    """Return the status of the answer, and which bytes are in it."""
    if _has(request, etag):
        return 304, range(0)
    if request.method == "GET" and request.headers.get("If-Range", etag) == etag:
        try:
            part = byte_ranges.wanted(request.headers.get("Range", ""), size_bytes)
        except byte_ranges.Unsatisfiable:
            return 416, range(0)
        if part is not None:
            return 206, part
    return 200, range(size_bytes)


def _has(request: HttpRequest, etag: str) -> bool:
    """Tell whether the client has the file already."""
    known = parse_etags(request.headers.get("If-None-Match", ""))
    return "*" in known or etag in (one.removeprefix("W/") for one in known)


def _describe(response: HttpResponseBase, path: str) -> None:
    """Say what kind of file it is, and how long it may be kept."""
    image_type = _IMAGES.get(small_files.extension_of(path))
    response["Content-Type"] = image_type or "application/octet-stream"
    if image_type is None:
        response["Content-Disposition"] = "attachment"
    response["Accept-Ranges"] = "bytes"
    response["X-Content-Type-Options"] = "nosniff"  # anybody may upload HTML under a picture's name
    response["Cache-Control"] = f"private, max-age={_YEAR_S}, immutable"
    response["Connection"] = "close"


class _Chunks:
    """So many bytes of a file, read in a thread as the connection asks for them."""

    def __init__(self, file: "File[bytes]", size_bytes: int) -> None:
        self._file = file
        self._left = size_bytes

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        wanted = min(self._left, _CHUNK_BYTES)
        chunk: bytes = await asyncio.to_thread(self._file.read, wanted) if wanted else b""
        if not chunk:
            raise StopAsyncIteration
        self._left -= len(chunk)
        return chunk

    def close(self) -> None:
        """Close the file; Django does it at the end of the request, however that comes."""
        self._file.close()


def _empty(status: int) -> HttpResponse:
    response = HttpResponse(status=status, content_type=HTML)
    response["Connection"] = "close"
    return response
