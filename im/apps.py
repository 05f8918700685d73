"""App configuration."""

from django.apps import AppConfig


class ImConfig(AppConfig):
    name = "im"
    verbose_name = "Instant messaging"

    def ready(self) -> None:
        from im import checks, mysql_checks  # noqa: F401  # they register; need the apps
