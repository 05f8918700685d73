"""The operators' console: accounts of operators and the pages they work on."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AdminUiConfig(AppConfig):
    """Operators and the pages of Django's admin for the company's own tables."""

    name = "admin_ui"
    verbose_name = _("Operators")
