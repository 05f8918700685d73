"""The process that reads an upload: standard input is the file, standard output what was read.

It has little memory and time, may write no more than a bounded result, and ends with its parent.
The result is a line of JSON each: the table's head, its rows, its end; or a refusal.
"""

import contextlib
import io
import json
import os
import resource
import signal
import sys
from typing import IO

from admin_ui.sheets import csv_text, xlsx
from admin_ui.sheets.table import MAX_FILE_BYTES, Table, Unreadable

MEMORY_BYTES = 768 * 1024 * 1024
CPU_S = 20
RESULT_BYTES = 64 * 1024 * 1024
NICENESS = 10  # messages first
_PARENT_CHECK_S = 1.0

_OTHER_KINDS = (  # first bytes, and what to say
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "old_workbook"),  # .xls; also XLSX with a password
    (b"%PDF", "no_spreadsheet"),
    (b"{\\rtf", "no_spreadsheet"),
    (b"\x89PNG", "no_spreadsheet"),
    (b"\xff\xd8\xff", "no_spreadsheet"),
    (b"GIF8", "no_spreadsheet"),
    (b"\x1f\x8b", "no_spreadsheet"),
    (b"Rar!", "no_spreadsheet"),
    (b"7z\xbc\xaf", "no_spreadsheet"),
    (b"ID;P", "no_spreadsheet"),  # SYLK
)


def main() -> None:
    """Read what comes in and write what it holds."""
    parent = int(sys.argv[1])
    _limit_resources()
    _end_with(parent)
    out = io.TextIOWrapper(sys.stdout.buffer, encoding="utf-8", errors="replace")
    try:
        _write(read(sys.stdin.buffer), out)
    except Unreadable as refusal:
        print(json.dumps({"refused": refusal.code, **refusal.details}), file=out)
    except (MemoryError, RecursionError):
        print(json.dumps({"refused": "too_large"}), file=out)
    out.flush()
    signal.setitimer(signal.ITIMER_REAL, 0)  # the interpreter's end takes the handler away


def read(file: IO[bytes]) -> Table:
    """Return the table of a file of any kind.  Raises Unreadable."""
    begin = file.read(64)
    file.seek(0)
    for magic, code in _OTHER_KINDS:
        if begin.startswith(magic):
            raise Unreadable(code)
    if begin.startswith(b"PK"):
        return xlsx.read(file)
    if begin.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"<"):
        raise Unreadable("markup")
    return csv_text.read(file.read(MAX_FILE_BYTES + 1))


def _limit_resources() -> None:
    limits = (
        (resource.RLIMIT_AS, MEMORY_BYTES),
        (resource.RLIMIT_CPU, CPU_S),
        (resource.RLIMIT_FSIZE, RESULT_BYTES),
        (resource.RLIMIT_CORE, 0),
    )
    for kind, most in limits:
        with contextlib.suppress(ValueError, OSError):  # not every system has them all
            resource.setrlimit(kind, (most, most))
    os.nice(NICENESS)


def _end_with(parent: int) -> None:
    def look(_signal: int, _frame: object) -> None:
        if os.getppid() != parent:
            os._exit(1)

    signal.signal(signal.SIGALRM, look)
    signal.setitimer(signal.ITIMER_REAL, _PARENT_CHECK_S, _PARENT_CHECK_S)


def _write(table: Table, out: IO[str]) -> None:
    head = {"headings": table.headings, "sheets": table.sheets}
    print(json.dumps(head, ensure_ascii=False), file=out)
    for row in table.rows:
        line = [row.number, row.cells, row.flaws] if row.flaws else [row.number, row.cells]
        print(json.dumps(line, ensure_ascii=False), file=out)
    print(json.dumps({"rows": len(table.rows)}), file=out)


if __name__ == "__main__":
    main()
