"""Getting into the console: passwords, those of the old console, and the second factor."""

import hmac
import logging
from hashlib import md5
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib.auth.backends import ModelBackend
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django_otp import match_token

from admin_ui import audit_log, theme
from admin_ui.models import Operator
from admin_ui.roles import Role
from im.models import IMAdmin

if TYPE_CHECKING:
    from django.contrib.admin.forms import AdminAuthenticationForm as LoginForm
else:
    LoginForm = theme.LoginForm

log = logging.getLogger(__name__)

ENABLED = 0  # IMAdmin.status; the original never looked at it


class OldAdminBackend(ModelBackend):
    """Lets operators of the original's console in, once: after that they have an account here.

    Their password, a plain md5 in IMAdmin, is hashed anew at that moment, and IMAdmin is not asked
    again.  Disabled rows (status other than 0) are refused.
    """

    def authenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        **kwargs: Any,
    ) -> Operator | None:
        if not username or password is None:
            return None
        row = self._row(username, password)
        if row is None or Operator.objects.filter(old_admin_id=row.pk).exists():
            return None
        return self._upgraded(row, password)

    def _row(self, name: str, password: str) -> IMAdmin | None:
        digest = md5(password.encode(), usedforsecurity=False).hexdigest()
        for row in IMAdmin.objects.filter(uname=name, status=ENABLED):
            # The exact name: MySQL's comparison ignores capitals and trailing spaces.
            if row.uname == name and hmac.compare_digest(digest, row.pwd.lower()):
                return row
        return None

    def _upgraded(self, row: IMAdmin, password: str) -> Operator | None:
        """Make the account.  All old operators could do everything; the first one owns ours."""
        is_first = not Operator.objects.filter(role=Role.OWNER, is_active=True).exists()
        operator = Operator(
            username=row.uname,
            old_admin_id=row.pk,
            role=Role.OWNER if is_first else Role.OPERATOR,
        )
        operator.set_password(password)
        try:
            with transaction.atomic():
                operator.save()
                audit_log.record(None, "add", operator, {"old_admin_id": row.pk})
        except IntegrityError:  # an account of that name is there, and its password decides
            return None
        log.info("operator %s of the old console has an account now", row.pk)
        return operator


class SignInForm(LoginForm):
    """Name, password and, from those who switched it on, a one-time code."""

    otp_token = forms.CharField(
        label=_("One-time code"),
        required=False,
        max_length=16,
        help_text=_("Only if you have switched on the second factor."),
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "inputmode": "numeric"}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # Any: the form's own signature
        super().__init__(*args, **kwargs)
        theme.dress(self)

    def confirm_login_allowed(self, user: Any) -> None:
        """Let in who is active, has a role, and knows the code if he has to."""
        if not (user.is_active and getattr(user, "role", "")):
            raise self.get_invalid_login_error()
        if user.has_second_factor:
            device = match_token(user, self.cleaned_data.get("otp_token") or "")
            if device is None:
                text = _("The one-time code is missing or wrong, or was used already.")
                raise ValidationError(text, code="otp")
            user.otp_device = device  # django_otp puts it into the session at login
