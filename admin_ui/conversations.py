"""Searching messages: the form, its results, and how far the search has come.

A search is worked on in steps of half a second: the page asks for the next one until it is at the
end, its first page is full, or the operator cancels, which is not asking any more.
"""

import time
from dataclasses import asdict
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib import admin
from django.core import signing
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from admin_ui import grants, names, theme
from admin_ui.message_rows import rows_of
from admin_ui.roles import VIEW_CONTENT, VIEW_CONVERSATIONS
from admin_ui.site import console_page
from im.services.messages import search
from im.services.messages.search import Position, Selection

ROWS = 50  # per page of results
STEP_S = 0.5
MOST_DAYS_OF_ALL = 31  # where neither person nor group narrows it
MOST_DAYS = 3660
NOT_FOUND = {
    "user": _("There is nobody of this name."),
    "peer": _("There is nobody of this name."),
    "group": _("There is no group of this name."),
}
_SALT = "admin_ui.conversations"
_LOCAL = "%Y-%m-%dT%H:%M"


class SearchForm(forms.Form):
    """What to look for, and why."""

    user = forms.CharField(
        label=_("User"),
        required=False,
        max_length=40,
        help_text=_("Login name, or # and the number."),
    )
    peer = forms.CharField(
        label=_("And user"),
        required=False,
        max_length=40,
        help_text=_("Only what these two said to each other."),
    )
    group = forms.CharField(
        label=_("Group"),
        required=False,
        max_length=256,
        help_text=_("Name, or # and the number."),
    )
    since = forms.DateTimeField(label=_("From"), widget=forms.TextInput(), input_formats=[_LOCAL])
    until = forms.DateTimeField(label=_("Until"), widget=forms.TextInput(), input_formats=[_LOCAL])
    words = forms.CharField(
        label=_("Words"),
        required=False,
        max_length=100,
        help_text=_("All of them must be in the text. Texts are decrypted and looked through."),
    )
    reason = forms.CharField(
        label=_("Reason"),
        required=False,
        max_length=255,
        help_text=_("It is kept in the audit log with your name. Required to see what was said."),
    )

    def __init__(self, *args: Any, may_read: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._may_read = may_read
        if may_read:
            self.fields["reason"].required = True
        else:
            del self.fields["reason"], self.fields["words"]
        theme.dress(self)
        for name in ("since", "until"):
            self.fields[name].widget.input_type = "datetime-local"
        for name in ("user", "peer", "group"):
            kind = "group" if name == "group" else "user"
            self.fields[name].widget.attrs |= {
                "list": f"{name}-suggestions",
                "autocomplete": "off",
                "data-suggest": f"{reverse('admin:suggest')}?kind={kind}",
            }

    def clean(self) -> dict[str, Any]:
        found: dict[str, Any] = super().clean() or {}
        self._find(found, "user", names.find_user)
        self._find(found, "peer", names.find_user)
        self._find(found, "group", names.find_group)
        if found.get("peer") and not found.get("user"):
            self.add_error("peer", _("Name the first of the two as well."))
        if found.get("group") and found.get("user"):
            self.add_error("group", _("Choose people or a group."))
        since, until = found.get("since"), found.get("until")
        if since and until:
            self._check_span(since, until, is_all=not (found.get("user") or found.get("group")))
        return found

    def _find(self, found: dict[str, Any], name: str, find: Any) -> None:
        text = (found.get(name) or "").strip()
        row_id = find(text) if text else 0
        if row_id is None:
            self.add_error(name, NOT_FOUND[name])
        found[name] = row_id or 0

    def _check_span(self, since: Any, until: Any, *, is_all: bool) -> None:
        days = MOST_DAYS_OF_ALL if is_all else MOST_DAYS
        if until <= since:
            self.add_error("until", _("The end is not after the beginning."))
        elif until - since > timedelta(days=days):
            text = _("At most %d days; more where a user or a group is given.") % days
            self.add_error("since", text)

    def selection(self) -> Selection:
        """Return what is to be found."""
        found = self.cleaned_data
        return Selection(
            since=int(found["since"].timestamp()),
            until=int(found["until"].timestamp()),
            user_id=found["user"],
            peer_id=found["peer"],
            group_id=found["group"],
            words=search.words_of(found.get("words") or ""),
        )


@console_page("conversations/", name="conversations", permission=VIEW_CONVERSATIONS)
def conversations(request: HttpRequest) -> HttpResponseBase:
    """Ask what to look for; the address may have the answers, for links from other pages."""
    may_read = request.user.has_perm(VIEW_CONTENT)
    is_answer = request.method == "POST"
    form = SearchForm(
        request.POST if is_answer else None, may_read=may_read, initial=_initial(request)
    )
    if is_answer and form.is_valid():
        reason = form.cleaned_data.get("reason", "").strip()
        grant = grants.give(request, form.selection(), reason)
        return redirect(f"{reverse('admin:found_messages')}?{urlencode({'grant': grant})}")
    context = {"form": form, "submit": _("Search"), "may_read": may_read}
    return _page(request, "admin_ui/conversations.html", _("Find messages"), **context)


def _initial(request: HttpRequest) -> dict[str, str]:
    now = timezone.localtime()
    week = {"since": now - timedelta(days=7), "until": now + timedelta(minutes=1)}
    initial = {name: moment.strftime(_LOCAL) for name, moment in week.items()}
    known = SearchForm.base_fields
    return initial | {name: text for name in known if (text := request.GET.get(name))}


@console_page("conversations/found/", name="found_messages", permission=VIEW_CONVERSATIONS)
def found_messages(request: HttpRequest) -> HttpResponseBase:
    """Show the first step's results; the page's script asks for the rest."""
    grant = grants.take(request)
    told = _told(request, grant)
    again = reverse("admin:conversations")
    context = {"told": told, "grant": request.GET["grant"], "again": again, "held": grant}
    return _page(request, "admin_ui/found_messages.html", _("Found messages"), **context)


@console_page("conversations/step/", name="search_step", permission=VIEW_CONVERSATIONS)
def search_step(request: HttpRequest) -> HttpResponseBase:
    """Go on with a search; the answer is JSON."""
    return JsonResponse(_told(request, grants.take(request)))


def _told(request: HttpRequest, grant: grants.Grant) -> dict[str, Any]:
    """Work one step; return rows as HTML and where it stands."""
    text = request.GET.get("grant", "")
    count = ROWS - min(_number(request.GET.get("have")), ROWS - 1)
    started = time.monotonic()
    step = search.search(grant.selection, _position(request, text), count=count, budget_s=STEP_S)
    rows = rows_of(step.found, text, with_content=grant.shows_content)
    context = {"rows": rows, "with_content": grant.shows_content}
    position = None
    if step.position is not None:
        position = signing.dumps([text[-20:], *asdict(step.position).values()], salt=_SALT)
    return {
        "html": render_to_string("admin_ui/message_rows.html", context, request),
        "count": len(rows),
        "searched": step.searched,
        "total": max(step.total, step.searched),
        "position": position,
        "seconds": round(time.monotonic() - started, 2),
    }


def _position(request: HttpRequest, grant: str) -> Position | None:
    """Return where the last step ended; it belongs to one grant."""
    text = request.GET.get("position")
    if not text:
        return None
    try:
        whose, *numbers = signing.loads(text, salt=_SALT)
    except signing.BadSignature as exc:
        raise PermissionDenied from exc
    if whose != grant[-20:]:
        raise PermissionDenied
    return Position(*numbers)


def _number(text: str | None) -> int:
    return int(text) if text and text.isdecimal() and len(text) < 6 else 0


@console_page("suggest/", name="suggest", permission=VIEW_CONVERSATIONS)
def suggest(request: HttpRequest) -> HttpResponseBase:
    """Offer users or groups whose names begin with what is typed."""
    text = request.GET.get("q", "").strip()[:40]
    offer = names.suggest_groups if request.GET.get("kind") == "group" else names.suggest_users
    return JsonResponse({"offered": offer(text) if text else []})


def _page(request: HttpRequest, template: str, title: Any, **context: Any) -> HttpResponse:
    site: Any = admin.site
    return TemplateResponse(request, template, site.page_context(request, title, **context))
