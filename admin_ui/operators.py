"""Pages of the console's own accounts."""

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.db.models import Model
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from admin_ui.console import ConsoleModelAdmin
from admin_ui.models import Operator


@admin.register(Operator)
class OperatorAdmin(UserAdmin, ConsoleModelAdmin):  # type: ignore[misc,type-arg]  # stubs
    """The accounts of the console."""

    list_display = ("username", "role", "email", "is_active", "last_login")
    list_filter = ("role", "is_active")
    filter_horizontal = ()
    fieldsets = (
        (None, {"fields": ("username", "password", "role", "is_active")}),
        (_("Personal info"), {"fields": ("first_name", "last_name", "email")}),
        (_("Important dates"), {"fields": ("last_login", "date_joined")}),
    )
    readonly_fields = ("last_login", "date_joined")
    add_fieldsets = (
        (None, {"fields": ("username", "role", "usable_password", "password1", "password2")}),
    )

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False  # the audit log names them; they are switched off instead

    def log_change(self, request: HttpRequest, obj: Model, message: Any) -> Any:
        detail = message if isinstance(message, dict) else {}
        self.record(request, "change" if detail else "password", obj, detail)
