"""Voice as browsers can play it: none knows the Speex that phones record.

Each sound is converted by a program of its own (`speex_worker`).  Few of them run at once, few
wait, and what many play, as in a group, is converted once.
"""

import io
import subprocess
import sys
import tempfile
import time
import wave
from collections import Counter, OrderedDict
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from hashlib import blake2b
from pathlib import Path
from threading import Lock

from django.conf import settings

from im.errors import Overloaded, Refused

PROGRAM = Path(__file__).with_name("speex_worker.py")
SAMPLE_BYTES = 2
TIMEOUT_S = 10.0
AT_ONCE = 2  # programs, of a few tenths of a second each
WAITING = 16
WAIT_S = 5.0
PER_CALLER = 2  # of one caller, running or waiting
KEPT_BYTES = 16 * 1024 * 1024  # a minute is 1 MB
_MAX_RATE_DIGITS = 6


class Converter:
    """Converts sounds with `convert` in threads of its own, and keeps what was made last."""

    def __init__(
        self,
        convert: Callable[[bytes], bytes],
        *,
        kept_bytes: int = KEPT_BYTES,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._convert = convert
        self._kept_bytes = kept_bytes
        self._clock = clock
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="voice")
        self._lock = Lock()
        self._asked: dict[bytes, Future[bytes]] = {}
        self._callers: Counter[str] = Counter()
        self._kept: OrderedDict[bytes, bytes] = OrderedDict()

    def submit(self, sound: bytes, caller: str) -> Future[bytes]:
        """Return what will be the sound as WAV, 16 bit, mono; others may wait for the same one.

        It raises Refused for what can't be played, Overloaded when its turn comes too late.  Raises
        Overloaded when too many wait, or too many of this caller's.
        """
        key = blake2b(sound, digest_size=20).digest()
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                ready: Future[bytes] = Future()
                ready.set_result(self._kept[key])
                return ready
            if key in self._asked:
                return self._asked[key]
            if len(self._asked) >= AT_ONCE + WAITING or self._callers[caller] >= PER_CALLER:
                raise Overloaded("other voice messages are being converted")
            future = self._threads.submit(self._work, key, sound, caller, self._clock() + WAIT_S)
            self._asked[key] = future
            self._callers[caller] += 1
        return future

    def _work(self, key: bytes, sound: bytes, caller: str, not_after: float) -> bytes:
        made = b""
        try:
            if self._clock() > not_after:
                raise Overloaded("other voice messages are being converted")
            made = self._convert(sound)
        finally:
            with self._lock:
                del self._asked[key]
                self._callers[caller] -= 1
                self._callers += Counter()  # forgets whoever has none
                self._keep(key, made)
        return made

    def _keep(self, key: bytes, made: bytes) -> None:
        if made:
            self._kept[key] = made
        while sum(map(len, self._kept.values())) > self._kept_bytes:
            self._kept.popitem(last=False)


def convert(sound: bytes) -> bytes:
    """Return Ogg with Speex as WAV, converted by the program; raises Refused for anything else."""
    if not sound.startswith(b"OggS") or len(sound) > settings.IM_VOICE_BYTES:
        raise Refused("this is no voice")
    with tempfile.TemporaryFile() as made:  # a file, for its length has a limit
        try:
            subprocess.run(
                [sys.executable, "-I", str(PROGRAM)],
                input=sound,
                stdout=made,
                stderr=subprocess.DEVNULL,
                cwd="/",
                env={},  # ours has secrets
                timeout=TIMEOUT_S,
                check=True,
            )
        except (subprocess.SubprocessError, OSError) as exc:
            raise Refused("this can't be played") from exc
        made.seek(0)
        rate = made.readline(_MAX_RATE_DIGITS)
        samples = made.read()
    if not samples:
        raise Refused("there is no sound in it")
    return _wav(int(rate), samples)


def _wav(rate: int, samples: bytes) -> bytes:
    made = io.BytesIO()
    with wave.open(made, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(SAMPLE_BYTES)
        file.setframerate(rate)
        file.writeframes(samples)
    return made.getvalue()


_converter = Converter(convert)


def submit(sound: bytes, caller: str) -> "Future[bytes]":
    """Return what will be the sound as WAV; see `Converter.submit`."""
    return _converter.submit(sound, caller)
