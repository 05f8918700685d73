"""Pages of one message: among its neighbours, where it went, and its sound."""

from datetime import UTC, datetime
from typing import Any

from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.template.response import TemplateResponse
from django.utils.timezone import localtime
from django.utils.translation import gettext_lazy as _

from admin_ui import audit_log, grants
from admin_ui.console import operator_of, readable_s
from admin_ui.message_rows import rows_of
from admin_ui.names import Names, names_of
from admin_ui.roles import VIEW_CONTENT, VIEW_CONVERSATIONS
from admin_ui.site import console_page
from im.delivery.remote import control, control_client
from im.delivery.remote.control_client import Answers
from im.errors import Overloaded, Refused
from im.services.media import transcoding
from im.services.messages import receipts, search
from im.services.messages import voice as voice_messages
from im.services.messages.receipts import Whereabouts
from im.types import ClientType, SessionType

NEIGHBOURS = 15  # before the message, and after it
CLIENTS = {
    ClientType.WINDOWS: "Windows",
    ClientType.MAC: "Mac",
    ClientType.IOS: "iOS",
    ClientType.ANDROID: "Android",
    ClientType.WEB: "Web",
}
_PLACE = "<int:session_type>/<int:conversation_id>/<int:msg_id>/"


@console_page(f"conversations/read/{_PLACE}", name="conversation", permission=VIEW_CONTENT)
def conversation(
    request: HttpRequest, session_type: int, conversation_id: int, msg_id: int
) -> HttpResponseBase:
    """Show a message among its neighbours, for the reason of the search that led here."""
    grant = _reading(request)
    kind = _kind(session_type)
    found = search.around(kind, conversation_id, msg_id, NEIGHBOURS)
    if not found:
        raise Http404
    audit_log.record(
        operator_of(request),
        "read conversation",
        f"message:{session_type}/{conversation_id}/{msg_id}",
        {"messages": len(found)},
        grant.reason,
        address=audit_log.address_of(request),
    )
    text = request.GET["grant"]
    context = {
        "rows": rows_of(found, text, with_content=True, chosen=msg_id),
        "grant": text,
        "with_content": True,
    }
    return _page(request, "admin_ui/conversation.html", _("Conversation"), **context)


@console_page("conversations/voice/<int:voice_id>/", name="voice", permission=VIEW_CONTENT)
def voice(request: HttpRequest, voice_id: int) -> HttpResponseBase:
    """Give the sound of a voice message as browsers play it; it may be any, so it is recorded."""
    grant = _reading(request)
    recorded = voice_messages.sound(voice_id)
    if recorded is None:
        raise Http404
    try:
        played = transcoding.submit(recorded, f"operator {request.user.pk}").result()
    except Refused as exc:
        raise Http404 from exc
    except Overloaded:
        return HttpResponse(_("Too much is being played. Try again."), status=503)
    audit_log.record(
        operator_of(request),
        "hear voice",
        f"voice:{voice_id}",
        reason=grant.reason,
        address=audit_log.address_of(request),
    )
    response = HttpResponse(played, content_type="audio/wav")
    response["Cache-Control"] = "private, no-store"
    response["X-Content-Type-Options"] = "nosniff"
    return response


@console_page(f"conversations/path/{_PLACE}", name="message_path", permission=VIEW_CONVERSATIONS)
def where_it_went(
    request: HttpRequest, session_type: int, conversation_id: int, msg_id: int
) -> HttpResponseBase:
    """Show when a message was stored, who has read it, and to which devices it was pushed."""
    found = receipts.whereabouts(_kind(session_type), conversation_id, msg_id)
    if found is None:
        raise Http404
    place = found.place
    answers = control_client.ask(
        control.TRACE, int(place.session_type), place.sender_id, place.session_id, place.msg_id
    )
    pushed = {entry[1] for said in answers.said.values() for entry in said or ()}
    readers = {reader.user_id for reader in found.readers}
    is_group = place.session_type == SessionType.GROUP
    names = names_of(
        {place.sender_id, place.session_id * (not is_group), *pushed, *readers} - {0},
        {place.session_id} if is_group else (),
    )
    context = {
        "found": found,
        "sender": names.user(place.sender_id),
        "to": names.group(place.session_id) if is_group else names.user(place.session_id),
        "stored": readable_s(found.stored),
        "readers": _readers(found, names),
        "pushes": _pushes(answers, names),
        "answers": answers,
    }
    title = _("Where did this message go?")
    return _page(request, "admin_ui/message_path.html", title, **context)


def _readers(found: Whereabouts, names: Names) -> list[dict[str, Any]]:
    return [
        {
            "name": names.user(reader.user_id),
            "has_read": reader.has_read,
            "at": readable_s(reader.read_at) if reader.read_at else "",
            "is_exact": reader.is_exact,
        }
        for reader in found.readers
    ]


def _pushes(answers: Answers, names: Names) -> list[dict[str, Any]]:
    """Return what the gateways remember, in the order it happened."""
    entries = [
        (entry, gateway_id) for gateway_id, said in answers.said.items() for entry in said or ()
    ]
    return [
        {
            "at": _fine(at),
            "name": names.user(user_id),
            "client": CLIENTS.get(ClientType(client_type), hex(client_type))
            if client_type in set(ClientType)
            else hex(client_type),
            "gateway": gateway_id,
            "arrived": f"+{max(0, round((arrived_at - at) * 1000))} ms" if arrived_at else "",
        }
        for (at, user_id, client_type, _session, arrived_at), gateway_id in sorted(entries)
    ]


def _fine(at: float) -> str:
    return localtime(datetime.fromtimestamp(at, UTC)).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]


def _reading(request: HttpRequest) -> grants.Grant:
    """Return a grant that shows content, or end with "not allowed"."""
    grant = grants.take(request)
    if not grant.shows_content:
        raise Http404
    return grant


def _kind(number: int) -> SessionType:
    if number not in set(SessionType):
        raise Http404
    return SessionType(number)


def _page(request: HttpRequest, template: str, title: Any, **context: Any) -> HttpResponse:
    site: Any = admin.site
    return TemplateResponse(request, template, site.page_context(request, title, **context))
