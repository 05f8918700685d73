"""JSON frames: whatever a client sends is a PDU or a BadFrame, and the answer can be written."""

import pytest

from im.wire.catalog import Command, message_class
from im.wire.json_frames import BadFrame, JsonFrames, error_frame

VALUES = (
    "NaN",
    "-Infinity",
    "1e400",
    "1" + 400 * "0",
    "-1",
    "1.5",
    "true",
    "null",
    "[]",
    "{}",
    "[null]",
    "[[]]",
    "[{}]",
    "[NaN]",
    '"\\ud800"',
    '["\\ud800"]',
    '{"\\ud800": 1}',
    '"nan"',
    '"\\u0000"',
    '"="',
)


def _complaint(frames: JsonFrames, name: str, body: str) -> BadFrame | None:
    try:
        frames.read(f'{{"cmd": "{name}", "seq": 7, "body": {body}}}')
    except BadFrame as exc:
        return exc
    return None


@pytest.mark.parametrize("value", VALUES)
def test_no_value_of_any_field_does_more_harm_than_a_bad_frame(value: str) -> None:
    frames = JsonFrames(32 * b"k")
    told = []

    for command in Command:
        kind = message_class(command)
        assert kind is not None
        for field in kind.DESCRIPTOR.fields:
            body = f'{{"{field.name}": {value}}}'
            told.append(_complaint(frames, kind.DESCRIPTOR.name, body))

    complaints = [complaint for complaint in told if complaint is not None]
    assert complaints
    assert {complaint.seq for complaint in complaints} == {7}
    assert all(error_frame(7, str(complaint)).encode() for complaint in complaints)


def test_what_is_wrong_with_a_frame_is_told_in_one_short_line() -> None:
    frames = JsonFrames(32 * b"k")
    name = "\\n\\ud800" + 10_000 * "x"

    with pytest.raises(BadFrame) as caught:
        frames.read(f'{{"cmd": "IMHeartBeat", "body": {{"{name}": 1}}}}')

    assert len(str(caught.value)) <= 200
    assert str(caught.value).isprintable()
