"""JSON frames: whatever a client sends is a PDU or a BadFrame, and the answer can be written."""

import pytest

from im.wire.catalog import Command, message_class
from im.wire.json_frames import BadFrame, JsonFrames, error_frame, is_quick

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


# --- what is long -----------------------------------------------------------------------------


def _frame(name: str, body: str) -> str:
    return f'{{"cmd": "{name}", "seq": 7, "body": {body}}}'


MANY = {
    "ids": _frame("IMUsersStatReq", f'{{"user_id_list": [{"1," * 200_000}1]}}'),
    "objects": _frame("IMGroupInfoListReq", f'{{"group_version_list": [{"{}," * 100_000}{{}}]}}'),
    "names": _frame("IMHeartBeat", f"{{{','.join(f'{n:x}' for n in range(50_000))}}}"),
    "nothing known": f"[{'1,' * 200_000}1]",
}


@pytest.mark.parametrize("text", MANY.values(), ids=MANY.keys())
def test_a_long_frame_of_many_values_is_not_read(text: str) -> None:
    with pytest.raises(BadFrame) as caught:
        JsonFrames(32 * b"k").read(text)

    assert "one long value" in str(caught.value)


def test_a_long_frame_of_one_value_is_read() -> None:
    voice = 4 * 175_000 * "A"
    pdu = JsonFrames(32 * b"k").read(
        _frame("IMMsgData", f'{{"to_session_id": 2, "msg_type": 2, "msg_data": "{voice}"}}')
    )

    assert len(pdu.body) > 3 * 175_000


def test_a_text_that_nobody_could_store_is_not_encrypted() -> None:
    with pytest.raises(BadFrame) as caught:
        JsonFrames(32 * b"k").read(_frame("IMMsgData", f'{{"msg_data": "{100_000 * "x"}"}}'))

    assert caught.value.seq == 7
    assert "100000 characters" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (_frame("IMMsgData", f'{{"to_session_id": 2, "msg_data": "{3068 * "x"}"}}'), True),
        (_frame("IMUsersStatReq", f'{{"user_id_list": [{"1," * 200}1]}}'), True),
        (_frame("IMUsersStatReq", f'{{"user_id_list": [{"1," * 300}1]}}'), False),
        (_frame("IMMsgData", f'{{"msg_type": 2, "msg_data": "{20_000 * "A"}"}}'), False),
    ],
)
def test_what_takes_long_to_read_is_told_by_its_values(text: str, *, expected: bool) -> None:
    assert is_quick(text) is expected
