"""Getting into the console: passwords, those of the old console, and the second factor."""

import hmac
from functools import partial
from hashlib import md5
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib.auth.backends import ModelBackend
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django_otp import match_token

from admin_ui import audit_log, old_accounts, theme
from admin_ui.factory_passwords import REFUSAL, is_factory
from admin_ui.models import Operator
from im.networks import home_of
from im.services.identity import login_throttle
from im.services.identity.login_limits import Attempt, Verdict

if TYPE_CHECKING:
    from django.contrib.admin.forms import AdminAuthenticationForm as LoginForm
else:
    LoginForm = theme.LoginForm

TOO_OFTEN = _("Too many failed logins. Try again in a minute.")


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
        digest = md5(password.encode(), usedforsecurity=False).hexdigest()
        for row in old_accounts.waiting_under(username):
            if hmac.compare_digest(digest, row.pwd.lower()):
                return old_accounts.take_over(row, password)
        return None


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

    def clean(self) -> dict[str, Any]:
        """Check name, password and code; how often one may be wrong depends on earlier attempts."""
        name = self.cleaned_data.get("username") or ""
        if is_factory(name, self.cleaned_data.get("password") or ""):
            raise ValidationError(REFUSAL % {"name": name}, code="factory")
        address = audit_log.address_of(self.request) if self.request else ""
        attempt = partial(Attempt, name, home_of(address))
        try:
            cleaned: dict[str, Any] = super().clean()
        except ValidationError:
            login_throttle.of_console().judge([attempt(False)])
            raise
        if login_throttle.of_console().judge([attempt(True)]) == [Verdict.BLOCKED]:
            raise ValidationError(TOO_OFTEN, code="throttled")
        return cleaned

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
