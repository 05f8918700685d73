"""What processes use, from /proc: CPU, private memory, writes; and what the whole machine does."""

import os
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Usage:
    """A moment: CPU seconds used so far by label and by the machine; bytes and writes by label."""

    at: float
    cpu_s: dict[str, float]
    private_bytes: dict[str, int]
    writes: dict[str, int]
    machine_s: float


@dataclass(frozen=True, slots=True)
class Watch:
    """Processes by label; each stands for itself and its descendants."""

    pids: dict[str, int] = field(default_factory=dict)

    def usage(self) -> Usage:
        """Look."""
        families = {label: _family(pid) for label, pid in self.pids.items()}
        return Usage(
            at=monotonic(),
            cpu_s={label: sum(map(cpu_s, pids)) for label, pids in families.items()},
            private_bytes={
                label: sum(map(_private_bytes, pids)) for label, pids in families.items()
            },
            writes={label: sum(map(_writes, pids)) for label, pids in families.items()},
            machine_s=_machine_s(),
        )


def cpu_s(pid: int) -> float:
    """Return the seconds, user and system, that a process has used."""
    # The name may hold spaces and brackets; fields are counted from behind it.
    values = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(values[11]) + int(values[12])) / _TICKS_PER_S


def _family(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(member for child in children for member in _family(int(child)))]


def _private_bytes(pid: int) -> int:
    """Return what nobody shares with the process.

    Without pages of files that were only read: whether they are shared depends on who else runs.
    """
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Private_Dirty"))


def _writes(pid: int) -> int:
    """Return how often it has called write(2) and writev(2)."""
    fields = dict(line.split(": ") for line in Path(f"/proc/{pid}/io").read_text().splitlines())
    return int(fields["syscw"])


def _machine_s() -> float:
    """Return the CPU seconds of all cores that were spent on anything."""
    values = [int(value) for value in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    idle, waiting = values[3:5]
    return (sum(values) - idle - waiting) / _TICKS_PER_S
