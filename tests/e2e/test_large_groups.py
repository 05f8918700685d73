"""A group of 2,000: one message reaches all who are online, and soon."""

import asyncio
import shutil
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from im.wire.proto import message_pb2
from tests.client import Client
from tests.conftest import manage
from tests.e2e.groups import group_history, make_group, unread_of, write
from tests.people import Entrance, Person
from tests.server import Server

MEMBERS = 2000
ONLINE = 100
MESSAGES = 10
SOON_S = 2.0  # a tenth of it on an idle machine; tests share theirs


@pytest.fixture(scope="module")
def crowded_server(
    sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """A server with as many people as the group has members."""
    path = tmp_path_factory.mktemp("crowd") / "teamtalk.sqlite3"
    shutil.copyfile(sqlite_template, path)
    url = f"sqlite:///{path}"
    manage("seed_demo", "--users", str(MEMBERS), "--password", "pass", database_url=url)
    server = Server(url, tmp_path_factory.mktemp("var"), IM_MESSAGES_PER_SECOND=0).start()
    yield server
    assert server.stop() == 0
    assert server.complaints() == []


@pytest.fixture
async def entrance(crowded_server: Server) -> AsyncIterator[Entrance]:
    """The way into the crowded server."""
    async with Entrance(crowded_server.port) as entrance:
        yield entrance


async def test_a_message_reaches_everybody_online_of_a_large_group(
    entrance: Entrance, capsys: pytest.CaptureFixture[str]
) -> None:
    people = [Person(user_id, f"u{user_id:05d}") for user_id in range(1, MEMBERS + 1)]
    sender, *online = [await entrance.log_in(person) for person in people[: ONLINE + 1]]
    group_id = await make_group(sender, *people[1:])

    latencies = []
    for number in range(1, MESSAGES + 1):
        begun = time.monotonic()
        assert await write(sender, group_id, f"text {number}") == number
        heard = await asyncio.gather(*[_hear(client) for client in online])
        latencies.append(time.monotonic() - begun)
        assert set(heard) == {(group_id, number)}

    with capsys.disabled():
        print(f"\n{ONLINE} of {MEMBERS} members heard: {_milliseconds(latencies)}")
    assert max(latencies) < SOON_S
    assert await unread_of(online[-1], group_id) == MESSAGES


async def test_who_was_away_finds_what_was_said_in_a_large_group(entrance: Entrance) -> None:
    people = [Person(user_id, f"u{user_id:05d}") for user_id in range(1, MEMBERS + 1)]
    sender = await entrance.log_in(people[0])
    group_id = await make_group(sender, *people[1:])
    await write(sender, group_id, "to everybody")

    late = await entrance.log_in(people[-1])

    assert await group_history(late, group_id) == [(1, "to everybody")]
    assert await unread_of(late, group_id) == 1


async def _hear(client: Client) -> tuple[int, int]:
    """Return group and id of the next message."""
    message = await client.receive(message_pb2.IMMsgData)
    return message.to_session_id, message.msg_id


def _milliseconds(seconds: list[float]) -> str:
    ordered = sorted(second * 1000 for second in seconds)
    return f"median {ordered[len(ordered) // 2]:.0f} ms, slowest {ordered[-1]:.0f} ms"
