"""What several gateways bring and what crossing them costs; a storm of logins.

    .venv/bin/python -m bench.several

Needs MariaDB and Redis.  Prints a line per run; nothing is shown of a run that lost something.
"""

import sys
from dataclasses import dataclass
from pathlib import Path

from bench import workers
from bench.client import Entrance
from bench.crowds import Storm
from bench.figures import figures_of
from bench.loads import Load, Window
from bench.servers import Gateways, Ground
from bench.signals import end_orderly_on_sigterm
from bench.talk import Talk

WINDOW = Window(1.0, 4.0)
FULL = Talk(250, window=WINDOW)
STEADY = Talk(250, per_second=4, window=WINDOW)
LONE = Talk(10, per_second=5, window=WINDOW)
NO_LIMIT = 0
PEOPLE = 5_000
SHOWN = ("rate", "cpu_us", "p50_ms", "p99_ms", "writes", "foreign_cores")


@dataclass(frozen=True, slots=True)
class Together(Entrance):
    """Both people of a pair are at one gateway."""

    def port_of(self, number: int) -> int:
        """Return the gateway of person `number`."""
        return self.ports[(number - 1) // 2 % len(self.ports)]


@dataclass(frozen=True, slots=True)
class Apart(Entrance):
    """The people of a pair are at two gateways."""

    def port_of(self, number: int) -> int:
        """Return the gateway of person `number`."""
        return self.ports[number % len(self.ports)]


def main() -> int:
    """Run; the exit status is 1 if something was lost."""
    end_orderly_on_sigterm()
    with Ground("mariadb") as ground:
        good = True
        for count in (1, 2, 4):
            with ground.gateways(count, IM_MESSAGES_PER_SECOND=NO_LIMIT) as running:
                for name, load in (("full", FULL), ("1,000/s", STEADY)):
                    good &= _show(f"{count} gateways, {name}", load, running, running.entrance)
        with ground.gateways(2, IM_MESSAGES_PER_SECOND=NO_LIMIT) as running:
            ports = running.entrance.ports
            for name, load in (("full", FULL), ("1,000/s", STEADY), ("50/s", LONE)):
                good &= _show(f"one gateway, {name}", load, running, Together(ports))
                good &= _show(f"other gateway, {name}", load, running, Apart(ports))
        for count in (1, 2):
            with ground.gateways(count) as running:
                before = _bytes_written(running)
                storm = Storm(PEOPLE, over_s=60)
                good &= _show(f"{count} gateways, storm", storm, running, running.entrance)
                print(f"    bytes written: {_bytes_written(running) - before:,}", flush=True)
    return int(not good)


def _show(name: str, load: Load, running: Gateways, entrance: Entrance) -> bool:
    figures = figures_of(workers.run(load, entrance, running.watch))
    shown = {metric: figures.metrics[metric] for metric in SHOWN if metric in figures.metrics}
    print(f"{name}: {figures.faults or (shown, figures.cpu_us_of)}", flush=True)
    return not figures.faults


def _bytes_written(running: Gateways) -> int:
    """Return what the gateways have written so far, to whatever it was."""
    pids = (pid for label, pid in running.watch.pids.items() if label.startswith("gateway"))
    fields = (line.split() for pid in pids for line in _lines(pid))
    return sum(int(value) for name, value in fields if name == "wchar:")


def _lines(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/io").read_text().splitlines()


if __name__ == "__main__":
    sys.exit(main())
