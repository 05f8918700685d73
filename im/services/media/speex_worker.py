"""A program: Ogg with Speex, Opus or Vorbis on standard input, sound on standard output.

The sound comes from anybody and the decoder is a large one, so it runs on its own, within limits,
and ends after each.  What comes out is a line with its rate, then samples: 16 bit, mono.  How much
that is does not depend on what the file says of itself: it is converted to one of two rates, and
cut off after MAX_SECONDS.
"""

import io
import os
import resource
import sys
from collections.abc import Iterator

import av

CPU_S = 3  # a minute takes 0.15
MEMORY_BYTES = 512 * 1024 * 1024  # of addresses; a minute takes 120 MB
NICE = 10  # whoever sends and reads messages goes first
MAX_SECONDS = 180  # clients record 60
NARROW, WIDE = 8_000, 16_000  # the clients' rate, and one for whatever has more
CLAIMED_RATES = range(6_000, 192_001)
CODECS = ("speex", "opus", "vorbis")
SAMPLE_BYTES = 2
MAX_BYTES = MAX_SECONDS * WIDE * SAMPLE_BYTES


def main() -> int:
    """Convert as much as can be; end with status 1 if that is nothing."""
    _limit()
    sound = sys.stdin.buffer.read()
    pieces = 0
    try:
        for piece in converted(sound):
            sys.stdout.buffer.write(piece)
            pieces += 1
    except (av.error.FFmpegError, ValueError, IndexError, MemoryError):
        return int(pieces < 2)  # the first is the rate
    return 0


def _limit() -> None:
    """Give up what the decoder does not need, before it sees anything."""
    for what, most in (
        (resource.RLIMIT_CPU, CPU_S),
        (resource.RLIMIT_AS, MEMORY_BYTES),
        (resource.RLIMIT_FSIZE, MAX_BYTES + 16),
        (resource.RLIMIT_NOFILE, 16),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (most, most))
    os.nice(NICE)


def converted(sound: bytes) -> Iterator[bytes]:
    """Yield the rate as a line, then samples.  Raises ValueError and FFmpegError for no sound."""
    with av.open(io.BytesIO(sound), "r", format="ogg") as container:
        stream = container.streams.audio[0]
        if stream.codec_context.name not in CODECS:
            raise ValueError(stream.codec_context.name)
        claimed = stream.codec_context.sample_rate
        if claimed not in CLAIMED_RATES:
            raise ValueError(f"{claimed} Hz")
        rate = NARROW if claimed <= NARROW else WIDE
        resampler = av.AudioResampler(format="s16", layout="mono", rate=rate)
        room = MAX_SECONDS * rate
        yield b"%d\n" % rate
        for frame in container.decode(stream):
            for part in resampler.resample(frame):
                samples = min(part.samples, room)
                yield bytes(part.planes[0])[: samples * SAMPLE_BYTES]
                room -= samples
                if not room:
                    return


if __name__ == "__main__":
    sys.exit(main())
