"""Reading an upload in a process of its own, and the words for what is refused."""

import json
import logging
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import IO, Any

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from admin_ui.sheets.table import MAX_FILE_BYTES, Flaw, SheetRow, Table
from im.errors import Refused

log = logging.getLogger(__name__)

AT_ONCE = 1  # files that are read at the same time, by one process of ours
PATIENCE_S = 5.0  # for a turn
WALL_S = 40.0  # for one file; its processor time is bounded by the worker itself
_ERRORS_KEPT = 2000  # characters of what a failed worker says

REFUSALS = {
    "too_large": _("The file holds too much. Delete what is not needed, or divide it."),
    "too_large_file": _("The file is too large: at most %(limit)d MB."),
    "too_many_rows": _("At most %(limit)d rows at once. Divide the file into several."),
    "too_many_columns": _("At most %(limit)d columns; row %(row)d has more. Delete the others."),
    "too_many_sheets": _("At most %(limit)d sheets. Save the one that is meant as a file."),
    "long_cell": _(
        "A cell has more than %(limit)d characters (row %(row)d). In a CSV file a quotation mark "
        "may be missing there."
    ),
    "damaged_text": _(
        "This text can't be read: it is damaged, or its encoding is neither UTF-8, UTF-16 nor "
        "GB18030. Save it as “CSV UTF-8” or as an Excel workbook (.xlsx)."
    ),
    "damaged_workbook": _(
        "This workbook is damaged or protected. Open it, and save it as an Excel workbook (.xlsx) "
        "without a password."
    ),
    "old_workbook": _(
        "This is a workbook of old Excel versions (.xls), or one with a password. Save it as an "
        "Excel workbook (.xlsx) without a password, or as CSV."
    ),
    "markup": _(
        "This is a web page or XML, even if its name ends in .xls. Open it, and save it as an "
        "Excel workbook (.xlsx) or as CSV."
    ),
    "no_spreadsheet": _(
        "This is no spreadsheet that can be read here. Save it as an Excel workbook (.xlsx) or as "
        "CSV."
    ),
    "no_values": _("There is nothing in this file."),
    "no_headings": _(
        "No row with headings was found. One of the first rows must name the columns: login name, "
        "nickname, department … The first row here is: %(seen)s"
    ),
    "too_slow": _("Reading this file takes too long. Delete what is not needed, or divide it."),
    "busy": _("Other files are being read. Try again in a moment."),
    "failed": _("This file can't be read. Save it as an Excel workbook (.xlsx) or as CSV."),
}

_turns = threading.BoundedSemaphore(AT_ONCE)


def read(chunks: Iterable[bytes]) -> Table:
    """Return what an upload holds.  Raises Refused, in words for who sent it."""
    with tempfile.TemporaryFile() as upload, tempfile.TemporaryFile() as result:
        _copy(chunks, upload)
        with _turn():
            _run(upload, result)
        result.seek(0)
        return _table(result)


def _copy(chunks: Iterable[bytes], file: IO[bytes]) -> None:
    left = MAX_FILE_BYTES
    for chunk in chunks:
        left -= len(chunk)
        if left < 0:
            raise _refusal({"refused": "too_large_file", "limit": MAX_FILE_BYTES // 1024 // 1024})
        file.write(chunk)
    file.seek(0)


@contextmanager
def _turn() -> Iterator[None]:
    if not _turns.acquire(timeout=PATIENCE_S):
        raise _refusal({"refused": "busy"})
    try:
        yield
    finally:
        _turns.release()


def _run(upload: IO[bytes], result: IO[bytes]) -> None:
    """Let a worker read; -E, -s, -S: nothing but this project's code and the standard library."""
    command = [sys.executable, "-E", "-s", "-S", "-m", "admin_ui.sheets.worker", str(os.getpid())]
    with tempfile.TemporaryFile() as errors:
        worker = subprocess.Popen(
            command, stdin=upload, stdout=result, stderr=errors, cwd=settings.BASE_DIR, env={}
        )
        try:
            status = worker.wait(WALL_S)
        except subprocess.TimeoutExpired:
            raise _refusal({"refused": "too_slow"}) from None
        finally:
            worker.kill()
            worker.wait()
        if status:
            errors.seek(0)
            said = errors.read(_ERRORS_KEPT).decode(errors="replace")
            log.warning("a spreadsheet could not be read: status %d: %s", status, said)
            # A negative status is a signal: its processor time was over.
            raise _refusal({"refused": "too_slow" if status < 0 else "failed"})


def _table(result: IO[bytes]) -> Table:
    """Return the table of a worker's answer, a line at a time: others need the interpreter too."""
    head: dict[str, Any] = {}  # Any: as it comes from JSON, checked by its use
    rows: list[SheetRow] = []
    for line in result:
        item = json.loads(line.decode("utf-8", "replace"))
        if isinstance(item, list):
            number, cells, *flaws = item
            found = {int(column): Flaw(flaw) for column, flaw in (flaws or [{}])[0].items()}
            rows.append(SheetRow(number, cells, found))
        elif "refused" in item:
            raise _refusal(item)
        else:
            head |= item
    if head.get("rows") != len(rows):
        raise _refusal({"refused": "failed"})
    return Table(head["headings"], rows, tuple(head["sheets"]))


def _refusal(answer: dict[str, Any]) -> Refused:
    text = REFUSALS.get(answer["refused"], REFUSALS["failed"])
    return Refused(str(text) % answer)
