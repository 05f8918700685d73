"""How a difference changes what a recorded step makes us expect.

Each function here returns a Change: it rewrites an Expected, and fails where the recording has
nothing that could be changed, so that no difference outlives its reason.
"""

from collections.abc import Callable
from typing import Any

from google.protobuf.message import Message

from im.wire.catalog import command_of, encode
from tests.replay.recording import CLOCK, Expected, recorded_pdu

NOW = CLOCK[0]  # in what we send instead: the server's time, whatever it is

Change = Callable[[Expected], None]


def nothing_for(*labels: str) -> Change:
    """These connections get nothing."""

    def change(expected: Expected) -> None:
        for label in labels:
            assert expected.pdus.pop(label, None), f"{label} gets nothing anyway"

    return change


def without(label: str, kind: type[Message]) -> Change:
    """This connection does not get PDUs of this kind."""

    def change(expected: Expected) -> None:
        pdus = expected.pdus[label]
        kept = [pdu for pdu in pdus if pdu.command_id != command_of(kind)]
        assert len(kept) < len(pdus), f"{label} gets no {kind.__name__} anyway"
        expected.pdus[label] = kept

    return change


def told(label: str, *messages: Message, seq: int = 0) -> Change:
    """This connection gets these as well, behind what was recorded."""

    def change(expected: Expected) -> None:
        expected.pdus.setdefault(label, []).extend(
            recorded_pdu(encode(message, seq)) for message in messages
        )

    return change


def saying(label: str, kind: type[Message], at: str = "", **fields: Any) -> Change:
    """This connection's PDU of this kind has other values in these fields; None: not set.

    `at`: the structure in it that has the fields, such as "msg_list.0".
    """

    def edit(message: Message) -> None:
        part = _part(message, at)
        for name, value in fields.items():
            part.ClearField(name)
            if value is not None:
                setattr(part, name, value)

    return _edited(label, kind, edit)


def unnumbered(label: str, kind: type[Message]) -> Change:
    """This connection's PDU of this kind has the sequence number 0."""

    def change(expected: Expected) -> None:
        [pdu] = [pdu for pdu in expected.pdus[label] if pdu.command_id == command_of(kind)]
        assert pdu.seq, f"{label} gets it unnumbered anyway"
        pdu.seq = 0

    return change


def lacking(label: str, kind: type[Message], *entries: str) -> Change:
    """This connection's PDU of this kind lacks these entries of lists, such as "msg_list.0"."""

    def edit(message: Message) -> None:
        for entry in sorted(entries, reverse=True):  # the last one first: the others keep places
            name, index = entry.split(".")
            del getattr(message, name)[int(index)]

    return _edited(label, kind, edit)


def listing(label: str, kind: type[Message], name: str, entry: Message) -> Change:
    """This connection's PDU of this kind has one more entry at the end of a list."""
    return _edited(label, kind, lambda message: getattr(message, name).append(entry))


def closed(*labels: str) -> Change:
    """The server closes these connections."""

    def change(expected: Expected) -> None:
        assert not expected.closed & set(labels), "they are closed anyway"
        expected.closed |= set(labels)

    return change


def kept_open(label: str) -> Change:
    """The server does not close this connection."""

    def change(expected: Expected) -> None:
        expected.closed.remove(label)

    return change


def nothing_stored(expected: Expected) -> None:
    """No row is inserted."""
    assert expected.rows, "nothing is inserted anyway"
    expected.rows = {}


def _edited(label: str, kind: type[Message], edit: Callable[[Message], None]) -> Change:
    def change(expected: Expected) -> None:
        [pdu] = [pdu for pdu in expected.pdus[label] if pdu.command_id == command_of(kind)]
        message = kind.FromString(pdu.body)
        edit(message)
        body = message.SerializePartialToString()
        assert body != pdu.body, f"{label} gets it anyway"
        pdu.body = body

    return change


def _part(message: Message, path: str) -> Message:
    """Return the structure at a path such as "msg_list.0"."""
    part: Any = message
    for name in filter(None, path.split(".")):
        part = part[int(name)] if name.isdigit() else getattr(part, name)
    structure: Message = part
    return structure
