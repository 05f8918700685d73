"""`manage.py serve`: everything in one process, web and TCP gateway."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from tcpgateway import runners
from tcpgateway.server import Port, listen


class Command(BaseCommand):
    help = "Serve web and TCP gateway from one process."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--first-run",
            action="store_true",
            help="migrate, and fill an empty database with a demo company and an administrator",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        http = listen(settings.IM_HTTP_HOST, settings.IM_HTTP_PORT)
        ports = [Port(listen(settings.IM_TCP_HOST, settings.IM_TCP_PORT), "tcp")]
        if settings.IM_LOGIN_PORT:
            ports.append(Port(listen(settings.IM_TCP_HOST, settings.IM_LOGIN_PORT), "tcp.login"))
        lines = [
            f"web      http://{settings.IM_HTTP_HOST}:{settings.IM_HTTP_PORT}/",
            f"gateway  {settings.IM_TCP_HOST}:{settings.IM_TCP_PORT}",
        ]
        runners.run_with_web(ports, http, "\n".join(lines))
