"""Uploads of pictures, as the original's small-file server takes them.

Its clients send no credential with a file, but have logged in before: what comes from where nobody
is connected is refused, unless the chat's cookie says whose it is.  Status is 200 whatever happens;
clients look for `error_code`.
"""

import asyncio
import errno
import json
from collections.abc import Mapping
from typing import Any, cast

from asgiref.sync import sync_to_async
from django.conf import settings
from django.core.exceptions import SuspiciousOperation
from django.core.files.uploadhandler import FileUploadHandler
from django.http import HttpRequest, HttpResponse
from django.http.multipartparser import MultiPartParser, MultiPartParserError

from im.delivery.remote.origins import people_at
from im.networks import UNKNOWN, home_of, is_within
from im.services.media import small_files, uploads
from im.storage.retry import repeated
from im.views.own_address import url_said

HTML = "text/html;charset=utf-8"  # what Mac and iOS insist on
_CHUNK_BYTES = 128 * 1024
_MAX_NAME_CHARS = 255

# Numbers of ours, beyond the original's 1 to 11, for why a file is not taken.
_NO_LOGIN, _TOO_MUCH, _NO_ROOM = 12, 13, 14
_TEXTS = {
    _NO_LOGIN: "请先登录",
    _TOO_MUCH: "今日上传量已达上限",
    _NO_ROOM: "服务器磁盘空间不足",
}
_FULL = (errno.ENOSPC, errno.EDQUOT)


class _NotTaken(Exception):
    """An upload that is not as it should be; `code` is the original's number for why."""

    def __init__(self, code: int) -> None:
        super().__init__(f"error {code}")
        self.code = code


async def upload(request: HttpRequest, user_id: int | None = None) -> HttpResponse:
    """Store the first file of a form; the answer names it by path and by URL.

    `user_id` is who sent it, where a cookie tells.
    """
    try:
        path = await _stored(request, user_id)
    except _NotTaken as problem:
        return _answer(_failure(problem.code))
    return _answer(_success(path, f"{url_said(request)}/{path}"))


async def _stored(request: HttpRequest, user_id: int | None) -> str:
    """Return the path of a form's file; nothing of it is looked at before it may come."""
    length = int(request.META.get("CONTENT_LENGTH") or 0)
    if length > settings.IM_SMALL_FILE_BYTES:
        raise _NotTaken(1)
    limits = await _limits(request, user_id)
    try:
        uploads.check_room(length)
        return await _receive(request, limits)
    except uploads.NoRoom as exc:
        raise _NotTaken(_NO_ROOM) from exc
    except uploads.TooMuchToday as exc:
        raise _NotTaken(_TOO_MUCH) from exc
    except OSError as exc:
        if exc.errno in _FULL:
            raise _NotTaken(_NO_ROOM) from exc
        raise


async def _limits(request: HttpRequest, user_id: int | None) -> Mapping[str, int]:
    """Return how much whoever sends this may upload in a day."""
    if user_id is not None:
        return uploads.limit_of_person(user_id)
    host = request.META.get("REMOTE_ADDR") or ""
    network = home_of(host)
    if is_within(host, settings.IM_UPLOAD_NETWORKS):
        return uploads.limit_of_network(network, None)
    people = 0 if network == UNKNOWN else await people_at(network)
    if not people:
        raise _NotTaken(_NO_LOGIN)
    return uploads.limit_of_network(network, people)


async def _receive(request: HttpRequest, limits: Mapping[str, int]) -> str:
    handler = _FirstFile(request)
    try:
        suffix = await asyncio.to_thread(_parse, request, handler)
        size_bytes = handler.draft.size_bytes
        await sync_to_async(repeated)(lambda: uploads.charge(size_bytes, limits))
        return await asyncio.to_thread(handler.draft.store, suffix)
    finally:
        handler.draft.close()


def _parse(request: HttpRequest, handler: "_FirstFile") -> str:
    """Write a form's first file to the handler's draft; return the suffix of its path."""
    _, has_boundary, boundary = request.META.get("CONTENT_TYPE", "").partition("boundary=")
    if not has_boundary:
        raise _NotTaken(4)
    boundary = boundary.partition(";")[0].strip('" ')
    body = _Body(request)
    try:
        MultiPartParser(
            request.META,
            cast(Any, body),  # it is read and nothing else
            [handler],
            request.encoding,
        ).parse()
    except (MultiPartParserError, SuspiciousOperation) as exc:
        raise _NotTaken(5) from exc
    if handler.suffix is None or not body.is_closed_by(boundary):
        raise _NotTaken(body.what_is_wrong(boundary, has_file=handler.suffix is not None))
    return handler.suffix


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


def _success(path: str, url: str) -> str:
    return (
        f'{{"error_code":0,"error_msg": "成功","path":{json.dumps(path)},"url":{json.dumps(url)}}}'
    )


def _failure(code: int) -> str:
    if code == 1:
        return '{"error_code":1,"error_msg": "上传文件过大","url":""}'
    text = _TEXTS.get(code, "格式错误")
    return f'{{"error_code":{code},"error_msg": "{text}","path":"","url":""}}'


def _answer(text: str) -> HttpResponse:
    response = HttpResponse(text, content_type=HTML)
    response["X-Content-Type-Options"] = "nosniff"
    response["Connection"] = "close"
    return response
