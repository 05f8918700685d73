"""Pages of the console's own accounts."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.forms import AdminUserCreationForm, UserChangeForm
from django.db import transaction
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from admin_ui.audit_log import Deed
from admin_ui.confirm import confirmed
from admin_ui.console import ConsoleModelAdmin
from admin_ui.department_choice import DepartmentField
from admin_ui.filters import DropdownFilter
from admin_ui.models import Operator
from admin_ui.roles import Role
from admin_ui.second_factor import switch_off


class RoleFields(forms.ModelForm):  # type: ignore[type-arg]  # generic in stubs only
    """The role of an account, and the department of a manager."""

    depart = DepartmentField(
        label=_("Department"),
        required=False,
        help_text=_("Where the part of a department manager begins."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # Any: ModelForm's own signature
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.initial["depart"] = self.instance.depart_id

    def clean(self) -> dict[str, Any] | None:
        """Refuse a manager of nothing, and a console that nobody owns."""
        entered: dict[str, Any] = super().clean() or self.cleaned_data
        role = entered.get("role")
        if role == Role.MANAGER and not entered.get("depart"):
            self.add_error("depart", gettext("A department manager needs a department."))
        stays_owner = role == Role.OWNER and entered.get("is_active", True)
        others = Operator.objects.filter(role=Role.OWNER, is_active=True).exclude(
            pk=self.instance.pk
        )
        if self.initial.get("role") == Role.OWNER and not stays_owner and not others.exists():
            self.add_error("role", gettext("Somebody has to own the console."))
        depart = entered.get("depart")
        self.instance.depart_id = depart.pk if depart and role == Role.MANAGER else None
        return entered


class OperatorForm(RoleFields, UserChangeForm):  # type: ignore[type-arg]
    """An account."""


class NewOperatorForm(RoleFields, AdminUserCreationForm):  # type: ignore[type-arg]
    """An account to add."""


class RoleFilter(DropdownFilter):
    """Narrows the list to one role."""

    title = _("role")
    parameter_name = "role"

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, Any]]:
        return [(role.value, role.label) for role in Role if role]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Operator]) -> QuerySet[Operator]:
        return queryset.filter(role=self.value()) if self.value() in Role.values else queryset


@admin.register(Operator)
class OperatorAdmin(UserAdmin, ConsoleModelAdmin):  # type: ignore[misc,type-arg]  # stubs
    """The accounts of the console."""

    form = OperatorForm
    add_form = NewOperatorForm
    list_display = ("username", "role", "depart_name", "email", "is_active", "last_login")
    list_filter = (RoleFilter,)
    list_select_related = ("depart",)
    filter_horizontal = ()
    actions = ("switch_second_factor_off",)
    fieldsets = (
        (None, {"fields": ("username", "password", "role", "depart", "is_active")}),
        (_("Personal info"), {"fields": ("first_name", "last_name", "email")}),
        (_("Important dates"), {"fields": ("last_login", "date_joined")}),
    )
    readonly_fields = ("last_login", "date_joined")
    add_fieldsets = (
        (
            None,
            {"fields": ("username", "role", "depart", "usable_password", "password1", "password2")},
        ),
    )

    @admin.display(description=_("department"))
    def depart_name(self, row: Operator) -> str | None:
        return row.depart.depart_name if row.depart else None

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False  # the audit log names them; they are switched off instead

    def log_change(self, request: HttpRequest, obj: Model, message: Any) -> Any:
        detail = message if isinstance(message, dict) else {}
        self.record(request, "change" if detail else "password", obj, detail)

    @confirmed(_("Switch off the second factor"), permissions=["change"])
    def switch_second_factor_off(
        self, request: HttpRequest, queryset: QuerySet[Operator], form: forms.Form
    ) -> None:
        """Let those who lost phone and recovery codes in by their password alone."""
        rows = list(queryset)
        with transaction.atomic():
            for row in rows:
                switch_off(row)
            self.record_all(request, [Deed("second factor off", row) for row in rows])
        text = ngettext(
            "%d operator logs in without a code now.",
            "%d operators log in without a code now.",
            len(rows),
        )
        self.message_user(request, text % len(rows), messages.SUCCESS)
