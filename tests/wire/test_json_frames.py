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


@pytest.mark.parametrize("value", VALUES)
def test_no_value_of_any_field_does_more_harm_than_a_bad_frame(value: str) -> None:
    frames = JsonFrames(32 * b"k")
    refused = 0

    for command in Command:
        kind = message_class(command)
        assert kind is not None
        for field in kind.DESCRIPTOR.fields:
            text = f'{{"cmd": "{kind.DESCRIPTOR.name}", "seq": 7, "body": {{"{field.name}": {value}}}}}'
            try:
                frames.read(text)
            except BadFrame as exc:
                refused += 1
                assert exc.seq == 7
                assert error_frame(exc.seq, str(exc)).encode()

    assert refused


def test_what_is_wrong_with_a_frame_is_told_in_one_short_line() -> None:
    frames = JsonFrames(32 * b"k")
    name = "\\n\\ud800" + 10_000 * "x"

    with pytest.raises(BadFrame) as caught:
        frames.read(f'{{"cmd": "IMHeartBeat", "body": {{"{name}": 1}}}}')

    assert len(str(caught.value)) <= 200
    assert str(caught.value).isprintable()
