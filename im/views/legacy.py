"""The door for original clients: paths answered before any check that they would not pass.

Their requests carry whatever Host they were configured with, no cookie and no CSRF token, and any
method; a query or a suffix may follow the path.
"""

from collections.abc import Awaitable, Callable
from inspect import iscoroutinefunction
from typing import Any

from asgiref.sync import async_to_sync, sync_to_async
from django.http import HttpRequest, HttpResponse
from django.utils.decorators import sync_and_async_middleware

from im.views.discovery_items import discovery_items
from im.views.msg_server import msg_server

AsyncView = Callable[[HttpRequest], Awaitable[HttpResponse]]

_VIEWS: dict[str, AsyncView] = {
    "/msg_server": msg_server,
    "/api/discovery": sync_to_async(discovery_items),
}


@sync_and_async_middleware
def legacy_clients(get_response: Any) -> Any:
    """Answer the paths of original clients; leave everything else to Django."""

    async def asynchronous(request: HttpRequest) -> HttpResponse:
        view = _view_for(request)
        response: HttpResponse = await (view or get_response)(request)
        return _measured(response) if view else response

    def synchronous(request: HttpRequest) -> HttpResponse:
        view = _view_for(request)
        response: HttpResponse = (async_to_sync(view) if view else get_response)(request)
        return _measured(response) if view else response

    return asynchronous if iscoroutinefunction(get_response) else synchronous


def _view_for(request: HttpRequest) -> AsyncView | None:
    for prefix, view in _VIEWS.items():
        if request.path_info.startswith(prefix):
            return view
    return None


def _measured(response: HttpResponse) -> HttpResponse:
    """Name the length: without it the server would send chunks, which old clients can't read."""
    response["Content-Length"] = str(len(response.content))
    return response
