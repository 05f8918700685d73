"""Voice as browsers can play it."""

import subprocess
import sys
from threading import BoundedSemaphore

from im.errors import Overloaded, Refused

TIMEOUT_S = 10
AT_ONCE = 2  # programs of a few tenths of a second
WAIT_S = 5

_turns = BoundedSemaphore(AT_ONCE)


def to_wav(sound: bytes) -> bytes:
    """Return what clients record (Ogg with Speex) as WAV.  Call it in a thread.

    Raises Refused for what can't be played, Overloaded when too many ask at once.
    """
    if not sound.startswith(b"OggS"):
        raise Refused("this is no Ogg")
    if not _turns.acquire(timeout=WAIT_S):
        raise Overloaded("other voice messages are being converted")
    try:
        done = subprocess.run(
            [sys.executable, "-m", "im.services.speex_to_wav"],
            input=sound,
            capture_output=True,
            timeout=TIMEOUT_S,
            check=True,
        )
    except (subprocess.SubprocessError, OSError) as exc:
        raise Refused("this can't be played") from exc
    finally:
        _turns.release()
    return done.stdout
