"""Header, PDU and incremental decoder: bytes to PDUs and back, knowing no command.

A PDU is a header of 16 bytes (big-endian) and a body:

    offset  0       4        6     8           10          12   14
            length  version  flag  service_id  command_id  seq  reserved
            uint32  uint16 ...

`length` counts the header too.  Only `length` is checked: clients differ in `version` and
`reserved`, and an echoed PDU keeps what it came with (spec: protocol, sections 2 and 3).
"""

from dataclasses import dataclass
from struct import Struct

from im.errors import ProtocolError

HEADER = Struct(">IHHHHHH")
HEADER_LENGTH = HEADER.size
LENGTH_FIELD = 4  # bytes that must be there before a PDU's length is known
VERSION = 1  # what the original's servers send


@dataclass(slots=True, init=False, repr=False)
class Pdu:
    """One unit of the stream.  Not frozen: a frozen dataclass costs three times as much to make."""

    command_id: int
    body: bytes
    seq: int
    service_id: int
    version: int
    flag: int
    reserved: int

    def __init__(
        self,
        command_id: int,
        body: bytes = b"",
        seq: int = 0,
        service_id: int | None = None,
        version: int = VERSION,
        flag: int = 0,
        reserved: int = 0,
    ) -> None:
        self.command_id = command_id
        self.body = body
        self.seq = seq
        self.service_id = command_id >> 8 if service_id is None else service_id
        self.version = version
        self.flag = flag
        self.reserved = reserved

    def encode(self) -> bytes:
        """Return the bytes of the PDU with every header field as it stands here."""
        return (
            HEADER.pack(
                HEADER_LENGTH + len(self.body),
                self.version,
                self.flag,
                self.service_id,
                self.command_id,
                self.seq,
                self.reserved,
            )
            + self.body
        )

    def __repr__(self) -> str:
        length = HEADER_LENGTH + len(self.body)
        return f"<Pdu 0x{self.command_id:04x} seq={self.seq} length={length}>"


class FramingError(ProtocolError):
    """A header announces an impossible length.

    `length` is what it announces; `pdus` are those that were complete before it in the same feed.
    """

    def __init__(self, length: int) -> None:
        super().__init__(f"a PDU of {length} bytes is announced")
        self.length = length
        self.pdus: list[Pdu] = []


_NOTHING = bytearray()  # never added to: one for all, for most connections are idle


class Decoder:
    """Cuts one connection's byte stream into PDUs, one at a time, when they are asked for.

    Holds what was not cut yet: at most one incomplete PDU and what the last `push` brought.  The
    work is linear in the bytes however they come, and a chunk of whole PDUs is only sliced, never
    gathered.
    """

    __slots__ = ("_bad_length", "_chunk", "_needed", "_pending", "_position", "max_length")

    def __init__(self, max_length: int) -> None:
        """Accept PDUs of up to `max_length` bytes, header included; it may be changed later."""
        self.max_length = max_length
        self._chunk = b""  # of which PDUs are cut
        self._position = 0  # in the chunk, of what was not cut yet
        self._pending = _NOTHING  # the beginning of an incomplete PDU; the chunk is empty then
        self._needed = 0  # bytes `_pending` must hold before looking at it makes sense
        self._bad_length: int | None = None

    def push(self, data: bytes) -> None:
        """Take bytes.  What earlier ones hold should be taken first: the rest is copied."""
        if self._pending:
            self._pending += data
            if len(self._pending) < self._needed:
                return
            data, self._pending = bytes(self._pending), _NOTHING
        elif self._chunk:
            data = self._chunk[self._position :] + data
        elif self._bad_length is not None:
            return
        self._chunk, self._position = data, 0

    def take(self) -> Pdu | None:
        """Return the next PDU, None if it is not complete.

        Raises FramingError (a ProtocolError) as soon as the length field of a PDU is there and lies
        outside 16 … max_length.  The decoder stays broken: every later call raises again.
        """
        chunk, position = self._chunk, self._position
        size = len(chunk)
        if size - position < HEADER_LENGTH:
            if size or self._bad_length is not None:
                self._keep()
            return None
        length, version, flag, service_id, command_id, seq, reserved = HEADER.unpack_from(
            chunk, position
        )
        end = position + length
        if end > size or not HEADER_LENGTH <= length <= self.max_length:
            self._keep()
            return None
        if end == size:
            self._chunk, self._position = b"", 0
        else:
            self._position = end
        body = chunk[position + HEADER_LENGTH : end]
        return Pdu(command_id, body, seq, service_id, version, flag, reserved)

    def clear(self) -> None:
        """Forget what was not taken: nobody will."""
        self._chunk, self._position, self._pending = b"", 0, _NOTHING

    def feed(self, data: bytes) -> list[Pdu]:
        """Return all PDUs that `data` completes, for who trusts the other side.

        Raises FramingError as `take` does; it carries the PDUs before.
        """
        self.push(data)
        pdus: list[Pdu] = []
        try:
            while (pdu := self.take()) is not None:
                pdus.append(pdu)
        except FramingError as exc:
            exc.pdus = pdus
            raise
        return pdus

    def _keep(self) -> None:
        """Hold the beginning of a PDU back, unless its length is already known to be bad."""
        if self._bad_length is None:
            rest = self._chunk[self._position :]
            self._chunk, self._position, self._needed = b"", 0, LENGTH_FIELD
            if len(rest) >= LENGTH_FIELD:
                length = int.from_bytes(rest[:LENGTH_FIELD], "big")
                if not HEADER_LENGTH <= length <= self.max_length:
                    self._bad_length = length
                self._needed = length
            self._pending = bytearray(rest)
        if self._bad_length is not None:
            self._pending = _NOTHING
            self._chunk = b""
            raise FramingError(self._bad_length)


def cut(data: bytes) -> list[bytes]:
    """Return whole PDUs, as servers queue them, one by one."""
    end = int.from_bytes(data[:LENGTH_FIELD], "big")
    if end == len(data):  # nearly always
        return [data]
    pdus: list[bytes] = []
    begin = 0
    while begin < len(data):
        end = begin + int.from_bytes(data[begin : begin + LENGTH_FIELD], "big")
        pdus.append(data[begin:end])
        begin = end
    return pdus


def encode_pdu(command_id: int, body: bytes, seq: int = 0, *, followed_by: int = 0) -> bytes:
    """Return the bytes of a PDU as servers send it: service id from the command, rest default.

    `followed_by` bytes of the body come separately; the length counts them.
    """
    length = HEADER_LENGTH + len(body) + followed_by
    return HEADER.pack(length, VERSION, 0, command_id >> 8, command_id, seq, 0) + body
