"""Several gateway processes under one: started, watched, restarted, stopped.

SIGTERM and SIGINT stop all of them, each draining; SIGHUP replaces them one by one, the new one
before the old one goes, so that there is always one more than needed instead of one less.
"""

import logging
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence

from django.core.exceptions import ImproperlyConfigured

from tcpgateway.lifeline import READY

log = logging.getLogger(__name__)

FIRST_PAUSE_S = 1.0  # before a worker that died is started again; doubled each time it dies
LONGEST_PAUSE_S = 30.0
HEALTHY_S = 60.0  # who lived that long begins with the first pause again
START_S = 60.0  # for a replacement to be ready
STOP_S = 60.0  # longer than any drain; what is left then is killed
LOOK_S = 0.2

Command = Callable[[int, int], Sequence[str]]


class Worker:
    """One place among the workers, and the process that fills it."""

    def __init__(self, number: int, command: Command) -> None:
        self.number = number
        self.is_ready = False
        self.restart_at: float | None = None
        self._command = command
        self._pause_s = FIRST_PAUSE_S
        self.start()

    def start(self) -> None:
        """Start the process."""
        self.is_ready, self.restart_at, self._started_at = False, None, time.monotonic()
        self._line, theirs = socket.socketpair()
        self._line.setblocking(False)
        with theirs:
            command = self._command(self.number, theirs.fileno())
            self.process = subprocess.Popen(
                [sys.executable, sys.argv[0], *command],
                env=os.environ,
                pass_fds=[theirs.fileno()],
            )

    def look(self) -> bool:
        """Take note of what the process says; tell whether it lives."""
        if not self.is_ready and select.select([self._line], [], [], 0)[0]:
            try:
                self.is_ready = self._line.recv(1) == READY
            except OSError:
                self.is_ready = False
        return self.process.poll() is None

    def bury(self, now: float) -> None:
        """Plan when a process that died is followed by the next one."""
        self._line.close()
        if now - self._started_at > HEALTHY_S:
            self._pause_s = FIRST_PAUSE_S
        self.restart_at = now + self._pause_s
        log.error(
            "worker %d (%d) ended with status %d; another one in %.0f s",
            self.number,
            self.process.pid,
            self.process.returncode,
            self._pause_s,
        )
        self._pause_s = min(2 * self._pause_s, LONGEST_PAUSE_S)

    def stop(self) -> None:
        """Ask the process to drain."""
        if self.process.poll() is None:
            self.process.terminate()

    def end(self) -> None:
        """Wait for the end of a process that was asked to drain."""
        try:
            self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            log.error("worker %d does not end, killing it", self.process.pid)
            self.process.kill()
            self.process.wait()
        self._line.close()


class Supervisor:
    """Keeps `workers` processes running until a signal comes.

    `command(number, descriptor)` is a worker's command line; the descriptor is its lifeline.
    """

    def __init__(self, command: Command, workers: int) -> None:
        self._command = command
        self._is_stopping = False
        self._shall_replace = False
        self._was_ready = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        signal.signal(signal.SIGHUP, self._replace)
        self._workers = [Worker(number, command) for number in range(workers)]

    def run(self) -> None:
        """Watch the workers.  Raises ImproperlyConfigured if none of them could ever start."""
        try:
            while not self._is_stopping:
                self._look_after_all()
                if self._shall_replace:
                    self._shall_replace = False
                    self._replace_all()
                time.sleep(LOOK_S)
        finally:
            for worker in self._workers:
                worker.stop()
            for worker in self._workers:
                worker.end()

    def _stop(self, number: int, frame: object) -> None:
        self._is_stopping = True

    def _replace(self, number: int, frame: object) -> None:
        self._shall_replace = True

    def _look_after_all(self) -> None:
        now = time.monotonic()
        for worker in self._workers:
            if worker.restart_at is not None:
                if now >= worker.restart_at:
                    worker.start()
            elif not worker.look():
                if not self._was_ready:
                    raise ImproperlyConfigured("no worker could start; what it said is above")
                worker.bury(now)
            self._was_ready = self._was_ready or worker.is_ready

    def _replace_all(self) -> None:
        """Replace the workers in their order; stop at the first that can't be."""
        for place, old in enumerate(self._workers):
            log.info("replacing worker %d (%d)", old.number, old.process.pid)
            new = Worker(old.number, self._command)
            deadline = time.monotonic() + START_S
            while not new.is_ready and not self._is_stopping:
                if not new.look() or time.monotonic() > deadline:
                    log.error("the replacement did not start; the other workers stay as they are")
                    new.stop()
                    new.end()
                    return
                time.sleep(LOOK_S)
            self._workers[place] = new
            old.stop()
            old.end()
            if self._is_stopping:
                return
