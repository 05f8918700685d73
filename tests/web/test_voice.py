"""Voice on the web: the clients' Speex comes back as something that browsers play.

tone.spx is a second of 440 Hz as clients record it: `speexenc -n --vbr --quality 4`.
"""

import io
import wave
from pathlib import Path

import pytest

from tests.people import People
from tests.web.conftest import Sockets

SPEEX = Path(__file__).with_name("tone.spx").read_bytes()


async def test_speex_becomes_wav(sockets: Sockets, people: People) -> None:
    [ada] = people(1)
    browser = sockets.browser()
    await browser.post("login", name=ada.name, password="pass")

    answer = await browser.send("voice", SPEEX)

    with wave.open(io.BytesIO(answer.body)) as sound:
        assert (sound.getnchannels(), sound.getframerate()) == (1, 8000)
        assert 0.9 < sound.getnframes() / 8000 < 1.2
        assert any(sound.readframes(4000))


@pytest.mark.parametrize("sound", [b"", b"no sound", b"OggS" + b"\0" * 100, SPEEX[:60]], ids=str)
async def test_what_is_no_sound_is_refused(sockets: Sockets, people: People, sound: bytes) -> None:
    [ada] = people(1)
    browser = sockets.browser()
    await browser.post("login", name=ada.name, password="pass")

    assert (await browser.send("voice", sound)).status == 422


async def test_strangers_convert_nothing(sockets: Sockets) -> None:
    assert (await sockets.browser().send("voice", SPEEX)).status == 403
