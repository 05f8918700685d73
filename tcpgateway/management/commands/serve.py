"""`manage.py serve`: everything in one process, web and TCP gateway."""

from contextlib import ExitStack
from pathlib import Path
from socket import socket
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandParser
from django.db import connection

from im import addresses
from im.services.setup import first_run, instance_lock, password_file
from im.services.setup.first_run import ADMINISTRATOR, Preparations
from tcpgateway import runners
from tcpgateway.server import listen, open_ports

SHOWN_PEOPLE = 5  # demo people named in the closing lines


class Command(BaseCommand):
    help = "Serve web and TCP gateway from one process."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--first-run",
            action="store_true",
            help="migrate, and fill an empty database with a demo company and an administrator",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        passwords = settings.IM_DATA_DIR / "passwords"
        if options["first_run"]:
            _make_directory(passwords.parent)
        instance_lock.claim()
        with ExitStack() as opened:
            http = opened.enter_context(listen(settings.IM_HTTP_HOST, settings.IM_HTTP_PORT))
            ports = open_ports(opened, settings.IM_TCP_HOST, settings.IM_TCP_PORT)
            lines = _places(http, ports[0].listener)
            if options["first_run"]:
                lines += self._prepare(passwords)
            else:
                first_run.check_tables()
            connection.close()  # nobody needs it while the server runs
            announce = "\n  ".join(["\nThe server is ready; Ctrl-C stops it.", *lines])
            runners.run_with_web(ports, http, announce)

    def _prepare(self, passwords: Path) -> list[str]:
        """Make what is missing in the database; return what to tell about logging in."""
        try:
            missing = len(first_run.missing_migrations())
            if missing:
                self.stdout.write(f"bringing the tables up to date ({missing} migrations)")
                self.stdout.flush()
            return _logins(first_run.prepare(passwords), passwords)
        except OSError as exc:
            raise ImproperlyConfigured(f"{passwords} can't be used: {exc.strerror}") from exc


def _make_directory(path: Path) -> None:
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as exc:
        raise ImproperlyConfigured(f"{path} can't be used: {exc.strerror}") from exc


def _places(http: socket, tcp: socket) -> list[str]:
    """Return where to go, as somebody on this machine may do."""
    web, gateway = _reachable(http.getsockname()), _reachable(tcp.getsockname())
    return [
        f"console  http://{web}/admin/",
        f"chat     http://{web}/chat",
        f"clients  http://{web}/msg_server (login server), {gateway} (gateway)",
    ]


def _logins(done: Preparations, passwords: Path) -> list[str]:
    lines = []
    if done.administrator_password:
        lines.append(f"operator {ADMINISTRATOR}, password {done.administrator_password}")
    if done.demo:
        some = ", ".join(done.demo.names[:SHOWN_PEOPLE])
        others = len(done.demo.names) - SHOWN_PEOPLE
        lines.append(f"people   {some} and {others} more, password {done.demo.password}")
    kept = password_file.read(passwords)
    if kept:
        lines.append(f"The passwords made for {' and '.join(kept)} are kept in {passwords}")
    return lines


def _reachable(address: tuple[Any, ...]) -> str:  # Any: what getsockname() gives
    host, port = address[:2]
    return addresses.place("localhost" if addresses.is_everywhere(host) else host, port)
