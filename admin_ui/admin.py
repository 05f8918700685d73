"""What the console consists of: the pages of each table, and the accounts of operators."""

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.utils.translation import gettext_lazy as _

from admin_ui import departments, discovery, people
from admin_ui.models import Operator

__all__ = ["departments", "discovery", "people"]  # importing them registers their pages

admin.site.site_header = "TeamTalk"
admin.site.site_title = "TeamTalk"
admin.site.index_title = _("Console")

admin.site.register(Operator, UserAdmin)
