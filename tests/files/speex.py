"""Ogg/Speex as phones record it, made by hand: the frames are noise, which decodes like speech."""

import random
import struct

RATE = 8000
FRAME_SAMPLES = 160
FRAME_BYTES = 20  # of mode 3, 8 kbit/s


def speex(frames: int) -> bytes:
    """Return a file of so many frames, 20 ms each."""
    head = struct.pack(
        "<8s20s13i",
        b"Speex   ", b"1.2", 1, 80, RATE, 0, 4, 1, -1, FRAME_SAMPLES, 0, 1, 0, 0, 0,
    )  # fmt: skip
    comment = struct.pack("<i4si", 4, b"test", 0)
    chance = random.Random(1)
    packets = [_frame(chance) for _ in range(frames)]
    pages = [_page(0, 2, 0, [head]), _page(1, 0, 0, [comment])]
    for number, start in enumerate(range(0, frames, 50), start=2):
        chunk = packets[start : start + 50]
        at = (start + len(chunk)) * FRAME_SAMPLES
        pages.append(_page(number, 4 if start + 50 >= frames else 0, at, chunk))
    return b"".join(pages)


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
        total ^= byte << 24
        for _ in range(8):
            total = (total << 1) ^ (0x04C11DB7 if total & 0x80000000 else 0)
    return total & 0xFFFFFFFF
