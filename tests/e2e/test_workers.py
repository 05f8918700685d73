"""Several gateway processes under one supervisor: who dies is replaced, and nobody is orphaned."""

import asyncio
import os
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests import services
from tests.consistency import assert_consistent
from tests.e2e.flood import Flood, Told
from tests.people import Entrance, Person
from tests.ports import free_port
from tests.server import Server

WORKERS = 2
PATIENCE_S = 40.0
TALKERS = 6


@pytest.fixture
def database_url(mariadb: services.MariaDB, mariadb_people: bytes) -> str:
    return mariadb.load("workers", mariadb_people)


@pytest.fixture
def workers(
    database_url: str, redis_server: services.Redis, tmp_path: Path
) -> Iterator[Callable[..., Server]]:
    """A function that starts a supervisor; the test's end kills what is left of it."""
    servers: list[Server] = []

    def start(*options: str, port: int = 0) -> Server:
        server = Server(
            database_url,
            tmp_path,
            *("rungateway", "--workers", str(WORKERS), *options),
            redis_url=redis_server.url,
            port=port,
            IM_MESSAGES_PER_SECOND=0,
            IM_DRAIN_SECONDS=0.5,
            IM_LEASE_SECONDS=3,
        )
        servers.append(server)
        return server.start()

    yield start
    for server in servers:
        server.kill()


async def until(condition: Callable[[], object]) -> bool:
    with suppress(TimeoutError):
        async with asyncio.timeout(PATIENCE_S):
            while not condition():  # noqa: ASYNC110  # processes have no event for it
                await asyncio.sleep(0.05)
    return bool(condition())


def ready(server: Server) -> int:
    return server.log.count("gateway on port")


def listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def people(first: int) -> list[Person]:
    return [Person(number, f"u{number:05d}") for number in range(first, first + TALKERS)]


async def test_workers_are_replaced_when_they_die_and_when_they_are_to_be_renewed(
    workers: Callable[..., Server], database_url: str
) -> None:
    server, told = workers(), Told()
    assert await until(lambda: ready(server) == WORKERS)

    async with Flood(server.port, people(1), told):
        await told.reach(300)
        for pid in server.children():
            os.kill(pid, signal.SIGKILL)
    assert await until(lambda: ready(server) == 2 * WORKERS)
    before = set(server.children())
    async with Flood(server.port, people(11), told):
        await told.reach(300)
        server.send_signal(signal.SIGHUP)
    assert await until(lambda: not before & set(server.children()))
    assert await until(lambda: len(server.children()) == WORKERS)
    async with Entrance(server.port) as entrance:
        await entrance.log_in(people(1)[0])

    assert_consistent(database_url, told.acked, told.read)
    assert await asyncio.to_thread(server.stop) == 0
    assert not listens(server.port)


async def test_workers_of_a_killed_supervisor_drain_and_end(
    workers: Callable[..., Server],
) -> None:
    server = workers("--consecutive-ports", port=_two_free_ports())
    ports = [server.port, server.port + 1]
    assert await until(lambda: ready(server) == WORKERS)
    assert [listens(port) for port in ports] == [True, True]

    server.send_signal(signal.SIGKILL)

    assert await until(lambda: not any(listens(port) for port in ports))
    assert await until(lambda: server.log.count("server: stopped") == WORKERS), server.log


def _two_free_ports() -> int:
    while True:
        port = free_port()
        with suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port + 1))
            return port


def test_workers_that_can_never_start_end_the_supervisor(
    workers: Callable[..., Server], redis_server: services.Redis
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()

        with pytest.raises(RuntimeError, match="can't listen on"):
            # The port is somebody else's, whose answer must not be taken for the gateway's.
            workers("--port", str(taken.getsockname()[1]))
