"""Live: the gateways and who is online, and what an operator can do about it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.timesince import timesince
from django.utils.timezone import localtime
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from admin_ui import audit_log, names, theme
from admin_ui.console import operator_of, readable_s
from admin_ui.message_pages import CLIENTS
from admin_ui.roles import CONTROL_LIVE, VIEW_LIVE
from admin_ui.site import console_page
from im import dispatch
from im.delivery.cluster.gateway_registry import Gateway
from im.delivery.remote import control, control_client
from im.delivery.remote.control_client import Answers
from im.errors import Refused
from im.models import IMUser
from im.services.messages import announcements
from im.types import ClientType

USERS = 50  # per page of who is online
MOST_FOUND = 200  # users whose names match a search


@dataclass(frozen=True, slots=True)
class Connection:
    """One connection of somebody who is online."""

    user_id: int
    name: str
    client: str
    address: str
    since: str
    silent_s: int
    gateway_id: str
    session_id: int


@console_page("live/", name="live", permission=VIEW_LIVE)
def live(request: HttpRequest) -> HttpResponseBase:
    """Show the gateways and a page of who is online, by user id."""
    search = request.GET.get("q", "").strip()[:40]
    after = request.GET.get("after", "")
    after_id = int(after) if after.isdecimal() and len(after) < 12 else 0
    answers = control_client.ask(control.SESSIONS, after_id, USERS, _matching(search))
    page, next_id = _page_of(answers)
    context = {
        "gateways": [_gateway(one) for one in answers.gateways],
        "answers": answers,
        "connections": _connections(page),
        "q": search,
        "next": f"?{urlencode({'q': search, 'after': next_id})}" if next_id else "",
        "first": after_id == 0,
        "may_control": request.user.has_perm(CONTROL_LIVE),
        "unfinished": announcements.unfinished(),
    }
    return _page(request, "admin_ui/live.html", _("Live"), **context)


def _matching(search: str) -> list[int] | None:
    """Return the ids of the users a search means; None for everybody."""
    if not search:
        return None
    wanted = dict.fromkeys(["name", "nick", "domain"], search)
    found: list[int] = []
    for field, text in wanted.items():
        rows = IMUser.objects.filter(**{f"{field}__startswith": text}).order_by("id")
        found += rows.values_list("id", flat=True)[:MOST_FOUND]
    return sorted(set(found))[: 2 * MOST_FOUND]


def _page_of(answers: Answers) -> tuple[list[tuple[list[Any], str]], int]:
    """Merge what the gateways said into one page; return it and where the next one begins."""
    entries = [
        (entry, gateway_id) for gateway_id, said in answers.said.items() for entry in said or ()
    ]
    entries.sort(key=lambda one: (one[0][0], one[0][4]))
    users = list(dict.fromkeys(entry[0] for entry, _gateway_id in entries))
    if len(users) < USERS:
        return entries, 0
    last = users[USERS - 1]
    return [one for one in entries if one[0][0] <= last], last


def _connections(page: Iterable[tuple[list[Any], str]]) -> list[Connection]:
    listed = list(page)
    named = names.names_of(entry[0] for entry, _gateway_id in listed)
    return [
        Connection(
            user_id,
            named.user(user_id),
            CLIENTS[ClientType(client_type)]
            if client_type in set(ClientType)
            else hex(client_type),
            address,
            readable_s(since),
            silent_s,
            gateway_id,
            session_id,
        )
        for (user_id, session_id, client_type, address, since, silent_s), gateway_id in listed
    ]


def _gateway(gateway: Gateway) -> dict[str, Any]:
    started = localtime(datetime.fromtimestamp(gateway.started, UTC))
    return {"row": gateway, "up": timesince(started, depth=2) if gateway.started else "–"}


# --- ending connections -------------------------------------------------------------------------


@console_page("live/disconnect/", name="disconnect", permission=CONTROL_LIVE)
def disconnect(request: HttpRequest) -> HttpResponseBase:
    """End one connection, after asking."""
    fields = request.POST if request.method == "POST" else request.GET
    try:
        user_id, session_id = int(fields["user"]), int(fields["session"])
        gateway_id = fields["gateway"]
    except (KeyError, ValueError) as exc:
        raise Http404 from exc
    name = names.names_of([user_id]).user(user_id)
    if request.method != "POST":
        note = _("The client may connect again at once. Who shall not is disabled under Users.")
        hidden = [("user", user_id), ("session", session_id), ("gateway", gateway_id)]
        return _ask(request, _("Disconnect %s?") % name, [note], _("Disconnect"), hidden)
    answers = control_client.ask(control.END_SESSION, user_id, session_id, only=gateway_id)
    if answers.said.get(gateway_id):
        _record(request, "disconnect", f"im.imuser:{user_id}", {"gateway": gateway_id})
        messages.success(request, gettext("%s is disconnected.") % name)
    else:
        messages.warning(request, gettext("This connection is there no more."))
    return redirect("admin:live")


@console_page("live/retire/", name="retire_gateway", permission=CONTROL_LIVE)
def retire(request: HttpRequest) -> HttpResponseBase:
    """Drain a gateway, after asking."""
    fields = request.POST if request.method == "POST" else request.GET
    gateway_id = fields.get("gateway", "")
    gateways = control_client.gateways().gateways
    if gateway_id not in {one.id for one in gateways}:
        raise Http404
    if request.method != "POST":
        return _ask_retire(request, gateway_id, gateways)
    answers = control_client.ask(control.RETIRE, only=gateway_id)
    if answers.said.get(gateway_id):
        _record(request, "drain", f"gateway:{gateway_id}", {})
        messages.success(request, gettext("%s is being drained.") % gateway_id)
    else:
        messages.error(request, gettext("%s did not answer.") % gateway_id)
    return redirect("admin:live")


def _ask_retire(
    request: HttpRequest, gateway_id: str, gateways: Iterable[Gateway]
) -> HttpResponseBase:
    notes = [
        _(
            "It takes no new clients and sends those it has to other gateways, a few at a time. "
            "It takes clients again when its process is started anew."
        )
    ]
    others = [one for one in gateways if one.id != gateway_id and not one.is_retired]
    if not others:
        notes.append(_("There is no other gateway: nobody will be able to log in."))
    hidden = [("gateway", gateway_id)]
    return _ask(request, _("Drain %s?") % gateway_id, notes, _("Drain"), hidden)


def _ask(
    request: HttpRequest, title: Any, notes: list[Any], submit: Any, hidden: list[Any]
) -> HttpResponseBase:
    context = {
        "notes": notes,
        "submit": submit,
        "hidden": hidden,
        "form": forms.Form(),
        "cancel": reverse("admin:live"),
    }
    return _page(request, "admin_ui/form_page.html", title, **context)


# --- announcements ------------------------------------------------------------------------------


class AnnouncementForm(forms.Form):
    """What to tell everybody online."""

    text = forms.CharField(label=_("Text"), widget=forms.Textarea(attrs={"rows": 4}))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        theme.dress(self)

    def clean_text(self) -> str:
        text: str = self.cleaned_data["text"].strip()
        if len(text.encode("utf-8", "replace")) > announcements.MOST_BYTES:
            raise forms.ValidationError(
                _("Too long: a message has at most %d bytes, a Chinese character takes three.")
                % announcements.MOST_BYTES
            )
        return text


@console_page("live/announce/", name="announce", permission=CONTROL_LIVE)
def announce(request: HttpRequest) -> HttpResponseBase:
    """Write an announcement; the page after it sends it."""
    form = AnnouncementForm(request.POST or None)
    sender = announcements.sender()
    if request.method == "POST" and form.is_valid():
        try:
            begun = announcements.begin(form.cleaned_data["text"], request.user.get_username())
        except Refused as refusal:
            form.add_error("text", str(refusal))
        else:
            target = f"announcement:{begun.pk}"
            _record(request, "announce", target, {"text": begun.text[:200]})
            return redirect(f"{reverse('admin:announcement', args=[begun.pk])}?begin=yes")
    context = {
        "form": form,
        "cancel": reverse("admin:live"),
        "notes": [_announcement_note(sender)],
        "submit": _("Send to everybody online") if sender else "",
    }
    return _page(request, "admin_ui/form_page.html", _("Announcement"), **context)


def _announcement_note(sender: IMUser | None) -> Any:
    name = settings.IM_NOTICE_SENDER
    if sender is None:
        text = gettext("It would come from the user %s: add one of this name first.")
    else:
        text = gettext("Everybody online gets it as a message from the user %s.")
    return text % name


@console_page("live/announcements/<int:pk>/", name="announcement", permission=CONTROL_LIVE)
def announcement(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Show an announcement, and send it on if it is not at its end."""
    found = announcements.find(pk)
    if found is None:
        raise Http404
    context = {"found": found, "begin": "begin" in request.GET and not found.sent}
    return _page(request, "admin_ui/announcement.html", _("Announcement"), **context)


@console_page("live/announcements/<int:pk>/step/", name="announce_step", permission=CONTROL_LIVE)
def announce_step(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Send an announcement to the next of those who are online; the answer is JSON."""
    found = announcements.find(pk)
    if request.method != "POST" or found is None:
        raise Http404
    if not found.finished:
        answers = control_client.ask(control.SESSIONS, found.last_user_id, USERS, None)
        if answers.is_cut_off or answers.silent:
            return JsonResponse({"error": "silent"}, status=503)
        page, next_id = _page_of(answers)
        users = sorted({entry[0] for entry, _gateway_id in page})
        found, events = announcements.step(pk, users, is_last=not next_id)
        dispatch.announce(events)
    text = gettext("Sent to %d users.") % found.sent
    if found.finished:
        text = gettext("Done: sent to %d users.") % found.sent
    return JsonResponse({"text": text, "is_over": bool(found.finished)})


def _record(request: HttpRequest, action: str, target: str, detail: dict[str, Any]) -> None:
    address = audit_log.address_of(request)
    audit_log.record(operator_of(request), action, target, detail, address=address)


def _page(request: HttpRequest, template: str, title: Any, **context: Any) -> HttpResponse:
    site: Any = admin.site
    return TemplateResponse(request, template, site.page_context(request, title, **context))
