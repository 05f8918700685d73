"""The registry of live gateways: who takes clients, where, and how loaded.

Each gateway announces itself again and again under a lease; one that stops doing so is gone for
everybody when the lease runs out.  With Redis the registry is shared between processes and hosts,
without it it lives in this process, which then is the only one.
"""

import asyncio
import json
import logging
import os
import socket
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass, fields
from typing import Any, Protocol
from weakref import WeakKeyDictionary

from django.conf import settings
from redis import asyncio as aioredis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import OutOfMemoryError

from im import addresses
from im.types import LoginResult

log = logging.getLogger(__name__)

# A gateway reports six times within IM_LEASE_SECONDS and is out after four turns of silence: its
# peers, which look once a turn, have noticed before that time is over.
TURNS = 6
LEASE_TURNS = 4
CLOSE_S = 1.0

_MEMBERS = "im:gateways"
_LEASE = "im:gateway:"


@dataclass(frozen=True, slots=True)
class Gateway:
    """One gateway as the registry knows it.  `channel` is its address on the channel layer.

    Without a `host` it listens on all addresses, and clients reach it where they asked for it.

    The figures after `capacity` are as of its last report; `started` is unix seconds.
    """

    id: str
    channel: str
    host: str
    backup_host: str
    port: int
    connections: int
    capacity: int
    started: int = 0
    users: int = 0
    messages_per_s: float = 0.0
    lag_ms: float = 0.0  # the longest its loop was late
    version: str = ""
    is_retired: bool = False  # takes no new clients

    @property
    def place(self) -> str:
        """Where clients reach it."""
        return addresses.place(self.host or "*", self.port)


_FIELDS = frozenset(field.name for field in fields(Gateway))


@dataclass(frozen=True, slots=True)
class Choice:
    """What discovery answers: a gateway, or why there is none."""

    result: LoginResult
    gateway: Gateway | None = None


class Registry(Protocol):
    """Where gateways announce themselves."""

    async def announce(self, gateway: Gateway) -> bool:
        """Enter `gateway`, or renew its lease with its present load; tell whether it was in."""

    async def withdraw(self, gateway_id: str) -> None:
        """Take a gateway out: it takes no more clients."""

    async def live(self) -> list[Gateway]:
        """Return the gateways whose lease holds, in the order of their ids."""

    async def close(self) -> None:
        """Let go of connections; the registry may be used again."""


class LocalRegistry:
    """The registry of a process that is alone."""

    def __init__(self) -> None:
        self._gateways: dict[str, Gateway] = {}

    async def announce(self, gateway: Gateway) -> bool:
        was_in = gateway.id in self._gateways
        self._gateways[gateway.id] = gateway
        return was_in

    async def withdraw(self, gateway_id: str) -> None:
        self._gateways.pop(gateway_id, None)

    async def live(self) -> list[Gateway]:
        return sorted(self._gateways.values(), key=lambda gateway: gateway.id)

    async def close(self) -> None:
        pass


class RedisRegistry:
    """The registry shared by all processes: one key per gateway, which expires with its lease."""

    def __init__(self, url: str, *, lease_s: float) -> None:
        # The caller tries again, and knows how long he has.
        self._redis = aioredis.Redis.from_url(
            url, socket_timeout=5, socket_connect_timeout=5, retry=Retry(NoBackoff(), 1)
        )
        self._lease_ms = int(lease_s * 1000)
        self._is_full = False

    async def announce(self, gateway: Gateway) -> bool:
        async with self._redis.pipeline(transaction=False) as pipe:
            entry = json.dumps(asdict(gateway))
            pipe.set(_LEASE + gateway.id, entry, px=self._lease_ms, get=True)
            pipe.sadd(_MEMBERS, gateway.id)
            try:
                before, _ = await pipe.execute()
            except OutOfMemoryError:
                return await self._hold(gateway.id)
        self._is_full = False
        return before is not None

    async def _hold(self, gateway_id: str) -> bool:
        """Renew the lease of an entry as it is: a Redis at its `maxmemory` still does that."""
        if not await self._redis.pexpire(_LEASE + gateway_id, self._lease_ms):
            raise OutOfMemoryError("Redis has reached its maxmemory")
        if not self._is_full:
            log.warning("Redis has reached its maxmemory; the load of gateways is not told")
        self._is_full = True
        return True

    async def withdraw(self, gateway_id: str) -> None:
        async with self._redis.pipeline(transaction=False) as pipe:
            pipe.delete(_LEASE + gateway_id)
            pipe.srem(_MEMBERS, gateway_id)
            await pipe.execute()

    async def live(self) -> list[Gateway]:
        ids = sorted(member.decode() for member in await self._members())
        if not ids:
            return []
        entries: list[Any] = await self._redis.mget([_LEASE + gateway_id for gateway_id in ids])
        expired = [name for name, entry in zip(ids, entries, strict=True) if entry is None]
        if expired:
            await self._srem(expired)
        found = (_read(entry) for entry in entries if entry is not None)
        return [gateway for gateway in found if gateway is not None]

    async def close(self) -> None:
        await self._redis.aclose()

    # redis-py types these as "awaitable or not", for its sync and async twins at once.
    async def _members(self) -> set[bytes]:
        members: Any = self._redis.smembers(_MEMBERS)
        return await members  # type: ignore[no-any-return]

    async def _srem(self, ids: list[str]) -> None:
        removal: Any = self._redis.srem(_MEMBERS, *ids)
        await removal


def _read(entry: bytes) -> Gateway | None:
    """Return the gateway of an entry, which may be of another release; None if it can't be read."""
    try:
        said = json.loads(entry)
        return Gateway(**{name: said[name] for name in said if name in _FIELDS})
    except (ValueError, TypeError):
        log.warning("an entry of the gateway registry can't be read: %.200r", entry)
        return None


_local = LocalRegistry()
# A Redis client belongs to the loop it was first used on.
_shared: WeakKeyDictionary[asyncio.AbstractEventLoop, RedisRegistry] = WeakKeyDictionary()


def open_registry() -> Registry:
    """Return the registry that the settings ask for, the same one for the whole of a loop."""
    if not settings.REDIS_URL:
        return _local
    loop = asyncio.get_running_loop()
    if loop not in _shared:
        _shared[loop] = _redis_registry()
    return _shared[loop]


@asynccontextmanager
async def borrowed_registry() -> AsyncIterator[Registry]:
    """Give a registry for one use, on a loop that may end after it; its connection is closed."""
    if not settings.REDIS_URL:
        yield _local
        return
    registry = _redis_registry()
    try:
        yield registry
    finally:
        with suppress(Exception):
            async with asyncio.timeout(CLOSE_S):
                await registry.close()


def _redis_registry() -> RedisRegistry:
    lease_s = settings.IM_LEASE_SECONDS * LEASE_TURNS / TURNS
    return RedisRegistry(settings.REDIS_URL, lease_s=lease_s)


def choose(gateways: list[Gateway]) -> Choice:
    """Return the least loaded gateway with room (spec/behaviour 3.3); the web has no port."""
    gateways = [gateway for gateway in gateways if gateway.port and not gateway.is_retired]
    if not gateways:
        return Choice(LoginResult.NO_MSG_SERVER)
    free = [gateway for gateway in gateways if gateway.connections < gateway.capacity]
    if not free:
        return Choice(LoginResult.MSG_SERVER_FULL)
    return Choice(LoginResult.NONE, min(free, key=lambda gateway: gateway.connections))


def new_gateway_id() -> str:
    """Return an id that no other process has: readable, and unique across restarts."""
    return f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"
