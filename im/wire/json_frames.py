"""JSON frames of WebSockets: `{"cmd": "IMMsgData", "seq": 1, "body": {…}}` to PDUs and back.

Bodies are protobuf's JSON mapping with the schema's field names.  Two things are done for whoever
writes them: texts are plain here and encrypted on the other side, as all clients expect them; and
required numbers that are left out are 0, for most of them are claims that nobody believes.
"""

import base64
import json
import time
from collections.abc import Callable
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.json_format import ParseDict, ParseError
from google.protobuf.message import EncodeError, Message

from im.errors import IMError
from im.types import AUDIO_TYPES, ClientType, MsgType, OnlineStatus
from im.wire import cipher
from im.wire.catalog import Command, message_class
from im.wire.pdu import Pdu

MAX_SEQ = 0xFFFF
ERROR = "Error"
_MAX_WHY_CHARS = 200  # what is wrong with a frame may quote all of it
# What protobuf raises for values of the wrong kind: ParseError for most, but OverflowError for
# infinity as an enum, and SystemError for a text where a message belongs.
_MISFITS = (ParseError, EncodeError, ValueError, TypeError, OverflowError, SystemError)
# Reading a frame costs what its values cost, some 2 µs each, and commas separate them; what is long
# with few values is voice.
SHORT_CHARS = 64 * 1024
VALUES_OF_LONG = 64
QUICK_VALUES = 256
QUICK_CHARS = 16 * 1024
MAX_TEXT_CHARS = 16 * 1024  # longer ones are not encrypted to be refused
ROWS_PER_STEP = 500
PAUSE_S = 0.001  # the interpreter is left to the loop, which must not wait for a long list

_COMMANDS: dict[str, Command] = {
    kind.DESCRIPTOR.name: command for command in Command if (kind := message_class(command))
}
# What a web client need not say of itself.
_ASSUMED: dict[Command, dict[str, int]] = {
    Command.LOGIN_REQ_USERLOGIN: {
        "online_status": OnlineStatus.ONLINE,
        "client_type": ClientType.WEB,
    }
}
# The fields that hold a text, or a voice message, and the field that says which.
_SAID = {"msg_data": "msg_type", "latest_msg_data": "latest_msg_type"}
_AUDIO_NAMES = {f"MSG_TYPE_{kind.name}" for kind in MsgType if kind in AUDIO_TYPES}

Frame = dict[str, Any]  # Any: JSON


class BadFrame(IMError):
    """A frame that is no command; `seq` is the sender's number where it could be read."""

    def __init__(self, why: str, seq: int = 0) -> None:
        # It goes into a log line and into a frame: no line ends, no halves of characters.
        super().__init__("".join(c if c.isprintable() else "?" for c in why[:_MAX_WHY_CHARS]))
        self.seq = seq


class JsonFrames:
    """Reads and writes frames; `key` is the clients' cipher key."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    # --- in -----------------------------------------------------------------------------------

    def read(self, text: str) -> Pdu:
        """Return the PDU that a frame stands for; in a thread unless it `is_quick`.

        Raises BadFrame.
        """
        if len(text) > SHORT_CHARS and values(text) > VALUES_OF_LONG:
            raise BadFrame(f"a frame of more than {SHORT_CHARS} characters holds one long value")
        command, seq, body = _frame(text)
        kind = message_class(command)
        assert kind is not None
        message = kind()
        fields = _ASSUMED.get(command, {}) | self._encrypted(body, seq)
        try:
            ParseDict(fields, message)
            _fill_in(message, seq)
            return Pdu(command, message.SerializeToString(), seq)
        except (*_MISFITS, RecursionError) as exc:
            raise BadFrame(str(exc), seq) from exc

    def _encrypted(self, body: Frame, seq: int) -> Frame:
        text = body.get("msg_data")
        if not isinstance(text, str) or _is_audio(body.get("msg_type")):
            return body
        if len(text) > MAX_TEXT_CHARS:
            raise BadFrame(f"msg_data: {len(text)} characters are no text", seq)
        try:
            data = cipher.encrypt_text(text, self._key)
        except (cipher.CipherError, UnicodeEncodeError) as exc:
            raise BadFrame(f"msg_data: {exc}", seq) from exc
        return {**body, "msg_data": base64.b64encode(data).decode()}

    # --- out ----------------------------------------------------------------------------------

    def write(self, pdu: Pdu) -> str:
        """Return the frame of a PDU that this server made."""
        kind = message_class(pdu.command_id)
        assert kind is not None
        message = kind.FromString(pdu.body)
        body = self._fields(message)
        return _dumps({"cmd": kind.DESCRIPTOR.name, "seq": pdu.seq, "body": body})

    def list_text(self, command_id: int, encoded: bytes) -> str:
        """Return the list of a long reply as `"name":[…]`, for `write_around`.

        `encoded` is the list's fields.  For threads: it leaves the interpreter to others in steps.
        """
        kind = message_class(command_id)
        assert kind is not None
        message = kind.FromString(encoded)
        [(field, rows)] = message.ListFields()
        steps: list[str] = []
        for start in range(0, len(rows), ROWS_PER_STEP):
            if steps:
                time.sleep(PAUSE_S)
            step = [self._fields(row) for row in rows[start : start + ROWS_PER_STEP]]
            steps.append(_dumps(step)[1:-1])
        return f'"{field.name}":[{",".join(steps)}]'

    def write_around(self, head: Pdu, list_text: str) -> str:
        """Return the frame of a reply that came as its head and a list's text."""
        kind = message_class(head.command_id)
        assert kind is not None
        message = kind.FromString(head.body)
        body = {field.name: getattr(message, field.name) for field, _ in message.ListFields()}
        text = _dumps({"cmd": kind.DESCRIPTOR.name, "seq": head.seq, "body": body})
        return f"{text[:-2]}{',' if body else ''}{list_text}}}}}"

    def _fields(self, message: Message) -> Frame:
        return {
            field.name: value(self, message, getattr(message, field.name))
            for field, value in _writers(message.DESCRIPTOR)
            if field.is_repeated or message.HasField(field.name)
        }

    def _text(self, data: bytes) -> str:
        """Return a text; what was never encrypted is shown as it is."""
        try:
            return cipher.decrypt_text(data, self._key)
        except cipher.CipherError:
            return data.decode(errors="replace")


def values(text: str) -> int:
    """Return how many values a frame has, or a few more: what reading it costs."""
    return text.count(",") + 1


def is_quick(text: str) -> bool:
    """Tell whether a frame is read in much less than a millisecond."""
    return len(text) <= QUICK_CHARS and values(text) <= QUICK_VALUES


def error_frame(seq: int, why: str, command_id: int | None = None) -> str:
    """Return the frame that tells why a command was not done."""
    kind = None if command_id is None else message_class(command_id)
    body = {"text": why} if kind is None else {"text": why, "cmd": kind.DESCRIPTOR.name}
    return _dumps({"cmd": ERROR, "seq": seq, "body": body})


def _frame(text: str) -> tuple[Command, int, Frame]:
    try:
        frame = json.loads(text)
    except (ValueError, RecursionError) as exc:
        raise BadFrame(f"this is no JSON: {exc}") from exc
    if not isinstance(frame, dict):
        raise BadFrame("a frame is an object")
    seq, body, name = frame.get("seq", 0), frame.get("body", {}), frame.get("cmd")
    if type(seq) is not int or not 0 <= seq <= MAX_SEQ:  # bool is an int
        raise BadFrame(f"seq is a number from 0 to {MAX_SEQ}")
    if not isinstance(body, dict):
        raise BadFrame("body is an object", seq)
    if not isinstance(name, str) or name not in _COMMANDS:
        raise BadFrame("cmd is not the name of a command's message", seq)
    return _COMMANDS[name], seq, body


def _fill_in(message: Message, seq: int) -> None:
    """Set what is required and was left out to 0; raise BadFrame where that is no number."""
    for field in message.DESCRIPTOR.fields:
        if field.is_required and not message.HasField(field.name):
            if field.type != FieldDescriptor.TYPE_UINT32:
                raise BadFrame(f"{field.name} is missing", seq)
            setattr(message, field.name, 0)


def _is_audio(msg_type: object) -> bool:
    if isinstance(msg_type, str):
        return msg_type in _AUDIO_NAMES
    return isinstance(msg_type, int) and msg_type in AUDIO_TYPES


def _dumps(frame: Frame | list[Frame]) -> str:
    return json.dumps(frame, ensure_ascii=False, separators=(",", ":"))


# --- how each field is written: looked up once per message class --------------------------------

# Any: a field's value, JSON, and below a descriptor, of which protobuf has two kinds.
Write = Callable[[JsonFrames, Message, Any], Any]

_cache: dict[str, list[tuple[FieldDescriptor, Write]]] = {}


def _writers(descriptor: Any) -> list[tuple[FieldDescriptor, Write]]:
    found = _cache.get(descriptor.full_name)
    if found is None:
        found = [(field, _writer(field)) for field in descriptor.fields]
        _cache[descriptor.full_name] = found
    return found


def _writer(field: FieldDescriptor) -> Write:
    write = _writer_of_one(field)
    if not field.is_repeated:
        return write
    return lambda frames, message, values: [write(frames, message, value) for value in values]


def _writer_of_one(field: FieldDescriptor) -> Write:
    if field.type == FieldDescriptor.TYPE_MESSAGE:
        return lambda frames, message, value: frames._fields(value)
    if field.enum_type is not None:
        names = {number: value.name for number, value in field.enum_type.values_by_number.items()}
        return lambda frames, message, value: names.get(value, value)
    if field.type == FieldDescriptor.TYPE_BYTES:
        return _said_writer(field) if field.name in _SAID else _write_bytes
    return lambda frames, message, value: value


def _said_writer(field: FieldDescriptor) -> Write:
    kind = _SAID[field.name]
    is_list = field.name.startswith("latest_")  # lists hold a text in place of voice

    def write(frames: JsonFrames, message: Message, value: bytes) -> str:
        if not is_list and getattr(message, kind) in AUDIO_TYPES:
            return _write_bytes(frames, message, value)
        return frames._text(value)

    return write


def _write_bytes(frames: JsonFrames, message: Message, value: bytes) -> str:
    return base64.b64encode(value).decode()
