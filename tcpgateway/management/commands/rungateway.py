"""`manage.py rungateway`: the TCP gateway alone, for installations with several processes."""

from argparse import SUPPRESS
from contextlib import ExitStack
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection

from im.services.setup import first_run, instance_lock
from tcpgateway import runners
from tcpgateway.lifeline import Lifeline
from tcpgateway.server import open_ports
from tcpgateway.supervisor import Supervisor


class Command(BaseCommand):
    help = "Run the TCP gateway alone: one process, or several on one port or on several."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default=settings.IM_TCP_HOST)
        parser.add_argument("--port", type=int, default=settings.IM_TCP_PORT)
        parser.add_argument(
            "--workers", type=int, default=1, help="processes under one (needs REDIS_URL)"
        )
        parser.add_argument(
            "--consecutive-ports",
            action="store_true",
            help="a port for each worker, from --port on, instead of one for all",
        )
        # How a worker knows that it is one: by its end of what ties it to its supervisor.
        parser.add_argument("--lifeline", type=int, help=SUPPRESS)

    def handle(self, *args: Any, **options: Any) -> None:
        host, port, workers = options["host"], options["port"], options["workers"]
        if workers < 1:
            raise CommandError("--workers must be at least 1")
        if workers > 1 and not settings.REDIS_URL:
            raise CommandError(
                "several workers need REDIS_URL: without it they can't reach each other"
            )
        if workers == 1:
            instance_lock.claim()
        first_run.check_tables()
        connection.close()  # nobody needs it while the gateway runs
        if workers > 1:
            step = 1 if options["consecutive_ports"] else 0
            self._supervise(host, port, step, workers)
            return
        if not settings.REDIS_URL:
            self.stderr.write(
                "no REDIS_URL: this gateway is alone; other processes neither find it nor reach it"
            )
        is_worker = options["lifeline"] is not None
        lifeline = Lifeline(options["lifeline"]) if is_worker else None
        with ExitStack() as opened:
            ports = open_ports(opened, host, port, reuse_port=is_worker)
            runners.run_alone(ports, lifeline)

    def _supervise(self, host: str, port: int, step: int, workers: int) -> None:
        def command(number: int, descriptor: int) -> list[str]:
            place = ["--host", host, "--port", str(port + step * number)]
            return ["rungateway", *place, "--lifeline", str(descriptor)]

        for number in range(workers if step else 1):  # said once, and not by every worker
            with ExitStack() as opened:
                open_ports(opened, host, port + step * number)
        Supervisor(command, workers).run()
