"""Runs a load in worker processes, and looks at the servers' use of the machine meanwhile."""

import asyncio
import gc
import multiprocessing
import resource
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess

import uvloop

from bench.client import Entrance
from bench.cpu import Usage, Watch, cpu_s
from bench.loads import Load, Share
from bench.tally import Tally, total

HEAD_START_S = 0.2  # for the news to reach all workers
READY_S = 120.0  # for a worker to get ready, or to end


@dataclass(frozen=True, slots=True)
class Measured:
    """What a load has counted, what was used between beginning and end, and the load's own CPU."""

    load: Load
    tally: Tally
    before: Usage
    after: Usage
    generator_s: float

    @property
    def seconds(self) -> float:
        """How long was measured."""
        return self.after.at - self.before.at

    @property
    def foreign_cores(self) -> float:
        """Cores that neither the servers nor the load used: a run with many is not comparable."""
        ours = sum(self.after.cpu_s.values()) - sum(self.before.cpu_s.values())
        machine = self.after.machine_s - self.before.machine_s
        return (machine - ours - self.generator_s) / self.seconds


class WorkerFailed(Exception):
    """A worker has ended with an error."""


def run(load: Load, entrance: Entrance, watch: Watch) -> Measured:
    """Run a load.  Raises WorkerFailed, with the reason."""
    with ExitStack() as stack:
        workers = [
            stack.enter_context(_Worker(load, entrance, number)) for number in range(load.workers)
        ]
        for worker in workers:
            worker.expect("ready")
        begin = time.monotonic() + HEAD_START_S
        for worker in workers:
            worker.tell(begin)
        warm_up_s = load.window.warm_up_s if load.window else 0.0
        _sleep_until(begin + warm_up_s)
        before, generator_before = watch.usage(), _cpu_s(workers)
        if load.window:
            _sleep_until(begin + warm_up_s + load.window.measured_s)
        else:
            for worker in workers:
                worker.expect("settled")
        after, generator_after = watch.usage(), _cpu_s(workers)
        if not load.window:
            for worker in workers:
                worker.tell(time.monotonic())
        tally = total(worker.result() for worker in workers)
        load.check(tally)
        return Measured(load, tally, before, after, generator_after - generator_before)


class _Worker:
    """One process that runs its share of the load."""

    def __init__(self, load: Load, entrance: Entrance, number: int) -> None:
        context = multiprocessing.get_context("spawn")  # the parent has threads
        self._pipe, theirs = context.Pipe()
        self.process: BaseProcess = context.Process(
            target=_work, args=(load, entrance, number, theirs), daemon=True
        )

    def __enter__(self) -> "_Worker":
        self.process.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.process.terminate()
        self.process.join()
        self._pipe.close()

    def tell(self, moment: float) -> None:
        """Let the worker go on at a moment."""
        self._pipe.send(moment)

    def expect(self, stage: str) -> None:
        """Wait until it has come so far."""
        said = self._receive()
        if said != stage:
            raise WorkerFailed(str(said))

    def result(self) -> Tally:
        """Wait for what it has counted."""
        said = self._receive()
        if not isinstance(said, Tally):
            raise WorkerFailed(str(said))
        return said

    def _receive(self) -> object:
        if not self._pipe.poll(READY_S):
            raise WorkerFailed(f"a worker said nothing for {READY_S:.0f} s")
        said: object = self._pipe.recv()
        return said


def _cpu_s(workers: Sequence[_Worker]) -> float:
    return sum(cpu_s(worker.process.pid) for worker in workers if worker.process.pid)


def _sleep_until(moment: float) -> None:
    time.sleep(max(0.0, moment - time.monotonic()))


# --- in the worker ----------------------------------------------------------------------------


def _work(load: Load, entrance: Entrance, number: int, pipe: Connection) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    gc.disable()  # pauses of the load would count as the server's
    reach = partial(_reach, pipe)
    share = Share(
        entrance, number, load.workers, partial(reach, "ready"), partial(reach, "settled")
    )
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            said: object = runner.run(load.run(share))
    except Exception as exc:  # noqa: BLE001  # the parent says it
        said = f"{type(exc).__name__}: {exc}"
    pipe.send(said)


async def _reach(pipe: Connection, stage: str) -> float:
    """Tell the parent how far this worker is; return the moment from which it may go on."""
    pipe.send(stage)
    moment: float = await asyncio.to_thread(pipe.recv)
    return moment
