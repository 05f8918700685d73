"""Counts of failed logins in Redis, for all processes together: `login_counts` as a script.

Redis runs a script whole, so a batch is judged at once whatever other gateways do.  Times are those
of Redis.  What is kept expires, and is bounded like the counts in memory.

    PREFIX names            names by their last failure
    PREFIX name:NAME        per address, "" for all of them: "FAILURES LAST"
    PREFIX addresses        addresses by their last failure
    PREFIX address:ADDRESS  "FAILURES LAST"
    PREFIX known:NAME       addresses that NAME has logged in from, by the last time
"""

from collections.abc import Iterator, Sequence
from typing import Any

from redis import Redis

from im.networks import UNKNOWN
from im.services.identity.login_counts import (
    ADDRESSES_KEPT,
    ADDRESSES_PER_NAME,
    EVERYWHERE,
    KNOWN_PER_NAME,
    KNOWN_S,
    LISTED,
    NAMES_KEPT,
)
from im.services.identity.login_limits import Attempt, Blocked, Limit, Limits, Verdict

ATTEMPTS_AT_ONCE = 128  # per script, which keeps all others waiting

_JUDGE = """
local ADMITTED, WRONG, BLOCKED = 0, 1, 2
local prefix, unknown = ARGV[1], ARGV[2]
local window, known_s = tonumber(ARGV[3]), tonumber(ARGV[4])
local names_kept, addresses_kept = tonumber(ARGV[5]), tonumber(ARGV[6])
local addresses_per_name, known_per_name = tonumber(ARGV[7]), tonumber(ARGV[8])
local function limit(at)
  return {allowed = tonumber(ARGV[at]), first = tonumber(ARGV[at + 1]),
          longest = tonumber(ARGV[at + 2])}
end
local of_pair, of_name, of_address = limit(9), limit(12), limit(15)
local clock = redis.call('TIME')
local now = tonumber(clock[1]) + tonumber(clock[2]) / 1e6

local function read(text)
  if not text then return 0, 0 end
  local failures, last = string.match(text, '^(%d+) (%S+)$')
  return tonumber(failures), tonumber(last)
end

local function written(failures, last)
  return string.format('%d %.6f', failures, last)
end

local function waits(text, limit)
  local failures, last = read(text)
  if limit.allowed <= 0 or failures <= limit.allowed then return false end
  local doublings = math.min(failures - limit.allowed - 1, 30)
  return last + math.min(limit.longest, limit.first * 2 ^ doublings) > now
end

local function drop(index, keys, gone)
  for _, member in ipairs(gone) do
    redis.call('ZREM', prefix .. index, member)
    redis.call('DEL', prefix .. keys .. member)
  end
end

local function bound(index, keys, kept)
  local surplus = redis.call('ZCARD', prefix .. index) - kept
  if surplus > 0 then
    drop(index, keys, redis.call('ZRANGE', prefix .. index, 0, math.min(surplus, 100) - 1))
  end
end

local function forget_old(index, keys)
  local horizon = string.format('(%.6f', now - window)
  drop(index, keys,
       redis.call('ZRANGEBYSCORE', prefix .. index, '-inf', horizon, 'LIMIT', 0, 100))
end

local function failed(name, address)
  local key = prefix .. 'name:' .. name
  redis.call('HSET', key, '', written(read(redis.call('HGET', key, '')) + 1, now))
  local mine = redis.call('HGET', key, address)
  if mine or redis.call('HLEN', key) <= addresses_per_name then
    redis.call('HSET', key, address, written(read(mine) + 1, now))
  end
  redis.call('EXPIRE', key, window + 1)
  redis.call('ZADD', prefix .. 'names', now, name)
  redis.call('EXPIRE', prefix .. 'names', window + 1)
  bound('names', 'name:', names_kept)
  if address ~= unknown then
    local place = prefix .. 'address:' .. address
    redis.call('SET', place, written(read(redis.call('GET', place)) + 1, now), 'EX', window + 1)
    redis.call('ZADD', prefix .. 'addresses', now, address)
    redis.call('EXPIRE', prefix .. 'addresses', window + 1)
    bound('addresses', 'address:', addresses_kept)
  end
end

local function succeeded(name, address, mine)
  local known = prefix .. 'known:' .. name
  redis.call('ZADD', known, now, address)
  redis.call('ZREMRANGEBYRANK', known, 0, -known_per_name - 1)
  redis.call('EXPIRE', known, known_s)
  if not mine then return end
  local key, place = prefix .. 'name:' .. name, prefix .. 'address:' .. address
  local own = read(mine)
  local failures, last = read(redis.call('HGET', key, ''))
  redis.call('HSET', key, '', written(math.max(0, failures - own), last))
  redis.call('HDEL', key, address)
  local there = redis.call('GET', place)
  if there then
    failures, last = read(there)
    redis.call('SET', place, written(math.max(0, failures - own), last), 'KEEPTTL')
  end
end

local function judge(name, address, is_right)
  local key = prefix .. 'name:' .. name
  local mine = redis.call('HGET', key, address)
  if waits(mine, of_pair) then return BLOCKED end
  local seen = tonumber(redis.call('ZSCORE', prefix .. 'known:' .. name, address) or 0)
  if seen <= now - known_s and (
      waits(redis.call('HGET', key, ''), of_name)
      or waits(redis.call('GET', prefix .. 'address:' .. address), of_address)) then
    return BLOCKED
  end
  if is_right then
    succeeded(name, address, mine)
    return ADMITTED
  end
  failed(name, address)
  return WRONG
end

forget_old('names', 'name:')
forget_old('addresses', 'address:')
local verdicts = {}
for at = 18, #ARGV, 3 do
  verdicts[#verdicts + 1] = judge(ARGV[at], ARGV[at + 1], ARGV[at + 2] == '1')
end
return verdicts
"""


class SharedCounts:
    """Failures of one kind of login in Redis; all methods raise RedisError when it is away."""

    def __init__(self, redis: Redis, prefix: str) -> None:
        self._redis = redis
        self._prefix = prefix
        self._script = redis.register_script(_JUDGE)

    def judge(self, limits: Limits, attempts: Sequence[Attempt]) -> list[Verdict]:
        """Count these attempts; return what becomes of each."""
        settings = list(self._settings(limits))
        verdicts: list[Verdict] = []
        for start in range(0, len(attempts), ATTEMPTS_AT_ONCE):
            some = attempts[start : start + ATTEMPTS_AT_ONCE]
            flat = (part for one in some for part in (one.name, one.address, int(one.is_right)))
            found: Any = self._script(args=[*settings, *flat])
            verdicts += map(Verdict, found)
        return verdicts

    def forgive(self, name: str) -> None:
        """Forget all about a name, the addresses it is known at included."""
        with self._redis.pipeline() as pipe:
            pipe.delete(f"{self._prefix}name:{name}", f"{self._prefix}known:{name}")
            pipe.zrem(f"{self._prefix}names", name)
            pipe.execute()

    def forgive_address(self, address: str) -> None:
        """Forget the failures of an address."""
        with self._redis.pipeline() as pipe:
            pipe.delete(f"{self._prefix}address:{address}")
            pipe.zrem(f"{self._prefix}addresses", address)
            pipe.execute()

    def blocked(self, limits: Limits) -> list[Blocked]:
        """Return who has failed more often than is allowed, the newest first."""
        # Any: redis-py types answers as "awaitable or not", for its sync and async twins at once.
        clock: Any = self._redis.time()
        seconds, microseconds = clock
        now = seconds + microseconds / 1e6
        found = []
        for name, address, tally, limit in self._tallies(limits):
            count, last = tally.split()
            failures, last_at = int(count), float(last)
            wait_s = max(0.0, last_at + limit.wait_s(failures) - now)
            if limit.is_exceeded(failures):
                found.append(Blocked(name, address, failures, last_at, wait_s))
        return sorted(found, key=lambda one: -one.last_at)

    def _tallies(self, limits: Limits) -> Iterator[tuple[str, str, bytes, Limit]]:
        names, addresses = self._newest("names"), self._newest("addresses")
        with self._redis.pipeline(transaction=False) as pipe:
            for name in names:
                pipe.hgetall(f"{self._prefix}name:{name}")
            for address in addresses:
                pipe.get(f"{self._prefix}address:{address}")
            found = pipe.execute()
        for name, tallies in zip(names, found[: len(names)], strict=True):
            for address, tally in tallies.items():
                limit = limits.name if address.decode() == EVERYWHERE else limits.pair
                yield name, address.decode(), tally, limit
        for address, tally in zip(addresses, found[len(names) :], strict=True):
            if tally is not None:
                yield "", address, tally, limits.address

    def _newest(self, index: str) -> list[str]:
        members: Any = self._redis.zrevrange(self._prefix + index, 0, LISTED - 1)
        return [member.decode() for member in members]

    def _settings(self, limits: Limits) -> Iterator[Any]:
        yield from (self._prefix, UNKNOWN, limits.window_s, KNOWN_S)
        yield from (NAMES_KEPT, ADDRESSES_KEPT, ADDRESSES_PER_NAME, KNOWN_PER_NAME)
        for limit in (limits.pair, limits.name, limits.address):
            yield from (limit.allowed, limit.first_s, limit.longest_s)
