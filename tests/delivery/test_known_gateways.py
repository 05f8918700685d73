"""What a process knows of gateways when the registry can't be asked, or has lost them."""

import asyncio
import json
from dataclasses import replace
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings
from redis import Redis

from im.delivery.cluster.bus import Bus
from im.delivery.cluster.gateway_registry import Gateway, RedisRegistry
from im.delivery.cluster.known_gateways import KnownGateways
from im.delivery.cluster.lease import Lease
from im.types import LoginResult
from tests import services
from tests.delivery.test_registry import gateway
from tests.doubles import RecordingLayer
from tests.ports import free_port

HOUR_S = 3600.0


@pytest.fixture
def path(settings: Settings, tmp_path: Path) -> Path:
    """Where addresses are kept; the registry would be a Redis that is gone."""
    settings.REDIS_URL = f"redis://127.0.0.1:{free_port()}/0"
    settings.IM_DATA_DIR = tmp_path / "var"
    return tmp_path / "var" / "gateways.json"


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time, as a list of one number to be changed."""
    now = [1000.0]
    monkeypatch.setattr("im.delivery.cluster.known_gateways.time.monotonic", lambda: now[0])
    return now


def keep(path: Path, text: str) -> None:
    path.parent.mkdir()
    path.write_text(text)


def kept(path: Path) -> list[list[str | int]]:
    found: list[list[str | int]] = json.loads(path.read_text())
    return found


def port_of(known: KnownGateways) -> int:
    chosen = known.choice().gateway
    return chosen.port if chosen else 0


async def test_what_the_registry_said_last_is_named_while_it_is_away(path: Path) -> None:
    known = KnownGateways()
    known.learn([gateway("a")])

    await known.refresh()

    assert port_of(known) == 8000


async def test_a_registry_that_has_lost_all_is_believed_after_a_while(
    path: Path, clock: list[float]
) -> None:
    known = KnownGateways()
    known.learn([gateway("a")])
    known.learn([])
    before = port_of(known)

    clock[0] += HOUR_S
    known.learn([])

    assert before == 8000
    assert known.choice().result is LoginResult.NO_MSG_SERVER


async def test_a_registry_that_knows_web_processes_only_has_lost_the_gateways(path: Path) -> None:
    known = KnownGateways()
    known.learn([gateway("a")])

    known.learn([replace(gateway("web"), port=0)])

    assert port_of(known) == 8000


async def test_of_those_that_are_only_remembered_none_is_full_and_retired_ones_stay_out(
    path: Path,
) -> None:
    known = KnownGateways()
    known.learn([gateway("full", 100), replace(gateway("retired", 1), port=9, is_retired=True)])
    full = known.choice().result

    await known.refresh()

    assert full is LoginResult.MSG_SERVER_FULL
    assert {port_of(known) for _ in range(20)} == {8000}


async def test_a_process_that_starts_without_the_registry_reads_the_addresses_that_were_kept(
    path: Path,
) -> None:
    KnownGateways().learn([gateway("a")])
    await asyncio.get_running_loop().shutdown_default_executor()  # it is written by then

    late = KnownGateways()
    await late.refresh()

    chosen = late.choice().gateway
    assert chosen is not None
    assert (chosen.host, chosen.backup_host, chosen.port) == ("10.0.0.1", "10.0.0.2", 8000)


@pytest.mark.parametrize("text", ["", "{", "[1]", '[["a", "b"]]', '[["a", "b", "c"]]', "null"])
async def test_a_file_that_is_damaged_is_as_good_as_none(path: Path, text: str) -> None:
    keep(path, text)
    known = KnownGateways()

    await known.refresh()

    assert known.choice().result is LoginResult.NO_MSG_SERVER


async def test_a_gateway_that_is_alone_is_kept_beside_the_others(path: Path) -> None:
    keep(path, '[["10.0.0.9", "10.0.0.9", 7000]]')
    known = KnownGateways()

    known.add(gateway("a"))
    await asyncio.get_running_loop().shutdown_default_executor()

    assert [entry[2] for entry in kept(path)] == [8000, 7000]


# --- the lease -----------------------------------------------------------------------------------


class Holder:
    """Whose lease it is; remembers what it is told."""

    def __init__(self) -> None:
        self.turns: list[tuple[list[str], bool]] = []
        self.interruptions = 0

    def entry(self) -> Gateway:
        return gateway("own")

    def turn(self, live: list[Gateway], *, is_trusted: bool) -> None:
        self.turns.append(([one.id for one in live], is_trusted))

    def interrupted(self, since: float) -> None:
        self.interruptions += 1


class LateLayer(RecordingLayer):
    """A channel layer that gives a channel as soon as it is up."""

    async def new_channel(self) -> str:
        if self.is_down:
            raise ConnectionError("the layer is down")
        return "channel"

    async def flush(self) -> None:
        pass


async def test_without_the_registry_a_gateway_starts_alone(path: Path) -> None:
    holder, known = Holder(), KnownGateways()
    lease = Lease(holder, Bus(LateLayer()), known)

    await lease.start()

    assert lease.is_down
    assert holder.turns == [(["own"], False)]
    assert port_of(known) == 8000
    await lease.withdraw()


async def test_nobody_is_told_of_a_gateway_that_can_not_hear_yet(
    path: Path, settings: Settings, redis_server: services.Redis
) -> None:
    settings.REDIS_URL = redis_server.url.removesuffix("/0") + "/6"
    layer, holder = LateLayer(), Holder()
    layer.is_down = True
    lease = Lease(holder, Bus(layer), KnownGateways())

    await lease.start()

    with Redis.from_url(settings.REDIS_URL) as client:
        assert client.keys() == []
    await lease.withdraw()
    await lease.close()


async def test_at_its_memory_limit_redis_keeps_the_leases_that_it_has(
    redis_server: services.Redis,
) -> None:
    url = redis_server.url.removesuffix("/0") + "/6"
    registry = RedisRegistry(url, lease_s=30)
    with Redis.from_url(url) as client:
        await registry.announce(gateway("a"))
        client.pexpire("im:gateway:a", 5000)
        client.config_set("maxmemory", 1)
        try:
            was_in = await registry.announce(gateway("a", connections=7))
            lease_ms = client.pttl("im:gateway:a")
        finally:
            client.config_set("maxmemory", 0)
            client.flushdb()

    assert was_in
    assert lease_ms > 5000
    await registry.close()
