"""What no database takes is the request's fault, at every address: 400, in one line of the log.

Forms and lists look at their values before; this is for what nobody thought of.
"""

from collections.abc import Callable
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http import HttpRequest, HttpResponseBadRequest, HttpResponseBase

from im.peer_log import PeerLog
from im.storage.db_errors import is_of_a_value

peer_log = PeerLog(__name__)


class BadValues:
    """Middleware that answers a view's failure over a value with status 400."""

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self._get_response = get_response
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> Any:  # Any: a response, or what becomes one
        return self._get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponseBase | None:
        """Return the answer; None for other failures."""
        if not is_of_a_value(error):
            return None
        address = request.META.get("REMOTE_ADDR", "")
        peer_log.warning(address, "%s %s is refused: %s", request.method, request.path, error)
        return HttpResponseBadRequest("A value is too large, or can't be stored.\n")
