"""The gateways that take clients: which one is named, and who stays in the list."""

import json
from collections.abc import Iterator
from dataclasses import asdict

import pytest
from redis import Redis

from im.delivery.cluster.gateway_registry import (
    Gateway,
    LocalRegistry,
    RedisRegistry,
    Registry,
    choose,
    new_gateway_id,
)
from im.types import LoginResult
from tests import services


def gateway(name: str, connections: int = 0, capacity: int = 100) -> Gateway:
    return Gateway(name, f"channel.{name}", "10.0.0.1", "10.0.0.2", 8000, connections, capacity)


def test_without_a_gateway_there_is_no_server() -> None:
    assert choose([]).result is LoginResult.NO_MSG_SERVER
    assert choose([]).gateway is None


def test_when_all_are_full_the_answer_is_full() -> None:
    choice = choose([gateway("a", 100), gateway("b", 101)])

    assert (choice.result, choice.gateway) == (LoginResult.MSG_SERVER_FULL, None)


def test_the_least_loaded_with_room_is_named() -> None:
    small_and_full = gateway("a", 3, capacity=3)
    loaded, idle = gateway("b", 50), gateway("c", 49)

    choice = choose([small_and_full, loaded, idle])

    assert (choice.result, choice.gateway) == (LoginResult.NONE, idle)


def test_of_equally_loaded_ones_the_first_is_named() -> None:
    assert choose([gateway("a", 7), gateway("b", 7)]).gateway == gateway("a", 7)


@pytest.fixture
def empty_redis(redis_server: services.Redis) -> Iterator[services.Redis]:
    """The session's Redis, empty; and emptied, for gateways of other tests look into it."""
    with Redis.from_url(redis_server.url) as client:
        client.flushdb()
        yield redis_server
        client.flushdb()


@pytest.fixture(params=["local", "redis"])
def registry(request: pytest.FixtureRequest) -> Registry:
    """An empty registry of each kind."""
    if request.param == "local":
        return LocalRegistry()
    server: services.Redis = request.getfixturevalue("empty_redis")
    return RedisRegistry(server.url, lease_s=30)


async def test_gateways_are_listed_by_id_with_their_latest_load(registry: Registry) -> None:
    for name, connections in (("b", 1), ("a", 2), ("b", 3)):
        await registry.announce(gateway(name, connections))

    assert await registry.live() == [gateway("a", 2), gateway("b", 3)]
    await registry.close()


async def test_who_withdraws_is_gone(registry: Registry) -> None:
    await registry.announce(gateway("a"))
    await registry.announce(gateway("b"))

    await registry.withdraw("a")
    await registry.withdraw("never there")

    assert await registry.live() == [gateway("b")]
    await registry.close()


async def test_an_empty_registry_lists_nobody(registry: Registry) -> None:
    assert await registry.live() == []
    await registry.close()


async def test_who_lets_his_lease_run_out_is_gone_and_leaves_nothing_behind(
    empty_redis: services.Redis,
) -> None:
    with Redis.from_url(empty_redis.url) as client:
        registry = RedisRegistry(empty_redis.url, lease_s=30)
        await registry.announce(gateway("a"))
        await registry.announce(gateway("b"))
        lease_s = client.ttl("im:gateway:a")

        client.delete("im:gateway:a")  # what the end of the lease does

        assert isinstance(lease_s, int)
        assert 0 < lease_s <= 30
        assert await registry.live() == [gateway("b")]
        assert client.smembers("im:gateways") == {b"b"}
        await registry.close()


async def test_entries_of_other_releases_and_broken_ones_hide_nobody(
    empty_redis: services.Redis,
) -> None:
    registry = RedisRegistry(empty_redis.url, lease_s=30)
    newer = {**asdict(gateway("b")), "mood": "good"}
    with Redis.from_url(empty_redis.url) as client:
        await registry.announce(gateway("a"))
        for name, entry in {"b": json.dumps(newer), "c": "{", "d": "7", "e": "{}"}.items():
            client.sadd("im:gateways", name)
            client.set(f"im:gateway:{name}", entry)

    assert await registry.live() == [gateway("a"), gateway("b")]
    await registry.close()


def test_no_two_gateways_have_the_same_id() -> None:
    assert new_gateway_id() != new_gateway_id()
