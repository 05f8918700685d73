"""The door for original clients: paths answered before any check that they would not pass.

Their requests carry whatever Host they were configured with, no cookie and no CSRF token, and any
method; a query or a suffix may follow the path.  Files they upload to any path they like.
"""

from collections.abc import Awaitable, Callable
from inspect import iscoroutinefunction
from typing import Any

from asgiref.sync import async_to_sync, sync_to_async
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.urls import is_valid_path
from django.utils.decorators import sync_and_async_middleware

from im.views.discovery_items import discovery_items
from im.views.msg_server import msg_server
from im.views.small_files import small_file
from im.views.uploads import upload

AsyncView = Callable[[HttpRequest], Awaitable[HttpResponseBase]]

_VIEWS: dict[str, AsyncView] = {
    "/msg_server": msg_server,
    "/api/discovery": sync_to_async(discovery_items),
    "/g0/": small_file,
}
_UPLOAD_PATHS = ("/", "/upload/")  # of Mac, iOS and Android; of Windows


@sync_and_async_middleware
def legacy_clients(get_response: Any) -> Any:
    """Answer the paths of original clients; leave everything else to Django."""

    async def asynchronous(request: HttpRequest) -> HttpResponseBase:
        view = _view_for(request)
        response: HttpResponseBase = await (view or get_response)(request)
        return _measured(response) if view else response

    def synchronous(request: HttpRequest) -> HttpResponseBase:
        view = _view_for(request)
        response: HttpResponseBase = (async_to_sync(view) if view else get_response)(request)
        return _measured(response) if view else response

    return asynchronous if iscoroutinefunction(get_response) else synchronous


def _view_for(request: HttpRequest) -> AsyncView | None:
    for prefix, view in _VIEWS.items():
        if request.path_info.startswith(prefix):
            return view
    return upload if _is_upload(request) else None


def _is_upload(request: HttpRequest) -> bool:
    """Tell whether this brings a file: a form with files for a path that nobody else answers."""
    if request.method != "POST":
        return False
    if request.path_info in _UPLOAD_PATHS:
        return True
    return (
        request.content_type == "multipart/form-data"
        and not request.path_info.startswith("/api/")
        and not is_valid_path(request.path_info)
    )


def _measured(response: HttpResponseBase) -> HttpResponseBase:
    """Name the length: without it the server would send chunks, which old clients can't read."""
    if (
        isinstance(response, HttpResponse) and response.status_code != 304
    ):  # who streams has named it
        response.headers.setdefault("Content-Length", str(len(response.content)))
    return response
