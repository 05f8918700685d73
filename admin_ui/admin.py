"""What the console consists of: the pages of each table, and the accounts of operators."""

from typing import TYPE_CHECKING

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import Group
from django.utils.translation import gettext_lazy as _

from admin_ui import departments, discovery, people
from admin_ui.models import Operator

if TYPE_CHECKING:  # the type checker knows it as a generic class, Django does not
    AccountAdmin = UserAdmin[Operator]
else:
    AccountAdmin = UserAdmin

__all__ = ["departments", "discovery", "people"]  # importing them registers their pages

admin.site.site_header = "TeamTalk"
admin.site.site_title = "TeamTalk"
admin.site.index_title = _("Console")
admin.site.site_url = None  # there is no other site to view

# Permission groups would be taken for groups of the messenger; operators have their own rights.
admin.site.unregister(Group)


@admin.register(Operator)
class OperatorAdmin(AccountAdmin):
    """The accounts of the console."""

    list_filter = ("is_staff", "is_superuser", "is_active")
    filter_horizontal = ("user_permissions",)
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        (_("Personal info"), {"fields": ("first_name", "last_name", "email")}),
        (
            _("Permissions"),
            {"fields": ("is_active", "is_staff", "is_superuser", "user_permissions")},
        ),
        (_("Important dates"), {"fields": ("last_login", "date_joined")}),
    )
