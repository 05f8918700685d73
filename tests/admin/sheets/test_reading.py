"""The process that reads: its bounds, and that it never outlives who waits for it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest
from django.conf import settings

from admin_ui.sheets import reading, worker
from im.errors import Refused
from tests.admin.sheets.books import PEOPLE, book, rows


def test_rows_come_back_as_they_were_written() -> None:
    table = reading.read([book(rows(PEOPLE))])

    assert table.headings == PEOPLE[0]
    assert [(row.number, row.cells) for row in table.rows] == [(2, PEOPLE[1])]


def test_a_refusal_is_in_words_with_its_numbers() -> None:
    with pytest.raises(Refused, match="At most 100 columns; row 2 has more"):
        reading.read([b"name\n" + b"," * 100 + b"x\n"])


def test_more_bytes_than_allowed_are_not_even_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = []

    def chunks() -> Iterator[bytes]:
        for number in range(100):
            taken.append(number)
            yield bytes(1024 * 1024)

    with pytest.raises(Refused, match="at most 10 MB"):
        reading.read(chunks())

    assert len(taken) == 11


def test_a_worker_that_takes_too_long_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "WALL_S", 0.0)

    with pytest.raises(Refused, match="takes too long"):
        reading.read([book(rows(PEOPLE))])


def test_a_second_file_waits_for_its_turn_and_not_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(reading, "PATIENCE_S", 0.0)

    with reading._turn(), pytest.raises(Refused, match="Other files are being read"):
        reading.read([book(rows(PEOPLE))])


def test_a_worker_has_little_memory() -> None:
    code = (
        "from admin_ui.sheets import worker; worker._limit_resources();"
        f"bytearray({worker.MEMORY_BYTES})"
    )

    ended = subprocess.run([sys.executable, "-c", code], cwd=settings.BASE_DIR, capture_output=True)

    assert b"MemoryError" in ended.stderr


def test_a_worker_ends_with_its_parent() -> None:
    """Its parent is killed; the worker, which waits for input that never ends, notices."""
    code = (
        "import os, subprocess, sys;"
        "w = subprocess.Popen([sys.executable, '-m', 'admin_ui.sheets.worker', str(os.getpid())],"
        " stdin=os.dup(0), stdout=subprocess.DEVNULL);"
        "print(w.pid, flush=True); w.wait()"
    )
    reader, writer = os.pipe()
    parent = subprocess.Popen(
        [sys.executable, "-c", code], stdin=reader, stdout=subprocess.PIPE, cwd=settings.BASE_DIR
    )
    assert parent.stdout is not None
    with parent.stdout as said:
        worker_pid = int(said.readline())
    parent.kill()
    parent.wait()
    os.close(reader)

    assert _has_ended(worker_pid)
    os.close(writer)


def _has_ended(pid: int) -> bool:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
            with open(f"/proc/{pid}/stat") as state:
                if state.read().split()[2] == "Z":
                    return True
        except (ProcessLookupError, FileNotFoundError):
            return True
        os.sched_yield()
    os.kill(pid, signal.SIGKILL)
    return False
