"""The small-file server of the original (msfs): pictures come in by POST and go out by GET.

Its clients take any answer for good that has status 200, look for `error_code` in it, and send
back the path they got.  Nobody logs in here: who knows a path, which nobody guesses, may read.
"""

import asyncio
import json
import re
from typing import Any, Self, cast
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import SuspiciousOperation
from django.core.files import File
from django.core.files.uploadhandler import FileUploadHandler
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.http.multipartparser import MultiPartParser, MultiPartParserError

from im.services import small_files

_HTML = "text/html;charset=utf-8"  # what Mac and iOS insist on
_IMAGES = {
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "png": "image/png",
    "gif": "image/gif",
}
_YEAR_S = 365 * 24 * 3600
_CHUNK_BYTES = 128 * 1024
_MAX_NAME_CHARS = 255
_HOST = re.compile(r"[A-Za-z0-9.:_\[\]-]{1,255}")


async def small_file(request: HttpRequest) -> HttpResponseBase:
    """Take or give a file (spec/periphery 3)."""
    if request.method == "POST":
        return await upload(request)
    if request.method != "GET":
        return _empty(403)
    return await _download(request.path_info.removeprefix("/"))


# --- out --------------------------------------------------------------------------------------


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
    response = HttpResponse(status=status, content_type=_HTML)
    response["Connection"] = "close"
    return response


# --- in ---------------------------------------------------------------------------------------


class _NotTaken(Exception):
    """An upload that is not as it should be; `code` is the original's number for why."""

    def __init__(self, code: int) -> None:
        super().__init__(f"error {code}")
        self.code = code


async def upload(request: HttpRequest) -> HttpResponse:
    """Store the first file of a form; the answer names it by path and by URL."""
    try:
        path = await asyncio.to_thread(_receive, request)
    except _NotTaken as problem:
        return _answer(_failure(problem.code))
    return _answer(_success(path, f"{_site(request)}/{path}"))


def _receive(request: HttpRequest) -> str:
    if int(request.META.get("CONTENT_LENGTH") or 0) > settings.IM_SMALL_FILE_BYTES:
        raise _NotTaken(1)
    _, has_boundary, boundary = request.META.get("CONTENT_TYPE", "").partition("boundary=")
    if not has_boundary:
        raise _NotTaken(4)
    boundary = boundary.partition(";")[0].strip('" ')
    body = _Body(request)
    handler = _FirstFile(request)
    try:
        MultiPartParser(
            request.META,
            cast(Any, body),  # it is read and nothing else
            [handler],
            request.encoding,
        ).parse()
        if handler.suffix is None or not body.is_closed_by(boundary):
            raise _NotTaken(body.what_is_wrong(boundary, has_file=handler.suffix is not None))
        return handler.draft.store(handler.suffix)
    except (MultiPartParserError, SuspiciousOperation) as exc:
        raise _NotTaken(5) from exc
    finally:
        handler.draft.close()


class _FirstFile(FileUploadHandler):
    """Takes the first file of a form; `suffix` is None until it came."""

    def __init__(self, request: HttpRequest) -> None:
        super().__init__(request)
        self.draft = small_files.Draft()
        self.suffix: str | None = None
        self._is_over = False

    def new_file(
        self, field_name: str, file_name: str, content_type: str, *more: object, **named: object
    ) -> None:
        """Look at the name of a file that begins."""
        if self._is_over:
            return
        if len(file_name) > _MAX_NAME_CHARS:
            raise _NotTaken(11)
        _, has_dot, extension = file_name.rpartition(".")
        if not has_dot:
            raise _NotTaken(10)
        if not content_type:
            raise _NotTaken(6)
        if len(extension) > small_files.MAX_EXTENSION_CHARS:
            raise _NotTaken(9)
        try:
            self.suffix = small_files.suffix_for(file_name)
        except ValueError as exc:
            raise _NotTaken(10) from exc

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        """Take a piece of it."""
        if not self._is_over:
            self.draft.write(raw_data)

    def file_complete(self, file_size: int) -> None:
        """Take nothing any more."""
        self._is_over = True


class _Body:
    """A request's body that remembers how it began and ended, to say what is wrong with it."""

    def __init__(self, request: HttpRequest) -> None:
        self._request = request
        self._begin = b""
        self._end = b""
        self._length = 0

    def read(self, size: int = -1) -> bytes:
        """Return the next piece."""
        piece = self._request.read(size)
        self._begin += piece[: _CHUNK_BYTES - len(self._begin)]
        self._end = (self._end + piece)[-_CHUNK_BYTES:]
        self._length += len(piece)
        return piece

    def is_closed_by(self, boundary: str) -> bool:
        """Tell whether the boundary comes again at the end: else a part of the file is missing."""
        first, last = self._begin.find(boundary.encode()), self._end.rfind(boundary.encode())
        return last >= 0 and last + self._length - len(self._end) > first

    def what_is_wrong(self, boundary: str, *, has_file: bool) -> int:
        """Return the original's number for a form without a file, or without its end."""
        for needed, code in (
            (b"Content-Disposition:", 2),
            (b"filename=", 3),
            (boundary.encode(), 5),
            (b"Content-Type:", 6),
            (b"\r\n\r\n", 7),
        ):
            if needed not in self._begin:
                return code
        return 8 if has_file else 10


def _site(request: HttpRequest) -> str:
    """Return our address as this client knows it: what it is given, others will fetch."""
    host = request.META.get("HTTP_HOST", "")
    if not _HOST.fullmatch(host):
        return str(settings.IM_PUBLIC_URL)
    return f"{urlsplit(settings.IM_PUBLIC_URL).scheme}://{host}"


def _success(path: str, url: str) -> str:
    return (
        f'{{"error_code":0,"error_msg": "成功","path":{json.dumps(path)},"url":{json.dumps(url)}}}'
    )


def _failure(code: int) -> str:
    if code == 1:
        return '{"error_code":1,"error_msg": "上传文件过大","url":""}'
    return f'{{"error_code":{code},"error_msg": "格式错误","path":"","url":""}}'


def _answer(text: str) -> HttpResponse:
    response = HttpResponse(text, content_type=_HTML)
    response["X-Content-Type-Options"] = "nosniff"
    response["Connection"] = "close"
    return response
