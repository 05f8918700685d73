"""Voice for browsers: what phones record becomes WAV, what is no voice becomes nothing."""

import io
import wave

import pytest

from im.models import IMAudio
from im.services import small_files, voice_sound
from tests.files.speex import FRAME_SAMPLES, RATE, speex


def test_speex_becomes_wav_of_the_same_length() -> None:
    sound = voice_sound.to_wav(speex(100))

    assert sound is not None
    with wave.open(io.BytesIO(sound)) as played:
        assert (played.getframerate(), played.getnchannels(), played.getsampwidth()) == (RATE, 1, 2)
        assert abs(played.getnframes() - 100 * FRAME_SAMPLES) <= 2 * FRAME_SAMPLES


@pytest.mark.parametrize("sound", [b"", b"noise", b"OggS" + bytes(60), speex(10)[:90]])
def test_what_is_no_voice_is_nothing(sound: bytes) -> None:
    assert voice_sound.to_wav(sound) is None


def test_a_long_recording_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(voice_sound, "MOST_SECONDS", 1)

    sound = voice_sound.to_wav(speex(200))

    assert sound is not None
    with wave.open(io.BytesIO(sound)) as played:
        assert played.getnframes() <= RATE


@pytest.mark.django_db
def test_the_sound_of_a_message_is_found_by_its_row() -> None:
    path = small_files.store(speex(20), ".audio")
    row = IMAudio.objects.create(from_id=1, to_id=2, path=path, size=1, duration=1, created=1)

    assert (voice_sound.wav(row.pk) or b"")[:4] == b"RIFF"
    assert voice_sound.wav(row.pk + 1) is None
