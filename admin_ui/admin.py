"""What the console consists of: importing these modules registers their pages."""

from django.contrib import admin
from django.contrib.auth.models import Group

from admin_ui import audit, departments, discovery, operators, people

__all__ = ["audit", "departments", "discovery", "operators", "people"]

# Permission groups would be taken for groups of the messenger; roles say what operators may do.
admin.site.unregister(Group)
