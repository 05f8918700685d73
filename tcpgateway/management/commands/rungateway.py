"""`manage.py rungateway`: the TCP gateway alone, for installations with several processes."""

from contextlib import ExitStack
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection

from im.services import installation
from tcpgateway import runners
from tcpgateway.server import open_ports


class Command(BaseCommand):
    help = "Run the TCP gateway alone: one process, or several on one port."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default=settings.IM_TCP_HOST)
        parser.add_argument("--port", type=int, default=settings.IM_TCP_PORT)
        parser.add_argument(
            "--workers", type=int, default=1, help="processes that share the port (needs REDIS_URL)"
        )
        # How a worker knows that it is one: it shares the port with its siblings.
        parser.add_argument("--shared-port", action="store_true", help="bind with SO_REUSEPORT")

    def handle(self, *args: Any, **options: Any) -> None:
        host, port, workers = options["host"], options["port"], options["workers"]
        if workers < 1:
            raise CommandError("--workers must be at least 1")
        if workers > 1 and not settings.REDIS_URL:
            raise CommandError(
                "several workers need REDIS_URL: without it they can't reach each other"
            )
        installation.check_tables()
        connection.close()  # nobody needs it while the gateway runs
        if workers > 1:
            arguments = ["rungateway", "--host", host, "--port", str(port), "--shared-port"]
            runners.supervise(arguments, workers)
            return
        if not settings.REDIS_URL:
            self.stderr.write(
                "no REDIS_URL: this gateway is alone; other processes neither find it nor reach it"
            )
        with ExitStack() as opened:
            runners.run_alone(open_ports(opened, host, port, reuse_port=options["shared_port"]))
