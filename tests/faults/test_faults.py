"""Each part of the system is killed in turn while 200 people talk: every promise is kept."""

import asyncio

import pytest

from im.types import SessionType
from tests.consistency import Acked, assert_consistent
from tests.faults.conftest import System

pytestmark = pytest.mark.timeout(240)

REDIS_GONE_S = 10.0


async def test_whatever_is_killed_everybody_ends_with_every_message(system: System) -> None:
    async with system.talking():
        await system.flow()
        await _kill_a_gateway(system, 0)
        await _lose_redis(system)
        await _crash_the_database(system)
        await _kill_a_gateway(system, 1)
        await _restart_all_one_by_one(system)
        await system.quiet()
        for chatter in system.chatters:
            chatter.leave()
        logins = [chatter.logins for chatter in system.chatters]
        await system.until(
            lambda: all(
                chatter.logins > before and chatter.is_online
                for chatter, before in zip(system.chatters, logins, strict=True)
            ),
            "not all came back",
        )

        assert system.missing() == []
    singles = [
        Acked(said.sender_id, said.session[1], said.msg_id, said.content)
        for said in system.acked
        if said.session[0] is SessionType.SINGLE
    ]
    stored = system.stored()
    assert len(singles) > 1000
    assert_consistent(system.database_url, singles)
    assert system.group_faults() == []
    assert [
        said
        for said in system.acked
        if stored[said.sender_id][said.session].get(said.msg_id) != said.content
    ] == []
    assert system.said_twice() == []
    assert [wrong for chatter in system.chatters for wrong in chatter.wrong] == []
    for gateway in system.gateways:
        assert gateway.stop() == 0
    assert [line for gateway in system.gateways for line in gateway.errors()] == []


async def _kill_a_gateway(system: System, number: int) -> None:
    gateway = system.gateways[number]
    await asyncio.to_thread(gateway.kill)
    await system.flow()
    await asyncio.to_thread(gateway.start)
    await system.all_online()
    await system.flow()


async def _lose_redis(system: System) -> None:
    """Nobody hears of other gateways' messages for a while; afterwards nobody has to ask."""
    system.redis.crash()
    gone = asyncio.create_task(asyncio.sleep(REDIS_GONE_S))
    await system.flow()
    for chatter in system.chatters[::10]:  # whoever comes meanwhile is let in
        chatter.leave()
    await system.flow()
    await system.all_online()
    await gone
    logins = [chatter.logins for chatter in system.chatters]

    await asyncio.to_thread(system.redis.run)
    await system.flow()
    await system.quiet()
    await system.complete()

    assert [chatter.logins for chatter in system.chatters] == logins
    system.speak()


async def _crash_the_database(system: System) -> None:
    await asyncio.to_thread(system.mariadb.crash)
    await asyncio.to_thread(system.mariadb.run)
    await system.flow()
    await system.all_online()


async def _restart_all_one_by_one(system: System) -> None:
    for gateway in system.gateways:
        assert await asyncio.to_thread(gateway.stop) == 0
        await asyncio.to_thread(gateway.start)
        await system.flow()
    await system.all_online()
