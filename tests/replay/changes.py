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


def saying(label: str, kind: type[Message], **fields: Any) -> Change:
    """This connection's PDU of this kind has other values in these fields; None: not set."""

    def change(expected: Expected) -> None:
        [pdu] = [pdu for pdu in expected.pdus[label] if pdu.command_id == command_of(kind)]
        message = kind.FromString(pdu.body)
        before = message.SerializePartialToString()
        for name, value in fields.items():
            message.ClearField(name)
            if isinstance(value, list):
                getattr(message, name).extend(value)
            elif value is not None:
                setattr(message, name, value)
        pdu.body = message.SerializePartialToString()
        assert pdu.body != before, f"{label} gets it anyway"

    return change


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
