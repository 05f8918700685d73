"""What was recorded at the original's servers: one JSON object per step, one file per section.

    step    the step's name
    before  what the recorder did first, unrecorded
    play    what happened, in order per connection; "A", "Am", … are the recorder's connections
    rows    rows the step inserted, by table; `content` in hexadecimal (sections 1 to 4 only)

Lines of `before` and `play`:

    A login u00001 1    connects and logs in with that client type, unrecorded
    A open              connects
    A leave             closes the connection
    A > 00000010…       sends a PDU; on a label without connection, connects first
    A Am < 00000010…    each of them gets this PDU
    A closed            the server closes the connection

(7a*100000) in hexadecimal stands for a byte that often.
"""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from im.wire.pdu import Decoder, Pdu

DIRECTORY = Path(__file__).parent / "recordings"
SECTIONS = tuple(sorted(path.stem for path in DIRECTORY.glob("*.jsonl")))
ROWS_RECORDED = SECTIONS[:4]
CLOCK = range(1_795_000_000, 1_796_000_000)  # what the recorded servers took for now

Rows = dict[str, list[dict[str, Any]]]  # table -> rows by column; Any: as in the file


class Action(NamedTuple):
    """Something a client does: "login", "open", "leave" or "send"."""

    label: str
    verb: str
    name: str = ""
    client_type: int = 0
    data: bytes = b""


@dataclass(slots=True)
class Expected:
    """What a step is to bring: PDUs per connection, connections that end, rows that appear."""

    pdus: dict[str, list[Pdu]] = field(default_factory=dict)
    closed: set[str] = field(default_factory=set)
    rows: Rows = field(default_factory=dict)


class Step:
    """One step as recorded."""

    def __init__(self, section: str, record: dict[str, Any]) -> None:
        self.section = section
        self.name: str = record["step"]
        self.before = list(_actions(record.get("before", ())))
        self.actions = list(_actions(record["play"]))
        self._record = record

    def __str__(self) -> str:
        return f"{self.section}/{self.name}"

    def expected(self) -> Expected:
        """Return what the original did; the caller's own, to be changed."""
        result = Expected(rows={table: list(rows) for table, rows in self._rows().items()})
        for line in self._record["play"]:
            if " < " in line:
                labels, data = line.split(" < ")
                for label in labels.split():
                    result.pdus.setdefault(label, []).append(recorded_pdu(unpacked(data)))
            elif line.endswith(" closed"):
                result.closed.add(line.split()[0])
        return result

    def _rows(self) -> Rows:
        rows: Rows = self._record.get("rows", {})
        return rows


def load(section: str) -> list[Step]:
    """Return a section's steps in order."""
    lines = (DIRECTORY / f"{section}.jsonl").read_text().splitlines()
    return [Step(section, json.loads(line)) for line in lines]


def unpacked(text: str) -> bytes:
    """Return the bytes that such hexadecimal means."""
    return bytes.fromhex(
        re.sub(r"\((..)\*(\d+)\)", lambda found: found[1] * int(found[2]), text),
    )


def _actions(lines: Iterable[str]) -> Iterator[Action]:
    for line in lines:
        label, verb, *rest = line.split()
        if verb == ">":
            yield Action(label, "send", data=unpacked(rest[0]))
        elif verb == "login":
            yield Action(label, verb, rest[0], int(rest[1]))
        elif verb in ("open", "leave"):
            yield Action(label, verb)


def recorded_pdu(data: bytes) -> Pdu:
    """Return the one PDU that these bytes are."""
    [pdu] = Decoder(max_length=len(data)).feed(data)
    return pdu
