"""The page of one's own second factor: a phone's one-time codes, and recovery codes on paper."""

from typing import TYPE_CHECKING, Any

import django_otp
import segno
from django import forms
from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.safestring import mark_safe
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

from admin_ui import audit_log, theme
from admin_ui.console import operator_of
from admin_ui.models import Operator
from admin_ui.site import console_page

if TYPE_CHECKING:
    from admin_ui.site import ConsoleSite

RECOVERY_CODES = 10


class CodeForm(forms.Form):
    """A one-time code, to show that the phone has the secret."""

    code = forms.CharField(
        label=_("Code"),
        max_length=16,
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "inputmode": "numeric"}),
    )

    def __init__(self, operator: Operator, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.operator = operator
        theme.dress(self)


class EnableForm(CodeForm):
    """Confirms a new phone."""

    def clean_code(self) -> str:
        code = str(self.cleaned_data["code"]).strip()
        if not _waiting_device(self.operator).verify_token(code):
            raise forms.ValidationError(gettext("This is not the code your phone shows now."))
        return code


class ConfirmForm(CodeForm):
    """Asks for a present code before the second factor is touched."""

    def clean_code(self) -> str:
        code = str(self.cleaned_data["code"]).strip()
        if django_otp.match_token(self.operator, code) is None:
            raise forms.ValidationError(gettext("This code is wrong, or was used already."))
        return code


@console_page("second-factor/", name="second_factor")
def second_factor(request: HttpRequest) -> HttpResponse:
    """Switch the second factor on or off, or get new recovery codes."""
    operator = operator_of(request)
    if operator.has_second_factor:
        return _when_on(request, operator)
    form = EnableForm(operator, request.POST or None)
    if not form.is_valid():
        device = _waiting_device(operator)
        svg = segno.make(device.config_url, error="m").svg_inline(scale=5, border=2, light="#fff")
        return _page(request, form, qr=mark_safe(svg), secret=_readable_secret(device))
    with transaction.atomic():
        device = _waiting_device(operator)
        device.confirmed = True
        device.save()
        codes = _new_codes(operator)
        _record(request, "second factor on")
    django_otp.login(request, device)
    return _page(request, None, codes=codes)


def _when_on(request: HttpRequest, operator: Operator) -> HttpResponse:
    form = ConfirmForm(operator, request.POST or None)
    if not form.is_valid():
        return _page(request, form, is_on=True)
    if "off" in request.POST:
        with transaction.atomic():
            switch_off(operator)
            _record(request, "second factor off")
        messages.success(request, gettext("The second factor is switched off."))
        return HttpResponseRedirect(reverse("admin:second_factor"))
    with transaction.atomic():
        codes = _new_codes(operator)
        _record(request, "recovery codes")
    return _page(request, None, codes=codes)


def switch_off(operator: Operator) -> None:
    """Forget an operator's phone and recovery codes."""
    TOTPDevice.objects.filter(user=operator).delete()
    StaticDevice.objects.filter(user=operator).delete()


def _waiting_device(operator: Operator) -> Any:  # Any: django_otp has no types
    """Return the phone that is being set up; its secret stays the same until it is confirmed."""
    device = TOTPDevice.objects.filter(user=operator, confirmed=False).first()
    return device or TOTPDevice.objects.create(user=operator, name="phone", confirmed=False)


def _new_codes(operator: Operator) -> list[str]:
    StaticDevice.objects.filter(user=operator).delete()
    device = StaticDevice.objects.create(user=operator, name="paper")
    codes = [StaticToken.random_token() for _number in range(RECOVERY_CODES)]
    StaticToken.objects.bulk_create(StaticToken(device=device, token=code) for code in codes)
    return codes


def _readable_secret(device: Any) -> str:
    """Return the secret as people type it: base32 in groups of four."""
    secret: str = device.config_url.partition("secret=")[2].partition("&")[0]
    return " ".join(secret[at : at + 4] for at in range(0, len(secret), 4))


def _record(request: HttpRequest, action: str) -> None:
    operator = operator_of(request)
    audit_log.record(operator, action, operator, address=audit_log.address_of(request))


def _page(request: HttpRequest, form: forms.Form | None, **shown: Any) -> TemplateResponse:
    from django.contrib import admin

    site: ConsoleSite = admin.site  # type: ignore[assignment]  # settings put ours there
    context = site.page_context(request, gettext("Second factor"), form=form, **shown)
    return TemplateResponse(request, "admin_ui/second_factor.html", context)
