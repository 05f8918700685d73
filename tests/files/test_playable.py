"""Voice for browsers: what phones record becomes WAV, what is no voice does no harm."""

import io
import random
import wave
from collections.abc import Iterator
from concurrent.futures import Future
from threading import Event

import pytest
from pytest_django.fixtures import Settings

from im.errors import Overloaded, Refused
from im.models import IMAudio
from im.services.media import small_files
from im.services.media.speex_worker import MAX_BYTES, MAX_SECONDS, WIDE
from im.services.media.transcoding import AT_ONCE, PER_CALLER, WAIT_S, WAITING, Converter, convert
from im.services.messages import voice
from tests.files.speex import FRAME_SAMPLES, RATE, speex

ADA, BOB = "ada", "bob"
VOICE = speex(100)


# --- the program ------------------------------------------------------------------------------


def test_speex_becomes_wav_of_the_same_length() -> None:
    with wave.open(io.BytesIO(convert(VOICE))) as played:
        assert (played.getframerate(), played.getnchannels(), played.getsampwidth()) == (RATE, 1, 2)
        assert abs(played.getnframes() - 100 * FRAME_SAMPLES) <= 2 * FRAME_SAMPLES


def _claiming(rate: int = RATE, channels: int = 1, frames_per_packet: int = 1) -> bytes:
    # 400 kB: 400 seconds
    return speex(20_000, rate=rate, channels=channels, frames_per_packet=frames_per_packet)


def _silence(rate: int = RATE) -> bytes:
    return speex(200_000, rate=rate, is_silent=True)  # 400 kB: more than an hour


@pytest.mark.parametrize(
    "sound",
    [
        pytest.param(_claiming(), id="too many seconds"),
        pytest.param(_silence(), id="an hour of silence"),
        pytest.param(_silence(rate=100_000), id="an hour of silence, said to be short"),
        pytest.param(_claiming(rate=48_000), id="a rate of three times as many"),
        pytest.param(_claiming(rate=192_000), id="the highest rate"),
        pytest.param(_claiming(rate=192_001), id="a rate beyond it"),
        pytest.param(_claiming(rate=4_000_000_000 - (1 << 32)), id="4 GHz"),
        pytest.param(_claiming(rate=(1 << 31) - 1), id="2 GHz"),
        pytest.param(_claiming(rate=1), id="a rate of 1"),
        pytest.param(_claiming(rate=0), id="no rate"),
        pytest.param(_claiming(channels=2), id="two channels"),
        pytest.param(_claiming(channels=(1 << 31) - 1), id="more channels than ears"),
        pytest.param(_claiming(channels=0), id="no channel"),
        pytest.param(_claiming(frames_per_packet=(1 << 31) - 1), id="endless packets"),
        pytest.param(_claiming(frames_per_packet=-1), id="fewer frames than none"),
    ],
)
def test_whatever_a_file_claims_no_more_comes_out_than_is_allowed(sound: bytes) -> None:
    try:
        made = convert(sound)
    except Refused:
        return

    assert len(made) <= MAX_BYTES + 44  # the header
    with wave.open(io.BytesIO(made)) as played:
        assert played.getframerate() in (RATE, WIDE)
        assert played.getnframes() <= MAX_SECONDS * played.getframerate()


@pytest.mark.parametrize(
    "sound",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"noise", id="noise"),
        pytest.param(b"OggS" + bytes(60), id="a name and zeros"),
        pytest.param(b"OggS" * 100_000, id="names without end"),
        pytest.param(speex(10)[:90], id="half a header"),
        pytest.param(speex(0), id="no frames"),
        pytest.param(b"RIFF" + VOICE[4:], id="another name"),
    ],
)
def test_what_is_no_voice_is_refused(sound: bytes) -> None:
    with pytest.raises(Refused):
        convert(sound)


def test_half_a_voice_is_played_as_far_as_it_goes() -> None:
    with wave.open(io.BytesIO(convert(VOICE[: len(VOICE) * 2 // 3]))) as played:
        assert 40 * FRAME_SAMPLES < played.getnframes() <= 100 * FRAME_SAMPLES


@pytest.mark.parametrize("seed", range(4))
def test_damaged_voice_is_played_or_refused(seed: int) -> None:
    chance = random.Random(seed)
    damaged = bytearray(VOICE)
    for _ in range(40):
        damaged[chance.randrange(28, len(damaged))] = chance.randrange(256)

    try:
        made = convert(bytes(damaged))
    except Refused:
        return

    assert made.startswith(b"RIFF")


def test_what_is_longer_than_voice_may_be_is_not_looked_at(settings: Settings) -> None:
    settings.IM_VOICE_BYTES = len(VOICE) - 1

    with pytest.raises(Refused):
        convert(VOICE)


# --- who waits for it -------------------------------------------------------------------------


class Workshop:
    """A converter whose work waits until it is told to go on."""

    def __init__(self) -> None:
        self.go_on = Event()
        self.done: list[bytes] = []
        self.now = 0.0
        self.converter = Converter(self._convert, kept_bytes=100, clock=lambda: self.now)

    def _convert(self, sound: bytes) -> bytes:
        self.go_on.wait()
        self.done.append(sound)
        if sound == b"bad":
            raise Refused("bad")
        return b"wav of " + sound

    def fill(self) -> list[Future[bytes]]:
        """Let as many ask as may."""
        return [
            self.converter.submit(b"%d" % number, f"caller {number}")
            for number in range(AT_ONCE + WAITING)
        ]


@pytest.fixture
def workshop() -> Iterator[Workshop]:
    workshop = Workshop()
    yield workshop
    workshop.go_on.set()


def test_what_many_play_is_converted_once(workshop: Workshop) -> None:
    asked = [workshop.converter.submit(b"voice", f"caller {number}") for number in range(100)]
    workshop.go_on.set()

    assert {future.result() for future in asked} == {b"wav of voice"}
    assert workshop.converter.submit(b"voice", ADA).result() == b"wav of voice"
    assert workshop.done == [b"voice"]


def test_what_is_refused_is_refused_to_all_and_not_kept(workshop: Workshop) -> None:
    workshop.go_on.set()

    for caller in (ADA, BOB):
        with pytest.raises(Refused):
            workshop.converter.submit(b"bad", caller).result()

    assert workshop.done == [b"bad", b"bad"]


def test_no_more_wait_than_a_bound(workshop: Workshop) -> None:
    asked = workshop.fill()

    with pytest.raises(Overloaded):
        workshop.converter.submit(b"one more", ADA)

    workshop.go_on.set()
    assert [future.result() for future in asked] == [b"wav of %d" % n for n in range(len(asked))]
    assert workshop.converter.submit(b"one more", ADA).result()


def test_one_caller_takes_not_all_places(workshop: Workshop) -> None:
    for number in range(PER_CALLER):
        workshop.converter.submit(b"%d" % number, ADA)

    with pytest.raises(Overloaded):
        workshop.converter.submit(b"one more", ADA)

    other = workshop.converter.submit(b"one more", BOB)
    workshop.go_on.set()
    assert other.result() == b"wav of one more"


def test_whoever_has_waited_too_long_is_told_so(workshop: Workshop) -> None:
    asked = workshop.fill()
    while not asked[AT_ONCE - 1].running():
        pass
    workshop.now += WAIT_S + 1
    workshop.go_on.set()

    waited = [future.exception() for future in asked]

    assert waited[:AT_ONCE] == [None] * AT_ONCE
    assert {type(error) for error in waited[AT_ONCE:]} == {Overloaded}


def test_no_more_is_kept_than_a_bound(workshop: Workshop) -> None:
    workshop.go_on.set()
    first = bytes(50)

    for sound in (first, b"x" * 50, first):
        workshop.converter.submit(sound, ADA).result()

    assert workshop.done == [first, b"x" * 50, first]


# --- of a message -----------------------------------------------------------------------------


@pytest.mark.django_db
def test_the_sound_of_a_message_is_found_by_its_row() -> None:
    path = small_files.store(VOICE, ".audio")
    row = IMAudio.objects.create(from_id=1, to_id=2, path=path, size=1, duration=1, created=1)

    assert voice.sound(row.pk) == VOICE
    assert voice.sound(row.pk + 1) is None
