"""Bulk actions that ask before they do it: what will happen, and to whom."""

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.utils.translation import gettext, ngettext

from admin_ui import scope, theme
from admin_ui.console import list_url, operator_of

ROWS_SHOWN = 20  # on the page that asks; the rest is counted

Action = Callable[..., Any]


def confirmed(
    description: Any,  # translated lazily
    *,
    permissions: Sequence[str],
    form_class: type[forms.Form] = forms.Form,
    note: Any = "",
) -> Callable[[Action], Action]:
    """Make a method (self, request, queryset, form) a bulk action with a page before it.

    The page shows `note`, the rows and the fields of `form_class`; the method gets the valid form.
    """

    def decorate(method: Action) -> Action:
        @admin.action(description=description, permissions=permissions)
        @wraps(method)
        def action(self: Any, request: HttpRequest, queryset: QuerySet[Any]) -> Any:
            is_answer = "confirmed" in request.POST
            form = form_class(request.POST if is_answer else None)
            scope.restrict(form, operator_of(request))
            theme.dress(form)
            if is_answer and form.is_valid():
                return method(self, request, queryset, form)
            return _ask(self, request, queryset, form, description, note, method.__name__)

        return action

    return decorate


def _ask(
    model_admin: Any,
    request: HttpRequest,
    queryset: QuerySet[Any],
    form: forms.Form,
    description: Any,
    note: Any,
    name: str,
) -> TemplateResponse:
    count = queryset.count()
    rows = [str(row) for row in queryset[:ROWS_SHOWN]]
    if count > len(rows):
        rows.append(gettext("and %d more") % (count - len(rows)))
    chosen = request.POST.getlist(ACTION_CHECKBOX_NAME)
    hidden = [("action", name), *((ACTION_CHECKBOX_NAME, row_id) for row_id in chosen)]
    if request.POST.get("select_across") == "1":
        hidden.append(("select_across", "1"))
    context = {
        **model_admin.admin_site.each_context(request),
        "title": description,
        "subtitle": ngettext("%d row", "%d rows", count) % count,
        "opts": model_admin.opts,
        "notes": [note] if note else [],
        "rows": rows,
        "form": form,
        "media": model_admin.media + form.media,
        "hidden": hidden,
        "submit": description,
        "cancel": list_url(model_admin.model),
    }
    return TemplateResponse(request, "admin_ui/form_page.html", context)
