"""The pages of an import: the form, what a file would do, what was done.

Nothing is stored before the operator has seen what would change.  In between the rows wait in a
file that belongs to them; passwords in it are hashed already.
"""

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from admin_ui import audit_log, people_storing, theme
from admin_ui.console import list_url, operator_of
from admin_ui.people_columns import LABELS
from admin_ui.people_notes import notes_of, without_password
from admin_ui.people_plan import Kind, Plan, PlannedRow, plan
from admin_ui.people_storing import Outcome
from admin_ui.people_wishes import Wish, Wishes, wishes_of
from admin_ui.punctuation import listed
from admin_ui.roles import IMPORT_PEOPLE
from admin_ui.sheets import reading
from im.errors import Refused
from im.models import IMUser
from im.services.directory import pending_imports
from im.services.directory.bulk_import import Secret

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Any]  # Any: the mixin's host
else:
    ModelAdmin = object

ROWS_SHOWN = 200  # of each table
FORM_URL = "im_imuser_import"
CONFIRM_URL = "im_imuser_process_import"


class ImportForm(forms.Form):
    """A spreadsheet; what kind it is shows in its content."""

    import_file = forms.FileField(
        label=_("File"),
        help_text=_("An Excel workbook (.xlsx) or CSV: at most 10 MB and 20,000 rows."),
        widget=forms.FileInput(attrs={"accept": ".xlsx,.csv,.txt,.tsv"}),
    )
    reason = forms.CharField(
        label=_("Reason for new passwords"),
        max_length=255,
        required=False,
        help_text=_(
            "Only if the file has passwords of people who are here already. It is recorded, and "
            "they get a message that you did it."
        ),
    )


class ConfirmForm(forms.Form):
    """The yes to an import that was shown."""

    import_file_name = forms.CharField(widget=forms.HiddenInput)


class _ReasonMissing(Exception):
    """People would get new passwords, and nobody said why."""


class PeopleImport(ModelAdmin):
    """The pages that import people, for the pages of people."""

    def has_import_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(IMPORT_PEOPLE)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("import/", view(self.import_page), name=FORM_URL),
            path("process_import/", view(self.confirm_page), name=CONFIRM_URL),
            *super().get_urls(),
        ]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the list, with the way to an import for those who may."""
        may_import = {"has_import_permission": self.has_import_permission(request)}
        return super().changelist_view(request, {**(extra_context or {}), **may_import})

    def import_page(self, request: HttpRequest) -> HttpResponse:
        """Show the form, and what the file sent with it would do."""
        self._check_permission(request)
        form = ImportForm(request.POST or None, request.FILES or None)
        context: dict[str, Any] = {}
        if request.method == "POST" and form.is_valid():
            try:
                context = self._preview(request, **form.cleaned_data)
            except Refused as refusal:
                form.add_error("import_file", str(refusal))
            except _ReasonMissing as missing:
                form.add_error("reason", str(missing))
        theme.dress(form)
        return self._page(request, gettext("Import"), {"form": form, **context})

    def _preview(
        self,
        request: HttpRequest,
        import_file: Any,  # Any: an upload
        reason: str,
    ) -> dict[str, Any]:
        """Return what the page shows of a file.  Raises Refused when it can't be read."""
        wishes = wishes_of(reading.read(import_file.chunks()))
        planned = plan(operator_of(request), wishes.rows)
        if planned.sets_passwords and not reason:
            raise _ReasonMissing(gettext("This file sets passwords: say what for."))
        context = {
            "result": planned,
            "notes": notes_of(wishes, planned),
            **_tables(wishes, planned),
        }
        if not planned.totals[Kind.REFUSED] and planned.changes_anything:
            head = [import_file.name, reason]
            name = _keep(operator_of(request).pk, head, wishes, planned)
            context["confirm_form"] = ConfirmForm(initial={"import_file_name": name})
        return context

    def confirm_page(self, request: HttpRequest) -> HttpResponse:
        """Store what was shown before."""
        self._check_permission(request)
        form = ConfirmForm(request.POST)
        name = form.cleaned_data["import_file_name"] if form.is_valid() else ""
        operator = operator_of(request)
        content = pending_imports.take(operator.pk, name)
        if content is None:
            self.message_user(request, gettext(
                "This import is not there any more: it was confirmed already, waited too long, or "
                "was prepared by somebody else. Choose the file again."
            ), messages.ERROR)  # fmt: skip
            return HttpResponseRedirect(reverse(f"admin:{FORM_URL}"))
        try:
            (file_name, reason), rows = _loaded(content)
            outcome = people_storing.store(
                plan(operator, rows), operator, address=audit_log.address_of(request),
                file_name=file_name, reason=reason,
            )  # fmt: skip
        except BaseException:
            pending_imports.give_back(operator.pk, name)
            raise
        return self._outcome(request, outcome, name)

    def _outcome(self, request: HttpRequest, outcome: Outcome, name: str) -> HttpResponse:
        counts = gettext("%(new)d new, %(changed)d changed, %(same)d unchanged") % {
            "new": outcome.added, "changed": outcome.changed, "same": outcome.same,
        }  # fmt: skip
        if not outcome.undone:
            pending_imports.forget(operator_of(request).pk, name)
        if outcome.is_complete:
            text = gettext("Import finished: %s.") % counts
            self.message_user(request, text, messages.SUCCESS)
            for warning in without_password(outcome.without_password):
                self.message_user(request, warning, messages.WARNING)
            return HttpResponseRedirect(list_url(IMUser))
        context: dict[str, Any] = {
            "notes": [
                gettext("Stored: %s.") % counts,
                *without_password(outcome.without_password),
            ],
            "refused": outcome.refused[:ROWS_SHOWN],
            "more_refused": max(0, len(outcome.refused) - ROWS_SHOWN),
        }
        if outcome.undone:
            text = gettext(
                "%d rows are not stored: the database could not take them. Confirm again in a "
                "moment; what is stored already stays as it is."
            )
            context["notes"].append(text % outcome.undone)
            pending_imports.give_back(operator_of(request).pk, name)
            context["confirm_form"] = ConfirmForm(initial={"import_file_name": name})
        return self._page(request, gettext("Import not complete"), context)

    def _page(self, request: HttpRequest, title: str, context: dict[str, Any]) -> TemplateResponse:
        request.current_app = self.admin_site.name
        return TemplateResponse(
            request,
            "admin_ui/import.html",
            {
                **self.admin_site.each_context(request),
                "title": title,
                "opts": self.opts,
                "media": self.media,
                "form_url": reverse(f"admin:{FORM_URL}"),
                "confirm_url": reverse(f"admin:{CONFIRM_URL}"),
                "cancel": list_url(IMUser),
                "known": listed(LABELS.values()),
                **context,
            },
        )

    def _check_permission(self, request: HttpRequest) -> None:
        if not self.has_import_permission(request):
            raise PermissionDenied


def _tables(wishes: Wishes, planned: Plan) -> dict[str, Any]:
    """Return the rows that a page shows: what would change, or else what can't be."""
    refused = planned.of_kind(Kind.REFUSED)
    changes = [] if refused else planned.of_kind(Kind.NEW, Kind.CHANGED)
    fields = [name for name in wishes.fields if name != "password"]
    return {
        "refused": refused[:ROWS_SHOWN],
        "more_refused": max(0, len(refused) - ROWS_SHOWN),
        "fields": [LABELS[name] for name in fields],
        "changes": [_shown(row, fields) for row in changes[:ROWS_SHOWN]],
        "more_changes": max(0, len(changes) - ROWS_SHOWN),
    }


def _shown(row: PlannedRow, fields: list[str]) -> dict[str, Any]:
    return {
        "row": row,
        "values": [row.name if name == "name" else row.values.get(name) for name in fields],
        "has_password": row.entry is not None and row.entry.secret is not None,
    }


def _keep(owner_id: int, head: list[str], wishes: Wishes, planned: Plan) -> str:
    rows = [
        [wish.number, wish.texts, wish.secret and asdict(wish.secret), row.person_id]
        for wish, row in zip(wishes.rows, planned.rows, strict=True)
    ]
    lines = [json.dumps(item) for item in (head, *rows)]
    try:
        return pending_imports.keep(owner_id, "\n".join(lines).encode())
    except OSError as error:
        raise Refused(gettext("The server can't keep the file: %s") % error.strerror) from error


def _loaded(content: bytes) -> tuple[list[str], list[Wish]]:
    head, *lines = content.decode().split("\n")
    rows = [
        Wish(number, texts, Secret(**secret) if secret else None, person_id)
        for number, texts, secret, person_id in map(json.loads, lines)
    ]
    return json.loads(head), rows
