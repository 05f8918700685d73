"""The decoder: the same PDUs however the stream is cut, and nothing after a bad length."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from im.errors import ProtocolError
from im.wire.pdu import HEADER_LENGTH, Decoder, FramingError, Pdu, encode_pdu

MAX_LENGTH = 400

uint16 = st.integers(0, 0xFFFF)
pdus = st.lists(
    st.builds(
        Pdu,
        command_id=uint16,
        body=st.binary(max_size=MAX_LENGTH - HEADER_LENGTH),
        seq=uint16,
        service_id=uint16,
        version=uint16,
        flag=uint16,
        reserved=uint16,
    ),
    max_size=8,
)
bad_lengths = st.integers(0, HEADER_LENGTH - 1) | st.integers(MAX_LENGTH + 1, 0xFFFFFFFF)


def stream_of(units: list[Pdu]) -> bytes:
    return b"".join(unit.encode() for unit in units)


def cut(stream: bytes, places: list[int]) -> list[bytes]:
    edges = sorted({0, len(stream), *(place % (len(stream) + 1) for place in places)})
    return [stream[start:end] for start, end in itertools.pairwise(edges)]


def fed(decoder: Decoder, chunks: list[bytes]) -> list[Pdu]:
    return [unit for chunk in chunks for unit in decoder.feed(chunk)]


def fed_until_broken(decoder: Decoder, chunks: list[bytes]) -> tuple[list[Pdu], int]:
    """Return the PDUs before the bad length, and how many bytes it took to notice."""
    complete: list[Pdu] = []
    eaten = 0
    for chunk in chunks:
        eaten += len(chunk)
        try:
            complete += decoder.feed(chunk)
        except FramingError as error:
            return complete + error.pdus, eaten
    raise AssertionError("the bad length went unnoticed")


def bytewise(stream: bytes) -> list[bytes]:
    return [stream[i : i + 1] for i in range(len(stream))]


@given(units=pdus)
def test_a_stream_decodes_whole(units: list[Pdu]) -> None:
    assert Decoder(MAX_LENGTH).feed(stream_of(units)) == units


@given(units=pdus)
def test_a_stream_decodes_byte_by_byte(units: list[Pdu]) -> None:
    assert fed(Decoder(MAX_LENGTH), bytewise(stream_of(units))) == units


@given(units=pdus, places=st.lists(st.integers(0, 10_000), max_size=20))
def test_a_stream_decodes_wherever_it_is_cut(units: list[Pdu], places: list[int]) -> None:
    assert fed(Decoder(MAX_LENGTH), cut(stream_of(units), places)) == units


@given(units=pdus, last=pdus.filter(bool), missing=st.integers(1, HEADER_LENGTH))
def test_an_incomplete_pdu_waits_for_its_end(
    units: list[Pdu], last: list[Pdu], missing: int
) -> None:
    decoder = Decoder(MAX_LENGTH)
    stream, tail = stream_of(units), last[0].encode()

    before = decoder.feed(stream + tail[:-missing])
    after = decoder.feed(tail[-missing:])

    assert (before, after) == (units, last[:1])


@given(units=pdus, length=bad_lengths, trailing=st.binary(max_size=60))
def test_a_bad_length_loses_no_pdu_before_it(
    units: list[Pdu], length: int, trailing: bytes
) -> None:
    stream = stream_of(units) + length.to_bytes(4, "big") + trailing

    with pytest.raises(FramingError) as caught:
        Decoder(MAX_LENGTH).feed(stream)

    assert caught.value.pdus == units
    assert caught.value.length == length


@given(units=pdus, length=bad_lengths, places=st.lists(st.integers(0, 10_000), max_size=20))
def test_a_bad_length_loses_no_pdu_wherever_the_stream_is_cut(
    units: list[Pdu], length: int, places: list[int]
) -> None:
    stream = stream_of(units) + length.to_bytes(4, "big")

    complete, _ = fed_until_broken(Decoder(MAX_LENGTH), cut(stream, places))

    assert complete == units


@given(units=pdus, length=bad_lengths)
def test_a_bad_length_is_noticed_with_its_fourth_byte(units: list[Pdu], length: int) -> None:
    stream = stream_of(units)

    _, eaten = fed_until_broken(
        Decoder(MAX_LENGTH), bytewise(stream + length.to_bytes(4, "big") + bytes(100))
    )

    assert eaten == len(stream) + 4


def test_a_broken_decoder_stays_broken() -> None:
    decoder = Decoder(MAX_LENGTH)
    good = encode_pdu(0x0701, b"")
    with pytest.raises(FramingError):
        decoder.feed(good + bytes(4))

    with pytest.raises(ProtocolError) as caught:
        decoder.feed(good)

    assert isinstance(caught.value, FramingError)
    assert caught.value.pdus == []


@pytest.mark.parametrize("length", [HEADER_LENGTH, MAX_LENGTH])
def test_the_limits_themselves_are_allowed(length: int) -> None:
    unit = Pdu(0x0301, bytes(length - HEADER_LENGTH))

    assert Decoder(MAX_LENGTH).feed(unit.encode()) == [unit]


@pytest.mark.parametrize("length", [0, 1, HEADER_LENGTH - 1, MAX_LENGTH + 1, 0xFFFFFFFF])
def test_lengths_beyond_the_limits_are_refused(length: int) -> None:
    with pytest.raises(FramingError):
        Decoder(MAX_LENGTH).feed(length.to_bytes(4, "big") + bytes(MAX_LENGTH))


def test_feeding_nothing_changes_nothing() -> None:
    decoder = Decoder(MAX_LENGTH)
    stream = encode_pdu(0x0301, b"hello", seq=7)

    before = decoder.feed(b"") + decoder.feed(stream[:9]) + decoder.feed(b"")

    assert before == []
    assert decoder.feed(stream[9:]) == [Pdu(0x0301, b"hello", seq=7)]


def test_bodies_are_bytes_of_their_own_however_they_arrive() -> None:
    decoder = Decoder(MAX_LENGTH)
    stream = encode_pdu(0x0301, b"hello")

    whole = decoder.feed(stream)
    pieces = fed(decoder, bytewise(stream))

    assert [type(unit.body) for unit in whole + pieces] == [bytes, bytes]


def test_the_fast_path_equals_a_pdu_with_defaults() -> None:
    assert encode_pdu(0x0302, b"body", seq=9) == Pdu(0x0302, b"body", seq=9).encode()


def test_the_service_id_is_the_high_byte_of_the_command_id() -> None:
    assert Pdu(0x020C).service_id == 2


def test_a_foreign_service_id_is_kept() -> None:
    assert Pdu(0x020C, service_id=0).service_id == 0


def test_the_repr_of_a_pdu_hides_the_body() -> None:
    assert repr(Pdu(0x0103, b"secret", seq=4)) == "<Pdu 0x0103 seq=4 length=22>"
