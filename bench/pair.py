"""Two people who talk, and one who logs in again and again: what they notice of others."""

import asyncio
import contextlib
import time
from dataclasses import dataclass, field

from im.wire.proto import message_pb2
from tests.client import Client

TALKERS = (1, 2)
LATECOMER = 3  # logs in again and again
PAIR_RATE = 20.0  # messages a second: what one connection may send
LOGIN_PAUSE_S = 0.25


def name(number: int) -> str:
    return f"u{number:05d}"


@dataclass
class Noticed:
    """What normal people noticed, in seconds, and what became of what they said."""

    heard: list[float] = field(default_factory=list)
    logins: list[float] = field(default_factory=list)
    lost: int = 0


async def talk(port: int, seconds: float) -> Noticed:
    """Let the pair talk and somebody log in again and again."""
    noticed = Noticed()
    async with await Client.connect(port) as ada, await Client.connect(port) as bob:
        await ada.log_in(name(TALKERS[0]))
        await bob.log_in(name(TALKERS[1]))
        said: dict[bytes, float] = {}
        end = time.monotonic() + seconds

        async def speak() -> None:
            count = 0
            while time.monotonic() < end:
                text = f"{count:06d}".encode()
                said[text] = time.monotonic()
                ada.say(bob.user_id, text)
                count += 1
                await asyncio.sleep(1 / PAIR_RATE)

        async def hear() -> None:
            with contextlib.suppress(TimeoutError):
                while time.monotonic() < end or said:
                    told = await bob.receive(message_pb2.IMMsgData, timeout_s=10)
                    noticed.heard.append(time.monotonic() - said.pop(told.msg_data))

        async def come() -> None:
            while time.monotonic() < end:
                began = time.monotonic()
                async with await Client.connect(port) as late:
                    await late.log_in(name(LATECOMER))
                noticed.logins.append(time.monotonic() - began)
                await asyncio.sleep(LOGIN_PAUSE_S)

        await asyncio.gather(speak(), hear(), come())
        noticed.lost = len(said)
    return noticed


def percentile(seconds: list[float], percent: int) -> float:
    """Return the value that so many percent do not exceed; infinity if there is none."""
    ordered = sorted(seconds)
    return ordered[len(ordered) * percent // 100] if ordered else float("inf")


def percentiles(seconds: list[float]) -> str:
    """Return p50 / p99 / largest in milliseconds."""
    ordered = sorted(seconds)
    places = (len(ordered) // 2, int(len(ordered) * 0.99), len(ordered) - 1)
    return " / ".join(f"{ordered[place] * 1000:.1f}" for place in places) if ordered else "–"
