"""The base of every table's pages: what a good list and a good form do, whatever the theme.

All of the console's ModelAdmins stand on ConsoleModelAdmin, and those whose rows nobody edits on
ReadOnlyAdmin.  Times of the TeamTalk tables are unix seconds and shown in the console's time zone.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ERROR_FLAG, ChangeList
from django.core.exceptions import FieldError, PermissionDenied, ValidationError
from django.db import DatabaseError
from django.db.models import Model, QuerySet
from django.db.models.functions import Lower
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from admin_ui import audit_log, scope, theme
from admin_ui.models import AuditEntry, Operator
from im.fields import CharColumn
from im.services.setup.database_fitness import unstorable
from im.storage.db_errors import Fault, classify

if TYPE_CHECKING:  # the type checker knows it as a generic class, Django does not
    ModelAdmin = admin.ModelAdmin[Any]  # Any: bases for all our tables
else:
    ModelAdmin = theme.ModelAdmin

HISTORY_ENTRIES = 200  # the newest; older ones are in the audit log
UNRECORDED = ("password", "seen", "csrf")  # beginnings of the names of fields nobody reads about

ROWS_PER_PAGE = 50  # one screen or two; each row costs a little template time

CharColumn.register_lookup(Lower)  # `__lower` in queries, for searches


@contextmanager
def lookups() -> Iterator[None]:
    """Read what an address asks for.  Raises IncorrectLookupParameters where nobody could."""
    try:
        yield
    except (ValueError, TypeError, LookupError, OverflowError, FieldError) as exc:
        raise IncorrectLookupParameters(exc) from exc
    except DatabaseError as exc:
        if classify(exc) is not Fault.DATA:
            raise
        raise IncorrectLookupParameters(exc) from exc


class ConsoleList(ChangeList):
    """A list whose address may ask for anything: what can't be looked up is left out.

    Django checks names and kinds of what an address asks for; whether the database's driver takes
    a value, e.g. a number of 30 digits, shows only when the rows are read.
    """

    def get_queryset(self, request: HttpRequest, *args: Any, **kwargs: Any) -> QuerySet[Model]:
        with lookups():
            return super().get_queryset(request, *args, **kwargs)

    def get_results(self, request: HttpRequest) -> None:
        with lookups():
            self.read(request)

    def read(self, request: HttpRequest) -> None:
        """Read the page's rows now, and not when the template asks for them."""
        super().get_results(request)
        len(self.result_list)


class ConsoleModelAdmin(ModelAdmin):
    """Lists of bounded cost, forms in the theme's look."""

    list_per_page = ROWS_PER_PAGE
    show_facets = admin.ShowFacets.NEVER  # one count per choice, over everybody
    show_full_result_count = False
    view_on_site = False
    list_filter_sheet = False  # unfold: filters above the list, not in a drawer
    list_filter_submit = True
    compressed_fields = True
    warn_unsaved_form = True

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return ConsoleList

    def response_action(
        self, request: HttpRequest, queryset: QuerySet[Model], *args: Any, **kwargs: Any
    ) -> Any:  # Any: the stubs know one more argument than Django has
        """Run an action on the chosen rows; None if what was chosen names no rows."""
        try:
            for row_id in request.POST.getlist(ACTION_CHECKBOX_NAME):
                self.opts.pk.to_python(row_id)
        except ValidationError:
            self.message_user(request, gettext("There are no such rows."), messages.ERROR)
            return None
        return super().response_action(request, queryset, *args, **kwargs)

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:  # Any: each table's own row and form
        """Return the form in the theme's look, with the choices this operator has."""
        form = super().get_form(request, obj, change, **kwargs)

        class Dressed(form):  # type: ignore[misc,valid-type]  # a class made at run time
            def __init__(self, *args: Any, **kwargs: Any) -> None:
                super().__init__(*args, **kwargs)
                scope.restrict(self, operator_of(request))
                theme.dress(self)

            def clean(self) -> Any:
                cleaned = super().clean()
                _check_characters(self)
                return cleaned

        return Dressed

    # --- what was done: recorded in the audit log, not in Django's ----------------------------

    def record(
        self,
        request: HttpRequest,
        action: str,
        target: Model | str,
        detail: Mapping[str, Any] | None = None,
        reason: str = "",
    ) -> None:
        """Record what the operator did; call it in the transaction that does it."""
        address = audit_log.address_of(request)
        audit_log.record(operator_of(request), action, target, detail, reason, address=address)

    def record_all(
        self, request: HttpRequest, deeds: Sequence[audit_log.Deed], reason: str = ""
    ) -> None:
        """Record many deeds at once."""
        address = audit_log.address_of(request)
        audit_log.record_all(operator_of(request), deeds, reason, address=address)

    def construct_change_message(
        self, request: HttpRequest, form: Any, formsets: Any, add: bool = False
    ) -> Any:
        """Return what the form changed: field -> [before, after], without secrets."""
        return {
            name: [_plain(form.initial.get(name)), _plain(form.cleaned_data.get(name))]
            for name in form.changed_data
            if name in form.cleaned_data and not name.startswith(UNRECORDED)
        }

    def log_addition(self, request: HttpRequest, obj: Model, message: Any) -> Any:
        self.record(request, "add", obj, message)

    def log_change(self, request: HttpRequest, obj: Model, message: Any) -> Any:
        if message:  # a form that was sent as it came changed nothing
            self.record(request, "change", obj, message)

    def log_deletions(self, request: HttpRequest, queryset: QuerySet[Model]) -> Any:
        self.record_all(request, [audit_log.Deed("delete", row) for row in queryset])

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show what the audit log has about one row."""
        row = self.get_object(request, object_id)
        if row is None:
            raise Http404
        if not self.has_view_or_change_permission(request, row):
            raise PermissionDenied
        entries = AuditEntry.objects.filter(target=audit_log.target_key(row))
        context = {
            **self.admin_site.each_context(request),
            "title": _("History"),
            "subtitle": str(row),
            "opts": self.opts,
            "original": row,
            "entries": entries[:HISTORY_ENTRIES],
            **(extra_context or {}),
        }
        return TemplateResponse(request, "admin_ui/history.html", context)

    @admin.display(description=_("created"), ordering="created")
    def created_at(self, row: Any) -> str:  # Any: these columns are in all TeamTalk tables
        return readable(row.created)

    @admin.display(description=_("updated"), ordering="updated")
    def updated_at(self, row: Any) -> str:
        return readable(row.updated)


def _check_characters(form: Any) -> None:  # Any: a form of any table
    """Show beside a field which of its characters the database can't store."""
    model = form._meta.model
    columns = {field.name for field in model._meta.concrete_fields}
    for name in columns & form.cleaned_data.keys():
        value = form.cleaned_data[name]
        if isinstance(value, str) and (wide := unstorable(model, name, value)):
            text = gettext("The database can't store %(characters)s here: its table needs utf8mb4.")
            form.add_error(name, text % {"characters": wide})


def operator_of(request: HttpRequest) -> Operator:
    """Return who is logged in; behind the site's doors it is always an operator."""
    assert isinstance(request.user, Operator)
    return request.user


def _plain(value: Any) -> Any:
    if isinstance(value, Model):
        return value.pk
    return value if isinstance(value, int | float | None) else str(value)


class CaselessSearch(ModelAdmin):
    """Search without regard to capitals, which the TeamTalk columns tell apart on MySQL."""

    def get_search_fields(self, request: HttpRequest) -> list[str]:
        return [f"{field}__lower__contains" for field in self.search_fields]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Model], search_term: str
    ) -> tuple[QuerySet[Model], bool]:
        return super().get_search_results(request, queryset, search_term.lower())


class ReadOnlyAdmin(ConsoleModelAdmin):
    """Pages of rows that are shown and never edited."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


def readable(unix_seconds: int) -> str:
    """Return a time of the TeamTalk tables as date and minute; a dash where there is none."""
    if not unix_seconds:
        return "–"
    return date_format(localtime(datetime.fromtimestamp(unix_seconds, UTC)), "Y-m-d H:i")


def readable_s(unix_seconds: int) -> str:
    """Return such a time to the second."""
    return date_format(localtime(datetime.fromtimestamp(unix_seconds, UTC)), "Y-m-d H:i:s")


def unknown_url(model: type[Model]) -> str:
    """Return the address of a table's list that says: what was looked for can't be."""
    return f"{list_url(model)}?{ERROR_FLAG}=1"


def list_url(model: type[Model]) -> str:
    """Return the address of a table's list."""
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")


def change_url(model: type[Model], row_id: int) -> str:
    """Return the address of a row's page."""
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_change", args=[row_id])
