"""The link of a WebSocket: PDUs as the session sends them, frames as the client reads them.

Bounds are those of TCP: what waits for a client that does not read is counted and then too much,
long lists that everybody shares apart, and a fast sender is not read.
"""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol

from django.conf import settings

from im.consumers.shared_json import SharedLists
from im.peer_log import PeerLog, address_of
from im.wire.json_frames import JsonFrames, error_frame
from im.wire.pdu import HEADER, HEADER_LENGTH, LENGTH_FIELD, Decoder, FramingError, Pdu, cut

peer_log = PeerLog(__name__)

LONG_BYTES = 64 * 1024  # longer parts are shared lists: converted in a thread, counted apart
MAX_LONG_PARTS = 8
SEQ = slice(12, 14)  # of a PDU's header
KEPT_FRAMES = 256  # what many sessions get alike is converted once
_NO_LIMIT = 2**32

# Close codes: those of RFC 6455 behind a 4, since servers keep its own to themselves.
NORMAL, UNSUPPORTED, POLICY, TOO_BIG, AGAIN = 1000, 4003, 4008, 4009, 4013

Send = Callable[[dict[str, Any]], Awaitable[None]]  # Any: as ASGI's messages are
Frame = str | bytes


class Flow(Protocol):
    """What the server under ASGI offers beyond it: when to read, when to write, how to cut off."""

    def limit(self, longest: Callable[[], int]) -> None:
        """Take no messages that are much longer than `longest` says at the time, in bytes."""

    def took(self) -> None:
        """A message was taken; only few are handed over before."""

    def pause_reading(self, is_paused: bool) -> None:
        """Stop or go on reading from the client."""

    async def write(self, messages: Sequence[Frame]) -> None:
        """Send messages; return when the client has read most of what it was sent."""

    def cut_off(self) -> None:
        """End the connection without a word."""


class NoFlow:
    """For servers that wait in `send` and `receive` by themselves."""

    def __init__(self, send: Send) -> None:
        self._send = send

    def limit(self, longest: Callable[[], int]) -> None:
        pass

    def took(self) -> None:
        pass

    def pause_reading(self, is_paused: bool) -> None:
        pass

    async def write(self, messages: Sequence[Frame]) -> None:
        for message in messages:
            kind = "text" if isinstance(message, str) else "bytes"
            await self._send({"type": "websocket.send", kind: message})

    def cut_off(self) -> None:
        pass


class WebLink:
    """One client's frames.  Its first one says which of `frames` and `decoder` is set."""

    def __init__(self, send: Send, flow: Flow, peer: str) -> None:
        self.peer = peer
        self.local_host = ""  # discovery is not asked by WebSocket
        self.frames: JsonFrames | None = None  # of JSON
        self.decoder: Decoder | None = None  # of PDUs
        self.read: deque[Pdu] = deque()  # of JSON, in the order of its frames
        self.is_deaf = False  # what still comes in is thrown away
        self._send = send
        self._flow = flow
        self._loop = asyncio.get_running_loop()
        self._waiting: list[Frame] = []  # PDUs as bytes, frames that are ready as text
        self._unread_bytes = 0
        self._long_parts = 0
        self._writer: asyncio.Task[None] | None = None
        self._close_code: int | None = None
        self._is_over = False

    # --- the session's side -------------------------------------------------------------------

    def take(self) -> Pdu | None:
        """Return the next PDU that has come; a broken one closes the connection instead."""
        if self.is_deaf:
            return None
        if self.decoder is None:
            return self.read.popleft() if self.read else None
        try:
            return self.decoder.take()
        except FramingError as exc:
            peer_log.info(address_of(self.peer), "closing %s: %s", self.peer, exc)
            self.close(code=POLICY)
            return None

    def send(self, data: Frame) -> None:
        """Queue encoded PDUs, or the text of a frame.  Who leaves too much unread is cut off."""
        if self._is_over or self._close_code is not None or not data:  # a shared list may be empty
            return
        self._waiting.append(data)
        if len(data) > LONG_BYTES:
            self._long_parts += 1
        else:
            self._unread_bytes += len(data)
        if self._unread_bytes > settings.IM_OUTBOX_BYTES or self._long_parts > MAX_LONG_PARTS:
            peer_log.warning(address_of(self.peer), "cutting off %s: it does not read", self.peer)
            self._flow.cut_off()
            self.end()
        elif self._writer is None:
            self._writer = self._loop.create_task(self._write())

    def send_shared(self, pieces: Sequence[bytes | memoryview]) -> None:
        """Queue the pieces of PDUs, heads and parts of a list in turn."""
        for piece in pieces:
            self.send(bytes(piece))

    def refuse(self, command_id: int, seq: int, why: str) -> None:
        """Tell a client that speaks JSON why a command was not done."""
        if self.frames is not None:
            self.send(error_frame(seq, why, command_id))

    def pause(self, is_paused: bool) -> None:
        """Stop or go on reading."""
        if not self.is_deaf:
            self._flow.pause_reading(is_paused)

    def close(self, *, grace_s: float = 0, code: int = NORMAL) -> None:
        """Take nothing more in; close when everything is written and the grace is over."""
        if self.is_deaf:
            return
        self._flow.pause_reading(False)  # or the client's own end would go unnoticed
        self.is_deaf = True
        self._loop.call_later(grace_s, self._shut, code)

    def end(self) -> None:
        """Forget what waits: the connection is gone."""
        self.is_deaf = self._is_over = True
        self._waiting.clear()
        self.read.clear()
        if self.decoder is not None:
            self.decoder.clear()
        if self._writer is not None:
            self._writer.cancel()

    # --- inside -------------------------------------------------------------------------------

    def _shut(self, code: int) -> None:
        if self._is_over:
            return
        self._close_code = code
        if self._writer is None:
            self._writer = self._loop.create_task(self._write())

    async def _write(self) -> None:
        """Write what waits: each PDU as a message, for clients read one PDU of each."""
        try:
            while self._waiting:
                parts, self._waiting = self._waiting, []
                await self._put(self._flow.write(await self._framed(parts)))
                long = [part for part in parts if len(part) > LONG_BYTES]
                self._long_parts -= len(long)
                self._unread_bytes -= sum(map(len, parts)) - sum(map(len, long))
            if self._close_code is not None:
                self._is_over = True
                await self._put(self._send({"type": "websocket.close", "code": self._close_code}))
        except Exception as exc:  # noqa: BLE001  # a bug of ours, and logged as one
            peer_log.error(
                address_of(self.peer), "%s is cut off by a fault of ours", self.peer, exc_info=exc
            )
            self._flow.cut_off()
            self.end()
        finally:
            self._writer = None

    async def _put(self, sending: Awaitable[None]) -> None:
        try:
            await sending
        except Exception as exc:  # noqa: BLE001  # servers differ in what they raise when it is gone
            peer_log.info(address_of(self.peer), "%s can't be written to: %r", self.peer, exc)

    async def _framed(self, parts: Sequence[Frame]) -> list[Frame]:
        """Return the messages: one for each PDU."""
        frames = self.frames
        made: list[Frame] = []
        pieces: list[bytes] = []  # of one PDU
        for part in parts:
            if isinstance(part, str):
                made.append(part)
                continue
            pieces.append(part)
            if _is_whole(pieces):
                made += cut(b"".join(pieces)) if frames is None else await _texts(frames, pieces)
                pieces = []
        return made


def _is_whole(pieces: list[bytes]) -> bool:
    """Tell whether these are whole PDUs: a shared list comes behind its head, as another piece."""
    return len(pieces) > 1 or int.from_bytes(pieces[0][:LENGTH_FIELD], "big") <= len(pieces[0])


_kept: OrderedDict[bytes, list[Frame]] = OrderedDict()
_lists = SharedLists()


async def _texts(frames: JsonFrames, pieces: list[bytes]) -> list[Frame]:
    """Return the frames of whole PDUs, or of one in a head and a shared list."""
    if len(pieces) == 2 and len(pieces[1]) > LONG_BYTES:
        head = _head(pieces[0])
        return [frames.write_around(head, await _lists.text(frames, head.command_id, pieces[1]))]
    data = pieces[0] if len(pieces) == 1 else b"".join(pieces)
    if len(data) > LONG_BYTES:
        return await asyncio.to_thread(_convert, frames, data)
    if any(data[SEQ]):  # an answer, which nobody else gets
        return _convert(frames, data)
    made = _kept.get(data)
    if made is None:
        made = _kept[data] = _convert(frames, data)
        if len(_kept) > KEPT_FRAMES:
            _kept.popitem(last=False)
    return made


def _head(data: bytes) -> Pdu:
    """Return a PDU whose length counts what comes apart."""
    *_, command_id, seq, _ = HEADER.unpack_from(data)
    return Pdu(command_id, data[HEADER_LENGTH:], seq)


def _convert(frames: JsonFrames, data: bytes) -> list[Frame]:
    return [frames.write(pdu) for pdu in Decoder(_NO_LIMIT).feed(data)]
