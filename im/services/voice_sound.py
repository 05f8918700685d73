"""Voice messages as browsers play them: the clients' Ogg/Speex, which none knows, made into WAV."""

import io
import wave

import av
from av.error import FFmpegError

from im.models import IMAudio
from im.services import small_files

MOST_SECONDS = 600  # clients record a minute; a file may claim anything
_SAMPLE_BYTES = 2


def wav(voice_id: int) -> bytes | None:
    """Return the sound of a voice message; None where it is not here, or no sound."""
    row = IMAudio.objects.filter(pk=voice_id).first()
    sound = small_files.read(row.path or "") if row else None
    return to_wav(sound) if sound else None


def to_wav(speex: bytes) -> bytes | None:
    """Return Ogg/Speex as WAV, 16 bit, one channel; None for what is something else."""
    try:
        with av.open(io.BytesIO(speex), format="ogg") as container:
            streams = [one for one in container.streams.audio if one.codec_context.name == "speex"]
            if not streams:
                return None
            return _written(container, streams[0])
    except (FFmpegError, ValueError):  # whatever somebody sent as voice
        return None


def _written(container, stream) -> bytes | None:  # type: ignore[no-untyped-def]  # av's own
    rate = stream.codec_context.sample_rate
    resampler = av.AudioResampler(format="s16", layout="mono", rate=rate)
    out = io.BytesIO()
    room = rate * MOST_SECONDS
    with wave.open(out, "wb") as target:
        target.setnchannels(1)
        target.setsampwidth(_SAMPLE_BYTES)
        target.setframerate(rate)
        for frame in container.decode(stream):
            for piece in resampler.resample(frame):
                room -= piece.samples
                if room < 0:
                    return out.getvalue() if target.getnframes() else None
                target.writeframesraw(bytes(piece.planes[0])[: piece.samples * _SAMPLE_BYTES])
        has_sound = target.getnframes() > 0
    return out.getvalue() if has_sound else None
