"""A program: Ogg with Speex, Opus or Vorbis on standard input, WAV on standard output.

Browsers play no Speex, which is what the clients record.  The sound comes from anybody and the
decoder is a large one, so it runs on its own, with limits, and ends after each.
"""

import io
import resource
import sys
import wave

import av

CPU_S = 5
MEMORY_BYTES = 1024 * 1024 * 1024
MAX_SECONDS = 180  # clients record 60
CODECS = ("speex", "opus", "vorbis")
SAMPLE_BYTES = 2


def main() -> int:
    """Convert, or end with status 1 and nothing written."""
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_NOFILE, (16, 16))
    try:
        sys.stdout.buffer.write(convert(sys.stdin.buffer.read()))
    except (av.error.FFmpegError, ValueError, IndexError):
        return 1
    return 0


def convert(sound: bytes) -> bytes:
    """Return a sound as WAV, mono.  Raises ValueError and FFmpegError for what is none."""
    with av.open(io.BytesIO(sound), "r", format="ogg") as container:
        stream = container.streams.audio[0]
        if stream.codec_context.name not in CODECS:
            raise ValueError(stream.codec_context.name)
        rate = stream.codec_context.sample_rate
        resampler = av.AudioResampler(format="s16", layout="mono", rate=rate)
        samples = bytearray()
        for frame in container.decode(stream):
            for part in resampler.resample(frame):
                samples += bytes(part.planes[0])[: part.samples * SAMPLE_BYTES]
            if len(samples) > MAX_SECONDS * rate * SAMPLE_BYTES:
                break
    if not samples:
        raise ValueError("no sound")
    made = io.BytesIO()
    with wave.open(made, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(SAMPLE_BYTES)
        file.setframerate(rate)
        file.writeframes(bytes(samples))
    return made.getvalue()


if __name__ == "__main__":
    sys.exit(main())
