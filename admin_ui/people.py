"""Pages of people: the list, one person, and a new password."""

from collections.abc import Sequence
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.decorators import method_decorator
from django.utils.html import format_html
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_post_parameters

from admin_ui import scope, theme
from admin_ui.audit_log import Deed
from admin_ui.console import change_url, operator_of
from admin_ui.department_choice import DepartmentField
from admin_ui.edit_pages import (
    CardAdmin,
    CardForm,
    announce_on_commit,
    number_choice,
)
from admin_ui.filters import ChoiceFilter, Choices, DropdownFilter, name_of
from admin_ui.tree import company_outline, subtree
from im.models import IMUser
from im.services import directory
from im.services.directory import MAX_PASSWORD_CHARS, USER_TEXTS, UserCard
from im.services.edits import Problem
from im.types import UserStatus

SEXES: Choices = [(0, _("unknown")), (1, _("male")), (2, _("female"))]
STATUSES: Choices = [
    (UserStatus.NORMAL, _("normal")),
    (UserStatus.PROBATION, _("on probation")),
    (UserStatus.REGULAR, _("regular")),
    (UserStatus.INTERN, _("intern")),
    (UserStatus.LEFT, _("left")),
]
MAX_CHARS = {rule.field: rule.max_chars for rule in USER_TEXTS}
LEAVERS_PER_TRANSACTION = 200  # keeps each one far below the 100 ms others may have to wait


class SexFilter(ChoiceFilter):
    title = _("sex")
    parameter_name = "sex"
    numbers = SEXES


class StatusFilter(ChoiceFilter):
    title = _("status")
    parameter_name = "status"
    numbers = STATUSES


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


def password_field(label: Any) -> forms.CharField:  # Any: translated lazily
    """Return an input whose value never comes back in a page."""
    widget = forms.PasswordInput(attrs={"autocomplete": "new-password"})
    return forms.CharField(label=label, strip=False, max_length=MAX_PASSWORD_CHARS, widget=widget)


class UserForm(CardForm):
    """One person; all it does is make a UserCard."""

    name = forms.CharField(
        label=_("Login name"),
        max_length=MAX_CHARS["name"],
        help_text=_("What the person types to log in."),
    )
    nick = forms.CharField(
        label=_("Nickname"),
        max_length=MAX_CHARS["nick"],
        help_text=_("What colleagues see."),
    )
    domain = forms.CharField(
        label=_("Phonetic name"),
        max_length=MAX_CHARS["domain"],
        required=False,
        help_text=_("Pinyin, for sorting and searching. Left empty, it is the login name."),
    )
    depart = DepartmentField(label=_("Department"))
    status = number_choice(STATUSES, _("Status"), UserStatus.NORMAL)
    sex = number_choice(SEXES, _("Sex"), 0)
    phone = forms.CharField(label=_("Phone"), max_length=MAX_CHARS["phone"], required=False)
    email = forms.CharField(
        label=_("E-mail"),
        max_length=MAX_CHARS["email"],
        required=False,
        widget=forms.EmailInput(attrs={"size": 40}),
    )
    sign_info = forms.CharField(
        label=_("Signature"),
        max_length=MAX_CHARS["sign_info"],
        required=False,
        widget=forms.TextInput(attrs={"size": 60}),
    )
    form_fields = {"depart_id": "depart"}

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # Any: ModelForm's own signature
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.initial["depart"] = self.instance.depart_id

    def card(self) -> UserCard:
        """Return what the operator entered."""
        entered = self.cleaned_data
        return UserCard(
            name=entered["name"],
            nick=entered["nick"],
            depart_id=entered["depart"].pk,
            domain=entered["domain"],
            sex=entered["sex"],
            phone=entered["phone"],
            email=entered["email"],
            status=entered["status"],
            sign_info=entered["sign_info"],
        )

    def problems(self) -> Sequence[Problem]:
        seen = self.cleaned_data["seen"]
        return directory.check_user(self.instance.pk, self.card(), seen=seen)


class NewUserForm(UserForm):
    """A person to add, with a first password."""

    password = password_field(_("Password"))
    password_again = password_field(_("Password again"))

    def problems(self) -> Sequence[Problem]:
        return [*directory.check_new_user(self.card()), *password_problems(self.cleaned_data)]


class PasswordForm(forms.Form):
    """A new password, typed twice."""

    password = password_field(_("New password"))
    password_again = password_field(_("New password again"))

    def clean(self) -> None:
        super().clean()
        if not self.errors:
            for problem in password_problems(self.cleaned_data):
                self.add_error(problem.field, problem.text)


def password_problems(entered: dict[str, Any]) -> Sequence[Problem]:
    """Return what is wrong with a password typed twice."""
    if entered["password"] != entered["password_again"]:
        return [Problem("password_again", gettext("The two passwords are not the same."))]
    return directory.check_password(entered["password"])


@admin.register(IMUser)
class UserAdmin(CardAdmin):
    """The people of the company."""

    form = UserForm
    list_display = [
        "id",
        "name",
        "nick",
        "department",
        "status_name",
        "sex_name",
        "phone",
        "email",
        "updated_at",
    ]
    list_display_links = ["id", "name"]
    list_filter = [DepartmentFilter, StatusFilter, SexFilter]
    list_select_related = ["depart"]
    search_fields = ["name", "nick", "domain", "phone", "email"]
    search_help_text = _("Name, nickname, phonetic name, phone or e-mail")
    ordering = ["id"]
    actions = ["leave"]
    readonly_fields = ["password_link", "created_at", "updated_at"]
    card_fields: ClassVar[Any] = (  # Any here and below: the stubs' own types are private
        (None, {"fields": ["name", "nick", "domain", "depart", "status", "sex"]}),
        (_("Contact"), {"fields": ["phone", "email", "sign_info"]}),
    )
    fieldsets: ClassVar[Any] = (
        *card_fields,
        (_("Account"), {"fields": ["password_link", "created_at", "updated_at", "seen"]}),
    )
    add_fieldsets: ClassVar[Any] = (
        *card_fields,
        (_("Account"), {"fields": ["password", "password_again"]}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[IMUser]:
        return scope.people(operator_of(request), super().get_queryset(request))

    def get_fieldsets(self, request: HttpRequest, obj: IMUser | None = None) -> Any:
        return self.fieldsets if obj else self.add_fieldsets

    def get_form(
        self, request: HttpRequest, obj: IMUser | None = None, change: bool = False, **kwargs: Any
    ) -> Any:
        kwargs.setdefault("form", UserForm if obj else NewUserForm)
        return super().get_form(request, obj, change, **kwargs)

    def get_urls(self) -> list[URLPattern]:
        page = self.admin_site.admin_view(self.password_page)
        return [
            path("<id>/password/", page, name="im_imuser_password"),
            *super().get_urls(),
        ]

    @method_decorator(sensitive_post_parameters("password", "password_again"))
    def changeform_view(self, *args: Any, **kwargs: Any) -> HttpResponse:
        return super().changeform_view(*args, **kwargs)

    def write(self, form: Any, row_id: int | None) -> int:
        if row_id is None:
            return directory.create_user(form.card(), form.cleaned_data["password"]).user_id
        change = directory.change_user(row_id, form.card(), seen=form.cleaned_data["seen"])
        announce_on_commit(change.events)
        return change.user_id

    @method_decorator(sensitive_post_parameters("password", "password_again"))
    def password_page(self, request: HttpRequest, id: str) -> HttpResponse:
        """Show and take the form for a new password of one person."""
        row = self.get_object(request, id)
        if not self.has_change_permission(request, row):
            raise PermissionDenied
        if row is None:
            raise Http404
        form = PasswordForm(request.POST or None)
        if not form.is_valid():
            return self._password_form(request, row, form)
        with transaction.atomic():
            change = directory.set_password(row.pk, form.cleaned_data["password"])
            announce_on_commit(change.events)
            self.record(request, "password", row)
        text = gettext("%(nick)s has a new password.") % {"nick": row.nick}
        self.message_user(request, text, messages.SUCCESS)
        return HttpResponseRedirect(change_url(IMUser, row.pk))

    def _password_form(
        self, request: HttpRequest, row: IMUser, form: PasswordForm
    ) -> TemplateResponse:
        theme.dress(form)
        context = {
            **self.admin_site.each_context(request),
            "title": gettext("New password"),
            "subtitle": f"{row.nick} ({row.name})",
            "opts": self.opts,
            "original": row,
            "form": form,
            "media": self.media + form.media,
            "submit": gettext("Set password"),
            "cancel": change_url(IMUser, row.pk),
        }
        return TemplateResponse(request, "admin_ui/form_page.html", context)

    @admin.display(description=_("department"), ordering="depart__depart_name")
    def department(self, row: IMUser) -> str | None:
        return row.depart.depart_name if row.depart else None

    @admin.display(description=_("status"), ordering="status")
    def status_name(self, row: IMUser) -> Any:  # Any: translated lazily
        return name_of(row.status, STATUSES)

    @admin.display(description=_("sex"), ordering="sex")
    def sex_name(self, row: IMUser) -> Any:  # Any: translated lazily
        return name_of(row.sex, SEXES)

    @admin.display(description=_("password"))
    def password_link(self, row: IMUser) -> str:
        page = reverse("admin:im_imuser_password", args=[row.pk])
        return format_html('<a href="{}">{}</a>', page, _("Set a new password"))

    @admin.action(description=_("Mark as left (can't log in any more)"), permissions=["change"])
    def leave(self, request: HttpRequest, queryset: QuerySet[IMUser]) -> None:
        """Mark the chosen ones as left, some at a time."""
        ids = list(queryset.order_by("pk").values_list("pk", flat=True))
        left = 0
        for start in range(0, len(ids), LEAVERS_PER_TRANSACTION):
            left += self._leave(request, ids[start : start + LEAVERS_PER_TRANSACTION])
        text = ngettext("%d person is marked as left.", "%d people are marked as left.", left)
        self.message_user(request, text % left, messages.SUCCESS)

    def _leave(self, request: HttpRequest, ids: Sequence[int]) -> int:
        with transaction.atomic():
            leavers = directory.mark_left(ids)
            announce_on_commit(leavers)
            rows = IMUser.objects.filter(pk__in=[leaver.user_id for leaver in leavers])
            self.record_all(request, [Deed("leave", row) for row in rows])
        return len(leavers)
