"""What people are told while the database can't answer: why, in their language, with status 503.

Nothing here asks the database, nor who it is that asks.
"""

import sys

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils import translation
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views import defaults

from im.storage import db_errors
from im.storage.db_errors import Outage

RETRY_S = 10
_PAGES = "/admin"  # below it browsers show what comes; elsewhere programs read it
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'"
_TEXTS = {
    Outage.CROWDED: _("The database has no connection left."),
    Outage.READ_ONLY: _("The database takes no changes at the moment: it is read-only."),
    Outage.FULL: _("The database has no room left on its disk."),
    Outage.BUSY: _("The database is busy."),
    Outage.AWAY: _("The database does not answer."),
}


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer a request that failed: with what the database lacks, or as Django does."""
    found = db_errors.outage(sys.exc_info()[1])
    if found is None:
        return defaults.server_error(request)
    # Not what is set: the error may have come before that.
    with translation.override(translation.get_language_from_request(request)):
        response = _answer(request, found)
    response["Content-Length"] = str(len(response.content))  # old clients can't read chunks
    response["Retry-After"] = str(RETRY_S)
    response["Cache-Control"] = "no-store"
    return response


def text(found: Outage) -> str:
    """Return what people are told of an outage."""
    return gettext("%(why)s Try again in a moment.") % {"why": _TEXTS[found]}


def _answer(request: HttpRequest, found: Outage) -> HttpResponse:
    if not request.path_info.startswith(_PAGES):
        return JsonResponse({"error": "unavailable", "text": text(found)}, status=503)
    response = render(None, "outage.html", {"text": text(found)}, status=503)
    response["Content-Security-Policy"] = _POLICY
    return response
