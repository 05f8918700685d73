"""What the decoder may cost: work linear in the bytes, memory bounded by the longest PDU."""

import tracemalloc

from im.wire.pdu import HEADER_LENGTH, Decoder, Pdu, encode_pdu

MEBIBYTE = 1 << 20


class CountingDecoder(Decoder):
    """Counts the bytes that are looked at as a candidate for whole PDUs."""

    __slots__ = ("looked_at",)

    def __init__(self, max_length: int) -> None:
        super().__init__(max_length)
        self.looked_at = 0

    def take(self) -> Pdu | None:
        self.looked_at += len(self._chunk)
        return super().take()


def test_a_large_pdu_fed_byte_by_byte_is_looked_at_once() -> None:
    decoder = CountingDecoder(MEBIBYTE)
    stream = encode_pdu(0x0505, bytes(200_000))

    pdus = [pdu for i in range(len(stream)) for pdu in decoder.feed(stream[i : i + 1])]

    assert len(pdus) == 1
    assert decoder.looked_at < len(stream) + HEADER_LENGTH  # its beginning more than once


def test_an_announced_length_allocates_nothing() -> None:
    decoder = Decoder(64 * MEBIBYTE)
    header = (64 * MEBIBYTE).to_bytes(4, "big") + bytes(12)

    tracemalloc.start()
    decoder.feed(header)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak_bytes < 10_000


def test_many_tiny_chunks_cost_no_more_memory_than_their_bytes() -> None:
    decoder = Decoder(MEBIBYTE)
    stream = encode_pdu(0x0505, bytes(200_000))[:-1]

    tracemalloc.start()
    for i in range(0, len(stream), 2):
        decoder.feed(stream[i : i + 2])
    held_bytes, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert held_bytes < 2 * len(stream)


def test_what_nobody_will_take_is_not_kept() -> None:
    decoder = Decoder(MEBIBYTE)

    tracemalloc.start()
    decoder.push(bytes(encode_pdu(0x0505, bytes(100))) * 5_000)
    decoder.take()
    decoder.clear()
    held_bytes, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert held_bytes < 1_000
    assert decoder.take() is None
