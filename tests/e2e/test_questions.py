"""What an operator asks of live gateways, from a process that hosts none, over a real Redis."""

import asyncio
import time
from collections.abc import Iterator

import pytest
from django.test import override_settings

from im.delivery.remote import control, control_client
from im.delivery.remote.control_client import Answers
from im.delivery.remote.publish import online_devices
from im.types import ClientType, DeviceClass, SessionType
from im.wire.proto import message_pb2
from tests import services
from tests.conftest import manage
from tests.e2e.test_gateways import LogIn
from tests.e2e.test_gateways import log_in_at as log_in_at
from tests.server import Server

PATIENCE_S = 15.0


@pytest.fixture(scope="module")
def pair(
    mariadb: services.MariaDB,
    mariadb_template: bytes,
    redis_server: services.Redis,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[Server, Server]]:
    """Two gateways; this process is as a web process on their Redis."""
    database_url = mariadb.load("questions", mariadb_template)
    manage("seed_demo", "--users", "20", "--password", "pass", database_url=database_url)
    # A database of their own: the registry shall know nobody else's gateways.
    redis_url = redis_server.url.removesuffix("/0") + "/7"
    one, two = (
        Server(
            database_url,
            tmp_path_factory.mktemp("var"),
            "rungateway",
            redis_url=redis_url,
            IM_LEASE_SECONDS=3,
        ).start()
        for _ in range(2)
    )
    layer = {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {
            "hosts": [{"address": redis_url, "socket_timeout": None}],
            "prefix": "im",
        },
    }
    with override_settings(REDIS_URL=redis_url, CHANNEL_LAYERS={"default": layer}):
        yield one, two
    for server in (one, two):
        server.stop()
        assert server.complaints() == []


async def ask(name: str, *arguments: object, only: str | None = None) -> Answers:
    return await asyncio.to_thread(control_client.ask, name, *arguments, only=only)


async def test_it_is_known_to_which_devices_a_message_was_pushed_and_which_have_it(
    pair: tuple[Server, Server], log_in_at: LogIn
) -> None:
    ada = await log_in_at(pair[0], 1)
    await log_in_at(pair[0], 2)
    phone = await log_in_at(pair[1], 2, ClientType.IOS)
    msg_id = await ada.tell(2, "hello")
    await phone.receive(message_pb2.IMMsgData)
    phone.send(
        message_pb2.IMMsgDataAck(
            user_id=2, session_id=1, msg_id=msg_id, session_type=SessionType.SINGLE
        )
    )

    place = (SessionType.SINGLE, 1, 2, msg_id)
    deadline = time.monotonic() + PATIENCE_S
    pushes: list[list[int]] = []
    while time.monotonic() < deadline and not any(push[4] for push in pushes):
        answers = await ask(control.TRACE, *map(int, place))
        pushes = [push for said in answers.said.values() for push in said]

    assert sorted((user, client, bool(arrived)) for _, user, client, _, arrived in pushes) == [
        (2, ClientType.WINDOWS, False),
        (2, ClientType.IOS, True),
    ]
    assert answers.silent == ()


async def test_who_is_online_is_told_page_by_page_and_for_certain_users(
    pair: tuple[Server, Server], log_in_at: LogIn
) -> None:
    for server, user_id in ((pair[0], 5), (pair[1], 6), (pair[0], 7)):
        await log_in_at(server, user_id)

    page = await ask(control.SESSIONS, 4, 2, None)
    certain = await ask(control.SESSIONS, 0, 50, [7, 9])

    told = sorted(entry[0] for said in page.said.values() for entry in said)
    assert told == [5, 6, 7]  # two of each gateway, at most
    assert [entry[0] for said in certain.said.values() for entry in said] == [7]


async def test_a_web_process_knows_the_devices_of_a_page_of_people(
    pair: tuple[Server, Server], log_in_at: LogIn
) -> None:
    await log_in_at(pair[0], 10)
    await log_in_at(pair[1], 10, ClientType.IOS)
    await log_in_at(pair[1], 11)

    known = await asyncio.to_thread(online_devices, [10, 11, 12])

    pc, phone = DeviceClass.PC, DeviceClass.MOBILE
    assert known.devices == {10: pc | phone, 11: pc, 12: DeviceClass(0)}


async def test_one_connection_is_ended(pair: tuple[Server, Server], log_in_at: LogIn) -> None:
    desk = await log_in_at(pair[1], 8)
    phone = await log_in_at(pair[1], 8, ClientType.IOS)
    said = (await ask(control.SESSIONS, 7, 1, [8])).said
    [(gateway_id, [entry, _])] = [(one, page) for one, page in said.items() if page]

    ended = await ask(control.END_SESSION, 8, entry[1], only=gateway_id)
    again = await ask(control.END_SESSION, 8, 999_999, only=gateway_id)

    assert (ended.said, again.said) == ({gateway_id: True}, {gateway_id: False})
    assert await desk.closed()
    await phone.tell(1, "still here")


async def test_a_retired_gateway_sends_its_clients_away_and_is_not_handed_out(
    pair: tuple[Server, Server], log_in_at: LogIn
) -> None:
    client = await log_in_at(pair[1], 9)
    there = next(
        gateway
        for gateway in (await asyncio.to_thread(control_client.gateways)).gateways
        if gateway.port == pair[1].port
    )

    answers = await ask(control.RETIRE, only=there.id)

    assert answers.said == {there.id: True}
    assert await client.closed()
    with pytest.raises(ConnectionError):
        await log_in_at(pair[1], 9)
    deadline = time.monotonic() + PATIENCE_S
    retired = False
    while not retired and time.monotonic() < deadline:
        live = (await asyncio.to_thread(control_client.gateways)).gateways
        retired = any(gateway.is_retired for gateway in live if gateway.id == there.id)
    assert retired
