"""The small-file server of the original (msfs): pictures come in by POST and go out by GET.

Its clients take any answer for good that has status 200, look for `error_code` in it, and send
back the path they got.  Nobody logs in here: who knows a path, which nobody guesses, may read.
"""

import asyncio
from typing import Self

from django.core.files import File
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse

from im.services import small_files
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
    if request.method != "GET":
        return _empty(403)
    return await _download(request.path_info.removeprefix("/"))


async def _download(path: str) -> HttpResponseBase:
    file = await asyncio.to_thread(small_files.open_file, path)
    if file is None:
        return _empty(404)
    image_type = _IMAGES.get(small_files.extension_of(path))
    response = StreamingHttpResponse(
        _Chunks(file), content_type=image_type or "application/octet-stream"
    )
    if image_type is None:
        response["Content-Disposition"] = "attachment"
    response["Content-Length"] = str(file.size)
    response["X-Content-Type-Options"] = "nosniff"  # anybody may upload HTML under a picture's name
    response["Cache-Control"] = f"private, max-age={_YEAR_S}, immutable"  # a path has one content
    response["Connection"] = "close"
    return response


class _Chunks:
    """A file's content, read in a thread as the connection asks for it."""

    def __init__(self, file: "File[bytes]") -> None:
        self._file = file

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        chunk: bytes = await asyncio.to_thread(self._file.read, _CHUNK_BYTES)
        if not chunk:
            raise StopAsyncIteration
        return chunk

    def close(self) -> None:
        """Close the file; Django does it at the end of the request, however that comes."""
        self._file.close()


def _empty(status: int) -> HttpResponse:
    response = HttpResponse(status=status, content_type=HTML)
    response["Connection"] = "close"
    return response
