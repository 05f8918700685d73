"""App configuration."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ImConfig(AppConfig):
    name = "im"
    verbose_name = _("Instant messaging")

    def ready(self) -> None:
        from im import checks  # noqa: F401  # registers; needs the apps
