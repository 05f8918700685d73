"""The look of the console: django-unfold, or Django's stock admin (`IM_CONSOLE_THEME`).

The one place that knows which.  Everything else takes its bases and widgets from here, so that a
console without unfold loses its looks and nothing else.
"""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin
from django.contrib.admin.forms import AdminAuthenticationForm

HAS_UNFOLD = settings.IM_CONSOLE_THEME == "unfold"

# Any below: unfold has no types, and the stubs' bases are generic where Django's are not.
Site: Any = admin.AdminSite
ModelAdmin: Any = admin.ModelAdmin
TabularInline: Any = admin.TabularInline
DropdownFilter: Any = admin.SimpleListFilter
LoginForm: Any = AdminAuthenticationForm
_DRESSED: dict[type[forms.Widget], Any] = {}  # plain widget -> the theme's

if HAS_UNFOLD:
    from unfold import admin as unfold_admin
    from unfold import forms as unfold_forms
    from unfold import widgets
    from unfold.contrib.filters.admin import DropdownFilter as UnfoldDropdownFilter
    from unfold.sites import UnfoldAdminSite

    Site = UnfoldAdminSite
    ModelAdmin = unfold_admin.ModelAdmin
    TabularInline = unfold_admin.TabularInline
    DropdownFilter = UnfoldDropdownFilter
    LoginForm = unfold_forms.AuthenticationForm
    _DRESSED = {
        forms.TextInput: widgets.UnfoldAdminTextInputWidget,
        forms.NumberInput: widgets.UnfoldAdminIntegerFieldWidget,
        forms.EmailInput: widgets.UnfoldAdminEmailInputWidget,
        forms.URLInput: widgets.UnfoldAdminTextInputWidget,
        forms.PasswordInput: widgets.UnfoldAdminPasswordWidget,
        forms.Textarea: widgets.UnfoldAdminTextareaWidget,
        forms.Select: widgets.UnfoldAdminSelectWidget,
        forms.RadioSelect: widgets.UnfoldAdminRadioSelectWidget,
        forms.CheckboxInput: widgets.UnfoldBooleanWidget,
        forms.ClearableFileInput: widgets.UnfoldAdminFileFieldWidget,
        forms.FileInput: widgets.UnfoldAdminFileFieldWidget,
    }


def dress(form: forms.BaseForm) -> None:
    """Give the fields of a form the theme's widgets in place of Django's plain ones."""
    for field in form.fields.values():
        plain = field.widget
        dressed = _DRESSED.get(type(plain))
        if dressed is not None:
            field.widget = dressed(attrs=plain.attrs)
            field.widget.is_required = field.required
            if isinstance(plain, forms.Select | forms.RadioSelect):
                field.widget.choices = plain.choices
