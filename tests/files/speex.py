"""Ogg/Speex as phones record it, made by hand: the frames are noise, which decodes like speech."""

import random
import struct
from functools import cache

RATE = 8000
FRAME_SAMPLES = 160
FRAME_BYTES = 20  # of mode 3, 8 kbit/s


def speex(
    frames: int,
    *,
    rate: int = RATE,
    channels: int = 1,
    frames_per_packet: int = 1,
    is_silent: bool = False,
) -> bytes:
    """Return a file of so many frames, 20 ms each, which claims to be of this rate and so on.

    A frame of silence takes a byte.
    """
    head = struct.pack(
        "<8s20s13i",
        b"Speex   ", b"1.2", 1, 80, rate, 0, 4, channels, -1, FRAME_SAMPLES, 0,
        frames_per_packet, 0, 0, 0,
    )  # fmt: skip
    comment = struct.pack("<i4si", 4, b"test", 0)
    return b"".join([_page(0, 2, 0, [head]), _page(1, 0, 0, [comment]), *_pages(frames, is_silent)])


@cache
def _pages(frames: int, is_silent: bool) -> list[bytes]:
    chance = random.Random(1)
    packets = [b"\0" if is_silent else _frame(chance) for _ in range(frames)]
    per_page = 250 if is_silent else 50
    pages = []
    for number, start in enumerate(range(0, frames, per_page), start=2):
        chunk = packets[start : start + per_page]
        at = (start + len(chunk)) * FRAME_SAMPLES
        pages.append(_page(number, 4 if start + per_page >= frames else 0, at, chunk))
    return pages


def _frame(chance: random.Random) -> bytes:
    """Return a narrowband frame: a zero bit, the mode (3), then what is random."""
    return bytes([0b00011000 | chance.randrange(8), *chance.randbytes(FRAME_BYTES - 1)])


def _page(number: int, kind: int, position: int, packets: list[bytes]) -> bytes:
    sizes = b"".join(b"\xff" * (len(one) // 255) + bytes([len(one) % 255]) for one in packets)
    head = struct.pack("<4sBBqiiI", b"OggS", 0, kind, position, 7, number, 0)
    page = head + bytes([len(sizes)]) + sizes + b"".join(packets)
    return page[:22] + struct.pack("<I", _checksum(page)) + page[26:]


def _checksum(page: bytes) -> int:
    total = 0
    for byte in page:
        total = (total << 8 & 0xFFFFFFFF) ^ _TABLE[total >> 24 ^ byte]
    return total


def _remainder(byte: int) -> int:
    rest = byte << 24
    for _ in range(8):
        rest = (rest << 1) ^ (0x04C11DB7 if rest & 0x80000000 else 0)
    return rest & 0xFFFFFFFF


_TABLE = [_remainder(byte) for byte in range(256)]
