"""What the console consists of: importing these modules registers their pages."""

from django.contrib import admin
from django.contrib.auth.models import Group
from django_otp.plugins.otp_static import admin as otp_static_admin
from django_otp.plugins.otp_totp import admin as otp_totp_admin

from admin_ui import (
    audit,
    blocked_logins,
    conversations,
    dashboard,
    departments,
    discovery,
    groups,
    live,
    message_pages,
    operators,
    people,
    second_factor,
    throttle,
)

__all__ = [
    "audit",
    "blocked_logins",
    "conversations",
    "dashboard",
    "departments",
    "discovery",
    "groups",
    "live",
    "message_pages",
    "operators",
    "people",
    "second_factor",
    "throttle",
]

# Permission groups would be taken for groups of the messenger; roles say what operators may do.
admin.site.unregister(Group)
# Secrets have no page but the operator's own.
admin.site.unregister([otp_static_admin.StaticDevice, otp_totp_admin.TOTPDevice])
