"""What two people who talk notice while others misbehave.

    .venv/bin/python -m bench.hostile                        # every attack, on SQLite
    .venv/bin/python -m bench.hostile --only "never log in" --seconds 30
    .venv/bin/python -m bench.hostile --database mysql://…   # an empty database of its own

Starts a server with the default settings (but LOG_LEVEL=WARNING), and for each attack prints a line
of a table: latency of messages between a pair that says 20 a second, from sending to hearing, and
of logins meanwhile; the server's CPU; its memory before, at its highest, and after.  Floods, of one
connection each (bench.floods), are compared with what the pair notices just before, without them.
The attacker is a process of its own on the same machine, so its own work is part of what the pair
notices.
"""

import argparse
import asyncio
import contextlib
import multiprocessing
import os
import random
import resource
import signal
import sys
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from bench.floods import FLOODS
from bench.pair import name, percentile, percentiles, talk
from im.wire.catalog import Command
from im.wire.pdu import HEADER, encode_pdu
from im.wire.proto import buddy_pb2, message_pb2
from tests.client import Client, Closed
from tests.conftest import ROOT, manage  # which sets Django up, apart from any operator's data
from tests.server import Server

PEOPLE = 2_000
ATTACKERS = range(1_001, 2_001)
RECOVERY_S = 3.0  # between the end of an attack and the last look at the memory

Attack = Callable[[int], Coroutine[Any, Any, None]]  # of the port; runs until it is killed
ATTACKS: dict[str, Attack] = {}


def attack(title: str) -> Callable[[Attack], Attack]:
    """Register an attack under the words it has in the table."""

    def register(run: Attack) -> Attack:
        ATTACKS[title] = run
        return run

    return register


async def in_parallel(count: int, run: Callable[[int], Awaitable[None]]) -> None:
    """Run `run(number)` so many times side by side, each again and again."""

    async def again(number: int) -> None:
        while True:
            try:
                await run(number)
            except (OSError, Closed, TimeoutError, asyncio.IncompleteReadError):
                await asyncio.sleep(0.01)

    await asyncio.gather(*(again(number) for number in range(count)))


@asynccontextmanager
async def connection(port: int) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield reader, writer
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


# --- without a login --------------------------------------------------------------------------


@attack("200 who write one byte at a time")
async def one_byte_writers(port: int) -> None:
    heartbeat = encode_pdu(Command.OTHER_HEARTBEAT, b"", seq=1)

    async def run(number: int) -> None:
        async with connection(port) as (_, writer):
            for byte in 1_000 * heartbeat:
                writer.write(bytes([byte]))
                await writer.drain()
                await asyncio.sleep(0)

    await in_parallel(200, run)


@attack("2,000 half frames, then silence")
async def half_frames(port: int) -> None:
    half = HEADER.pack(16_384, 1, 0, 1, Command.LOGIN_REQ_USERLOGIN, 0, 0) + bytes(8_000)

    async def run(number: int) -> None:
        async with connection(port) as (reader, writer):
            writer.write(half)
            await reader.read()

    await in_parallel(2_000, run)


@attack("200 who announce 4 GiB, again and again")
async def endless_frames(port: int) -> None:
    async def run(number: int) -> None:
        async with connection(port) as (reader, writer):
            writer.write(HEADER.pack(2**32 - 1, 1, 0, 7, Command.OTHER_HEARTBEAT, 0, 0))
            await reader.read()

    await in_parallel(200, run)


@attack("200 who send noise, again and again")
async def noise(port: int) -> None:
    async def run(number: int) -> None:
        async with connection(port) as (reader, writer):
            for byte in random.Random(number).randbytes(100):
                writer.write(bytes([byte]))
                await asyncio.sleep(0)
            await reader.read()

    await in_parallel(200, run)


@attack("10,000 connections that never log in")
async def strangers(port: int) -> None:
    gate = asyncio.Semaphore(500)  # or the backlog is full, and connecting takes seconds

    async def run(number: int) -> None:
        async with gate:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            await reader.read()
        finally:
            writer.close()

    await in_parallel(10_000, run)


@attack("50 who guess passwords")
async def guessers(port: int) -> None:
    async def run(number: int) -> None:
        async with await Client.connect(port) as client:
            await client.try_log_in(name(ATTACKERS[900 + number]), f"guess {random.random()}")

    await in_parallel(50, run)


# --- with a login -----------------------------------------------------------------------------


@attack("50 colleagues who send 100 kB texts and broken bodies")
async def rubbish(port: int) -> None:
    def text(number: int, content: bytes, msg_type: int = 1) -> bytes:
        peer = ATTACKERS[number] % 1_000
        body = message_pb2.IMMsgData(
            from_user_id=0, to_session_id=peer, msg_id=0, create_time=0, msg_type=1,
            msg_data=content,
        ).SerializeToString()  # fmt: skip
        if msg_type != 1:
            body = body.replace(b"\x28\x01", bytes((0x28, msg_type)), 1)
        return encode_pdu(Command.MSG_DATA, body, seq=1)

    async def run(number: int) -> None:
        async with await Client.connect(port) as client:
            await client.log_in(name(ATTACKERS[number]))
            pile = (
                text(number, 100_000 * b"x")
                + text(number, random.Random(number).randbytes(5_000))
                + text(number, b"'; DROP TABLE IMUser; --", msg_type=0x7F)
                + 50 * encode_pdu(Command.MSG_LIST_REQUEST, b"\xff\xff\xff", seq=1)
            )
            while True:
                client.send_bytes(pile)
                await client.flushed()

    await in_parallel(50, run)


@attack("20 colleagues who ask for the whole directory, again and again")
async def curious(port: int) -> None:
    async def run(number: int) -> None:
        async with await Client.connect(port) as client:
            await client.log_in(name(ATTACKERS[number]))
            while True:
                question = buddy_pb2.IMAllUserReq(user_id=0, latest_update_time=0)
                await client.call(question, buddy_pb2.IMAllUserRsp)
                await client.unread_counts()

    await in_parallel(20, run)


@attack("a reader who stops while 10,000 messages come")
async def deaf(port: int) -> None:
    senders = [await Client.connect(port) for _ in range(100)]
    for number, sender in enumerate(senders):
        await sender.log_in(name(ATTACKERS[number]))
    victim = await Client.connect(port)
    await victim.log_in(name(ATTACKERS[500]))  # and reads nothing from now on

    async def run(number: int) -> None:
        for count in range(100):
            await senders[number].tell(victim.user_id, f"{count} " + 2_000 * "长")

    await asyncio.gather(*(run(number) for number in range(100)))
    print("10,000 messages are acknowledged", file=sys.stderr, flush=True)
    await asyncio.Event().wait()  # until it is killed


# --- work that is no attack -------------------------------------------------------------------


@attack("an operator who adds 100,000 people in 5,000 departments")
async def newcomers(port: int) -> None:
    command = "manage.py seed_demo --prefix x --users 100000 --departments 5000 --password pass"
    child = await asyncio.create_subprocess_exec(
        sys.executable, *command.split(), cwd=ROOT, stdout=sys.stderr
    )
    await child.wait()
    await asyncio.Event().wait()  # until it is killed


# --- the server -------------------------------------------------------------------------------


class Watch:
    """The server's CPU seconds and resident memory, looked at while it runs."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self.highest_mb = self.memory_mb()
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def cpu_s(self) -> float:
        values = Path(f"/proc/{self._pid}/stat").read_text().rpartition(")")[2].split()
        return (int(values[11]) + int(values[12])) / os.sysconf("SC_CLK_TCK")

    def memory_mb(self) -> float:
        pages = int(Path(f"/proc/{self._pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20

    def _look(self) -> None:
        while not self._is_over.wait(0.05):
            self.highest_mb = max(self.highest_mb, self.memory_mb())

    def stop(self) -> None:
        self._is_over.set()
        self._thread.join()


def _attack_in_process(title: str, port: int) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    asyncio.run(ATTACKS[title](port))


def _flood_in_process(title: str, port: int, http_port: int) -> None:
    os.nice(10)  # it has a machine of its own where it is meant
    asyncio.run(FLOODS[title](port, http_port))


def measure(server: Server, title: str, seconds: float) -> str:
    """Run one attack, or none for an empty title, and return its line of the table."""
    watch = Watch(server.pid)
    memory_mb, cpu_s, began = watch.memory_mb(), watch.cpu_s(), time.monotonic()
    attacker = multiprocessing.get_context("fork").Process(
        target=_attack_in_process, args=(title, server.port), daemon=True
    )
    if title:
        attacker.start()
    noticed = asyncio.run(talk(server.port, seconds))
    cores = (watch.cpu_s() - cpu_s) / (time.monotonic() - began)
    if title:
        assert attacker.is_alive(), f"{title}: the attacker gave up"
        attacker.kill()
        attacker.join()
    time.sleep(RECOVERY_S)
    watch.stop()
    heard, logins = percentiles(noticed.heard), percentiles(noticed.logins)
    memory = f"{memory_mb:.0f} / {watch.highest_mb:.0f} / {watch.memory_mb():.0f}"
    return (
        f"| {title or 'nobody'} | {heard} | {logins} | {noticed.lost} of {len(noticed.heard)} "
        f"| {cores:.2f} | {memory} |"
    )


def compare(server: Server, title: str, seconds: float) -> str:
    """Return a flood's line of the table: what the pair notices without it, then with it."""
    before = asyncio.run(talk(server.port, seconds))
    attacker = multiprocessing.get_context("fork").Process(
        target=_flood_in_process, args=(title, server.port, server.http_port), daemon=True
    )
    watch = Watch(server.pid)
    cpu_s, began = watch.cpu_s(), time.monotonic()
    attacker.start()
    during = asyncio.run(talk(server.port, seconds))
    cores = (watch.cpu_s() - cpu_s) / (time.monotonic() - began)
    assert attacker.is_alive(), f"{title}: the attacker gave up"
    attacker.kill()
    attacker.join()
    watch.stop()
    time.sleep(RECOVERY_S)
    ratio = percentile(during.heard, 99) / percentile(before.heard, 99)
    return (
        f"| {title} | {percentiles(before.heard)} | {percentiles(during.heard)} | {ratio:.1f} "
        f"| {during.lost} of {len(during.heard)} | {cores:.2f} | {watch.highest_mb:.0f} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=15, help="of each attack (15)")
    parser.add_argument("--only", default="", help="attacks with this in their name")
    parser.add_argument("--database", help="DATABASE_URL of an empty database; default: SQLite")
    wish = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # the server goes down with us
    with tempfile.TemporaryDirectory(prefix="im-hostile-") as directory:
        url = wish.database or f"sqlite:///{directory}/teamtalk.sqlite3"
        manage("migrate", database_url=url)
        manage("seed_demo", "--users", str(PEOPLE), "--password", "pass", database_url=url)
        os.environ["DATABASE_URL"] = url  # for who adds people
        server = Server(url, Path(directory) / "var", LOG_LEVEL="WARNING").start()
        try:
            if attacks := [title for title in ATTACKS if wish.only in title]:
                print(
                    "| who attacks | messages, ms | logins, ms | lost | CPU, cores | memory, MB |"
                )
                print("|---|---|---|---|---|---|")
                for title in ["", *attacks]:
                    print(measure(server, title, wish.seconds), flush=True)
            if floods := [title for title in FLOODS if wish.only in title]:
                print("\n| flood | before, ms | with it, ms | p99 × | lost | CPU, cores | MB |")
                print("|---|---|---|---|---|---|---|")
                for title in floods:
                    print(compare(server, title, wish.seconds), flush=True)
        finally:
            assert server.stop() == 0
        for line in server.complaints():
            print("the server complained:", line)


if __name__ == "__main__":
    main()
