"""`manage.py loadtest`: load a server that runs, and say what it did with it."""

import threading
import time
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from bench import workers
from bench.client import Entrance
from bench.cpu import Watch
from bench.figures import Figures, figures_of
from bench.group_talk import GroupTalk
from bench.loads import Load, Window
from bench.talk import Talk
from bench.visits import Logins, Syncs

WARM_UP_S = 1.0
TICK_S = 0.1


class Command(BaseCommand):
    help = (
        "Load a running server with people that seed_demo made (u00001, u00002, …) and check that "
        "nothing is lost, doubled or out of order. Their conversations stay in its database."
    )
    requires_system_checks = ()  # nothing of this installation is used: the server may be elsewhere

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("scenario", choices=("talk", "group", "logins", "sync"))
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument(
            "--port", type=int, action="append", help="repeat it for several gateways"
        )
        parser.add_argument("--password", required=True, help="of all these people")
        parser.add_argument("--prefix", default="u", help="what login names begin with (u)")
        parser.add_argument(
            "--people", type=int, default=100, help="how many (100); two make a pair"
        )
        parser.add_argument("--writers", type=int, default=10, help="of a group (10)")
        parser.add_argument(
            "--rate", type=float, default=0.0, help="messages/s of each writer; 0: closed loop"
        )
        parser.add_argument(
            "--in-flight", type=int, default=8, help="messages of a writer in a closed loop (8)"
        )
        parser.add_argument("--read", action="store_true", help="send a read ack per message")
        parser.add_argument("--seconds", type=float, default=10.0, help="that are measured (10)")
        parser.add_argument("--workers", type=int, default=1, help="processes that load (1)")
        parser.add_argument(
            "--pid", type=int, action="append", default=[], help="a server's, to count its CPU"
        )

    def handle(self, *args: Any, **options: Any) -> None:  # Any: Django's own signature
        load = _load(options)
        entrance = Entrance(
            tuple(options["port"] or [settings.IM_TCP_PORT]),
            options["host"],
            options["prefix"],
            options["password"],
        )
        watch = Watch({f"process {pid}": pid for pid in options["pid"]})
        with _progress(options["seconds"] + WARM_UP_S):
            try:
                figures = figures_of(workers.run(load, entrance, watch))
            except (workers.WorkerFailed, OSError) as exc:
                raise CommandError(str(exc)) from exc
        if figures.faults:
            raise CommandError(f"no figures, since there were faults: {figures.faults}")
        self.stdout.write("\n".join(_lines(figures)))


def _load(options: dict[str, Any]) -> Load:  # Any: as argparse gives it
    if min(options[name] for name in ("people", "writers", "in_flight", "workers")) < 1:
        raise CommandError("--people, --writers, --in-flight and --workers must be at least 1")
    if options["people"] < 2 or options["seconds"] <= 0 or options["rate"] < 0:
        raise CommandError("--people must be at least 2, --seconds more than 0, --rate at least 0")
    people, count = options["people"], options["workers"]
    window = Window(WARM_UP_S, options["seconds"])
    if options["scenario"] == "talk":
        return Talk(
            people // 2,
            options["in_flight"],
            options["rate"],
            reads=options["read"],
            window=window,
            workers=count,
        )
    if options["scenario"] == "group":
        writers = min(people, options["writers"])
        return GroupTalk(people, writers, options["in_flight"], window=window, workers=count)
    if options["scenario"] == "logins":
        return Logins(people, window=window, workers=count)
    return Syncs(min(people, 50), since_then=True, window=window, workers=count)


def _lines(figures: Figures) -> Iterator[str]:
    metrics = figures.metrics
    yield f"{metrics['rate']:,.0f} per second"
    yield f"p50 {metrics['p50_ms']:.1f} ms, p95 {metrics['p95_ms']:.1f} ms, " + (
        f"p99 {metrics['p99_ms']:.1f} ms, longest {metrics['p100_ms']:.1f} ms"
    )
    for name, cpu_us in figures.cpu_us_of.items():
        yield f"{name}: {cpu_us:,.1f} µs CPU each"
    counts = ", ".join(f"{count:,} {name}" for name, count in figures.counts.items())
    yield f"nothing lost, doubled or out of order{f': {counts}' if counts else ''}"
    yield f"this load used {metrics['generator_cores']:.2f} cores"


@contextmanager
def _progress(seconds: float) -> Iterator[None]:
    """Show how far the time has come, on a terminal."""
    is_over = threading.Event()

    def count() -> None:
        began = time.monotonic()
        with tqdm(total=round(seconds), unit="s", disable=None) as bar:
            while not is_over.wait(TICK_S):
                bar.update(min(round(seconds), int(time.monotonic() - began)) - bar.n)

    thread = threading.Thread(target=count)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()
