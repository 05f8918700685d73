"""App configuration."""

from django.apps import AppConfig


class ImConfig(AppConfig):
    name = "im"
    verbose_name = "Instant messaging"

    def ready(self) -> None:
        from im import checks  # noqa: F401  # registers; needs the apps
