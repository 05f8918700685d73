"""Pages of people: the list, one person, passwords, spreadsheets, leaving."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.decorators import method_decorator
from django.utils.html import format_html
from django.utils.translation import gettext, ngettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from import_export.admin import ExportMixin

from admin_ui import people_files, person_choice, scope, theme
from admin_ui.audit_log import Deed
from admin_ui.confirm import confirmed
from admin_ui.console import change_url, list_url, lookups, operator_of, unknown_url
from admin_ui.edit_pages import CardAdmin, announce_on_commit
from admin_ui.filters import ChoiceFilter, DayRangeFilter, DropdownFilter, name_of
from admin_ui.people_forms import (
    SEXES,
    STATUSES,
    NewUserForm,
    NewUserWithPasswordForm,
    OffboardForm,
    PasswordForm,
    UserForm,
)
from admin_ui.people_import import PeopleImport
from admin_ui.roles import EXPORT_PEOPLE, SET_PASSWORDS
from admin_ui.tree import company_outline, subtree
from im.delivery.remote.publish import online_devices
from im.errors import Refused
from im.models import IMUser
from im.services.directory import users
from im.services.groups import offboarding
from im.services.identity import password_setting
from im.services.setup.password_file import random_password
from im.types import DeviceClass

if TYPE_CHECKING:
    from django.contrib.admin.views.main import ChangeList

    class Spreadsheets:
        """import_export has no types."""
else:
    Spreadsheets = ExportMixin

SECRETS = ("password", "salt")  # columns
LEAVERS_PER_TRANSACTION = 200  # keeps each one far below the 100 ms others may have to wait
OFFBOARDED_AT_ONCE = 200  # each takes a handful of statements
DEVICE_NAMES = [
    (DeviceClass.PC, _("PC")),
    (DeviceClass.MOBILE, pgettext_lazy("a device", "phone")),
    (DeviceClass.WEB, _("web")),
]


class SexFilter(ChoiceFilter):
    title = _("sex")
    parameter_name = "sex"
    numbers = SEXES


class StatusFilter(ChoiceFilter):
    title = _("status")
    parameter_name = "status"
    numbers = STATUSES


class UpdatedFilter(DayRangeFilter):
    title = _("updated")
    parameter_name = "updated"


class DepartmentFilter(DropdownFilter):
    """Narrows the list to a department and all that it contains."""

    title = _("department")
    parameter_name = "department"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        self.places = company_outline()
        mine = scope.departments_of(operator_of(request))
        return [
            (str(place.depart_id), "\N{EM SPACE}" * place.depth + place.name)
            for place in self.places.values()
            if mine is None or place.depart_id in mine
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[IMUser]) -> QuerySet[IMUser]:
        chosen = self.value()
        if not chosen or not chosen.isdecimal():
            return queryset
        return queryset.filter(depart_id__in=subtree(self.places, int(chosen)))


@admin.register(IMUser)
class UserAdmin(PeopleImport, Spreadsheets, CardAdmin):
    """The people of the company."""

    form = UserForm
    list_display = [
        "face", "name", "nick", "department", "status_name", "online", "phone",
        "email", "updated_at",
    ]  # fmt: skip
    list_display_links = ["name"]
    list_filter = [DepartmentFilter, StatusFilter, SexFilter, UpdatedFilter]
    list_select_related = ["depart"]
    search_fields = ["name", "nick", "domain", "phone", "email"]
    search_help_text = _("Name, nickname, phonetic name, phone or e-mail")
    ordering = ["id"]
    actions = ["leave", "offboard"]
    readonly_fields = ["password_link", "online", "created_at", "updated_at"]
    resource_classes = [people_files.PeopleResource]
    import_export_change_list_template = "admin_ui/people_list.html"
    export_form_class = people_files.EXPORT_FORM
    formats = people_files.FORMATS
    skip_export_form = False
    card_fields: ClassVar[Any] = (  # Any here and below: the stubs' own types are private
        (None, {"fields": ["name", "nick", "domain", "depart", "status", "sex"]}),
        (_("Contact"), {"fields": ["phone", "email", "sign_info"]}),
    )
    fieldsets: ClassVar[Any] = (
        *card_fields,
        (_("Account"), {"fields": ["password_link", "online", "created_at", "updated_at", "seen"]}),
    )
    add_fieldsets: ClassVar[Any] = (
        *card_fields,
        (_("Account"), {"fields": ["password", "password_again"]}),
    )

    # --- who and what ---------------------------------------------------------------------------

    def get_queryset(self, request: HttpRequest) -> QuerySet[IMUser]:
        return scope.people(operator_of(request), super().get_queryset(request))

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Don't let the list's address ask for hashes: it would tell them, letter by letter."""
        return not lookup.startswith(SECRETS) and super().lookup_allowed(lookup, value, request)

    def get_fieldsets(self, request: HttpRequest, obj: IMUser | None = None) -> Any:
        if obj:
            return self.fieldsets
        return self.add_fieldsets if request.user.has_perm(SET_PASSWORDS) else self.card_fields

    def get_form(
        self, request: HttpRequest, obj: IMUser | None = None, change: bool = False, **kwargs: Any
    ) -> Any:
        may_set = request.user.has_perm(SET_PASSWORDS)
        new = NewUserWithPasswordForm if may_set else NewUserForm
        kwargs.setdefault("form", UserForm if obj else new)
        return super().get_form(request, obj, change, **kwargs)

    def get_changelist_instance(self, request: HttpRequest) -> "ChangeList":
        """Return the list with everybody's devices looked up at once."""
        changelist = super().get_changelist_instance(request)
        rows = changelist.result_list
        online = online_devices([row.pk for row in rows])
        for row in rows:
            row.online_devices = online.devices[row.pk]
        changelist.answers = online.answers  # type: ignore[attr-defined]  # the template says it
        return changelist

    def get_urls(self) -> list[URLPattern]:
        page = self.admin_site.admin_view(self.password_page)
        choices = self.admin_site.admin_view(person_choice.answer_choices)
        return [
            path("choices/", choices, name=person_choice.URL_NAME),
            path("<id>/password/", page, name="im_imuser_password"),
            *super().get_urls(),
        ]

    def render_change_form(
        self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        row = context.get("original")
        context["subtitle"] = row.full_name if row else None
        return super().render_change_form(request, context, *args, **kwargs)

    # --- writing --------------------------------------------------------------------------------

    @method_decorator(sensitive_post_parameters("password", "password_again"))
    def changeform_view(self, *args: Any, **kwargs: Any) -> HttpResponse:
        return super().changeform_view(*args, **kwargs)

    def write(self, form: Any, row_id: int | None) -> int:
        if row_id is None:
            typed = form.cleaned_data.get("password")  # None: they set none, and are shown none
            password = typed or random_password()
            form.instance.shown_password = password if typed == "" else ""
            return users.create_user(form.card(), password).user_id
        change = users.change_user(row_id, form.card(), seen=form.cleaned_data["seen"])
        announce_on_commit(change.events)
        return change.user_id

    def response_add(
        self, request: HttpRequest, obj: Any, post_url_continue: str | None = None
    ) -> HttpResponse:
        """Show a random password, this once."""
        if getattr(obj, "shown_password", ""):
            return self._show_password(request, obj, obj.shown_password)
        return super().response_add(request, obj, post_url_continue)

    @method_decorator(sensitive_post_parameters("password", "password_again"))
    @method_decorator(never_cache)
    def password_page(self, request: HttpRequest, id: str) -> HttpResponse:
        """Show and take the form for a new password of one person."""
        row = self.get_object(request, id)
        if not request.user.has_perm(SET_PASSWORDS):
            raise PermissionDenied
        if row is None:
            raise Http404
        form = PasswordForm(row, request.POST or None)
        if not form.is_valid():
            return self._password_form(request, row, form)
        typed = form.cleaned_data["password"]
        password = typed or random_password()
        with transaction.atomic():
            operator = operator_of(request).get_username()
            change = password_setting.set_for(row.pk, password, set_by=operator)
            announce_on_commit(change.events)
            self.record(request, "password", row, reason=form.cleaned_data["reason"])
        if not typed:
            return self._show_password(request, row, password)
        text = gettext("%(nick)s has a new password.") % {"nick": row.nick}
        self.message_user(request, text, messages.SUCCESS)
        return self.response_post_save_change(request, row)

    def _password_form(
        self, request: HttpRequest, row: IMUser, form: PasswordForm
    ) -> TemplateResponse:
        theme.dress(form)
        context = self._context(request, row, gettext("New password")) | {
            "form": form,
            "media": self.media + form.media,
            "submit": gettext("Set password"),
            "cancel": change_url(IMUser, row.pk),
        }
        return TemplateResponse(request, "admin_ui/form_page.html", context)

    def _show_password(self, request: HttpRequest, row: IMUser, password: str) -> TemplateResponse:
        context = self._context(request, row, gettext("New password"))
        context |= {"password": password, "next": list_url(IMUser)}
        response = TemplateResponse(request, "admin_ui/shown_once.html", context)
        response["Cache-Control"] = "no-store"
        return response

    def _context(self, request: HttpRequest, row: IMUser, title: str) -> dict[str, Any]:
        return {
            **self.admin_site.each_context(request),
            "title": title,
            "subtitle": row.full_name,
            "opts": self.opts,
            "original": row,
        }

    # --- spreadsheets ---------------------------------------------------------------------------

    def has_export_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(EXPORT_PEOPLE)

    def get_export_resource_kwargs(self, request: HttpRequest, **kwargs: Any) -> dict[str, Any]:
        return people_files.resource_arguments(request)

    def export_action(self, request: HttpRequest) -> HttpResponse:
        """Ask what to export, and answer with it; the address narrows it as it does the list."""
        exporter: Any = super()
        try:
            with lookups():
                response: HttpResponse = exporter.export_action(request)
        except IncorrectLookupParameters:
            return HttpResponseRedirect(unknown_url(IMUser))
        return response

    def get_export_data(
        self, file_format: Any, request: HttpRequest, queryset: Any, **kwargs: Any
    ) -> Any:
        """Return the file; that people were taken out is recorded first."""
        self.record(request, "export", "im.imuser", {"rows": queryset.count()})
        exporter: Any = super()
        return exporter.get_export_data(file_format, request, queryset, **kwargs)

    # --- columns --------------------------------------------------------------------------------

    @admin.display(description="")
    def face(self, row: IMUser) -> str:
        """Show the picture, or the first character of the nickname."""
        address = picture_url(row.avatar or "")
        if address:
            return format_html(
                '<img src="{}" alt="" class="face" loading="lazy" referrerpolicy="no-referrer">',
                address,
            )
        return format_html('<span class="face">{}</span>', (row.nick or row.name)[:1].upper())

    @admin.display(description=_("department"), ordering="depart__depart_name")
    def department(self, row: IMUser) -> str | None:
        return row.depart.depart_name if row.depart else None

    @admin.display(description=_("status"), ordering="status")
    def status_name(self, row: IMUser) -> Any:  # Any: translated lazily
        return name_of(row.status, STATUSES)

    @admin.display(description=_("online"))
    def online(self, row: Any) -> str:  # Any: listed rows know their devices
        """Say with which devices somebody is connected."""
        if not hasattr(row, "online_devices"):
            row.online_devices = online_devices([row.pk]).devices[row.pk]
        if row.online_devices is None:
            return gettext("unknown")
        names = [str(name) for device, name in DEVICE_NAMES if device in row.online_devices]
        return ", ".join(names) or "–"

    @admin.display(description=_("password"))
    def password_link(self, row: IMUser) -> str:
        page = reverse("admin:im_imuser_password", args=[row.pk])
        return format_html(
            '<a href="{}" class="font-medium text-primary-600 dark:text-primary-500">{}</a>',
            page,
            _("Set a new password"),
        )

    # --- leaving --------------------------------------------------------------------------------

    @confirmed(
        _("Disable: can't log in any more"),
        permissions=["change"],
        note=_("They are marked as left, and their connections end at once."),
    )
    def leave(self, request: HttpRequest, queryset: QuerySet[IMUser], form: forms.Form) -> None:
        """Mark the chosen ones as left, some at a time."""
        ids = list(queryset.order_by("pk").values_list("pk", flat=True))
        left = 0
        for start in range(0, len(ids), LEAVERS_PER_TRANSACTION):
            left += self._leave(request, ids[start : start + LEAVERS_PER_TRANSACTION])
        text = ngettext("%d person is marked as left.", "%d people are marked as left.", left)
        self.message_user(request, text % left, messages.SUCCESS)

    def _leave(self, request: HttpRequest, ids: Sequence[int]) -> int:
        with transaction.atomic():
            leavers = users.mark_left(ids)
            announce_on_commit(leavers)
            rows = IMUser.objects.filter(pk__in=[leaver.user_id for leaver in leavers])
            self.record_all(request, [Deed("leave", row) for row in rows])
        return len(leavers)

    @confirmed(
        _("Offboard: disable, take out of all groups"),
        permissions=["change"],
        form_class=OffboardForm,
        note=_(
            "They are marked as left, their connections end at once, they leave all groups, and "
            "the groups they made are handed over."
        ),
    )
    def offboard(self, request: HttpRequest, queryset: QuerySet[IMUser], form: forms.Form) -> None:
        """Offboard the chosen ones, a transaction each, or more for one in many groups."""
        successor = form.cleaned_data["successor"]
        done = 0
        for row in queryset.order_by("pk")[:OFFBOARDED_AT_ONCE]:
            try:
                while self._offboard(request, row, successor.pk if successor else None):
                    pass
            except Refused as refusal:
                self.message_user(request, f"{row}: {refusal}", messages.ERROR)
            else:
                done += 1
        text = ngettext("%d person is offboarded.", "%d people are offboarded.", done)
        self.message_user(request, text % done, messages.SUCCESS)

    @transaction.atomic
    def _offboard(self, request: HttpRequest, row: IMUser, successor_id: int | None) -> bool:
        """Do one portion; tell whether there is more."""
        done = offboarding.offboard(row.pk, successor_id)
        announce_on_commit(done.events)
        detail = {
            "groups left": list(done.groups_left),
            "groups handed over": list(done.groups_handed_over),
            "successor": successor_id,
        }
        self.record(request, "offboard", row, detail)
        return done.has_more


def picture_url(avatar: str) -> str:
    """Return where a browser finds a picture; those of the original's console are relative."""
    if avatar.startswith(("http://", "https://")):
        return avatar
    return f"{settings.IM_PUBLIC_URL}/{avatar.lstrip('/')}" if avatar else ""
