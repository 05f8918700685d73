"""Operators, the people who may log in to the console, and the record of what they did.

They are no users of the messenger: those live in IMUser and cannot log in here.
"""

import json
from collections.abc import Iterable
from typing import Any, ClassVar

from django.contrib.auth.models import AbstractUser, UserManager
from django.db import models
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from admin_ui.roles import Role, rights_of
from im.fields import Reference
from im.models import IMDepart


class Operators(UserManager["Operator"]):
    """Makes accounts; `createsuperuser` makes owners."""

    def create_superuser(
        self,
        username: str,
        email: str | None = None,
        password: str | None = None,
        **extra_fields: Any,
    ) -> "Operator":
        extra_fields.setdefault("role", Role.OWNER)
        return super().create_superuser(username, email, password, **extra_fields)


class Operator(AbstractUser):
    """An account of the console.  `role` says what it may do, `admin_ui.roles` what that means.

    A department manager's part of the tree begins at `depart_id`.  `old_admin_id` is the row of
    IMAdmin the account was made from, if it was.
    """

    role = models.CharField(
        _("role"), max_length=16, choices=Role.choices, default=Role.NONE, blank=True
    )
    depart_id = models.BigIntegerField(_("department"), null=True, blank=True)
    depart = Reference(IMDepart, "depart_id", null=True, related_name="+")
    old_admin_id = models.BigIntegerField(null=True, blank=True, unique=True, editable=False)

    objects: ClassVar[Operators] = Operators()

    class Meta(AbstractUser.Meta):
        # The stubs want texts that are translated at once.
        verbose_name = _("operator")  # type: ignore[assignment]
        verbose_name_plural = _("operators")  # type: ignore[assignment]

    @property
    def rights(self) -> frozenset[str]:
        """What this operator may do; Django's own flags and permissions of rows don't count."""
        return rights_of(Role(self.role)) if self.is_active else frozenset()

    @cached_property
    def has_second_factor(self) -> bool:
        """Whether he has to show a one-time code at login.  One query, once per request."""
        from django_otp.plugins.otp_totp.models import TOTPDevice  # its tables refer to this one

        return bool(TOTPDevice.objects.filter(user=self, confirmed=True).exists())

    def has_perm(self, perm: str, obj: object | None = None) -> bool:
        return perm in self.rights

    def has_perms(self, perm_list: Iterable[str], obj: object | None = None) -> bool:
        return self.rights.issuperset(perm_list)

    def has_module_perms(self, app_label: str) -> bool:
        return any(right.startswith(f"{app_label}.") for right in self.rights)

    def get_all_permissions(self, obj: object | None = None) -> set[str]:
        return set(self.rights)


class AuditHead(models.Model):
    """Where the audit log ends: one row, locked by whoever writes the next entry."""

    number = models.BigIntegerField(default=0)
    hash = models.CharField(max_length=64, default="", blank=True)

    class Meta:
        db_table = "admin_audit_head"

    def __str__(self) -> str:
        return str(self.number)


class AuditEntry(models.Model):
    """One thing an operator did.  Written by `admin_ui.audit_log`, never changed.

    `number` counts from 1 without a gap; `hash` covers the entry and the hash before it.
    `target` is "im.imuser:5", `detail` canonical JSON.
    """

    number = models.BigIntegerField(_("number"), primary_key=True)
    at = models.DateTimeField(_("time"), db_index=True)
    operator_id = models.BigIntegerField(_("operator id"), default=0)
    operator = models.CharField(_("operator"), max_length=150, db_index=True)
    address = models.CharField(_("address"), max_length=45, default="", blank=True)
    action = models.CharField(_("action"), max_length=40, db_index=True)
    target = models.CharField(_("target"), max_length=80, default="", blank=True, db_index=True)
    target_name = models.CharField(_("name"), max_length=255, default="", blank=True)
    detail = models.TextField(_("detail"), default="{}")
    reason = models.CharField(_("reason"), max_length=255, default="", blank=True)
    hash = models.CharField(_("hash"), max_length=64)

    class Meta:
        db_table = "admin_audit_entry"
        ordering: ClassVar = ["-number"]
        verbose_name = _("audit entry")
        verbose_name_plural = _("audit log")

    def __str__(self) -> str:
        return f"{self.number}: {self.action} {self.target}"

    @property
    def changes(self) -> list[tuple[str, Any]]:
        """What `detail` says, by name."""
        return sorted(json.loads(self.detail).items())
