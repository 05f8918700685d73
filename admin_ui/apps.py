"""The operators' console: accounts of operators and the pages they work on."""

from django.apps import AppConfig, apps
from django.contrib.admin import apps as admin_apps
from django.utils.translation import gettext_lazy as _


class AdminUiConfig(AppConfig):
    """Operators and the pages of Django's admin for the company's own tables."""

    default = True
    name = "admin_ui"
    verbose_name = _("Operators")

    def ready(self) -> None:
        """Let failed logins stand among the operators, not under the name of a library."""
        apps.get_app_config("axes").verbose_name = self.verbose_name


class ConsoleSiteConfig(admin_apps.AdminConfig):
    """Django's admin, with the console's site in place of the stock one."""

    default = False
    default_site = "admin_ui.site.ConsoleSite"
