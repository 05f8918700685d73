"""The database goes away, or another one takes its place behind a proxy: who comes afterwards, or
meanwhile, notices nothing but the time it takes.
"""

import asyncio
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from im.types import LoginResult
from im.wire.proto import buddy_pb2, group_pb2, login_pb2
from tests import services
from tests.people import Entrance, Person, add_people
from tests.proxy import Proxy
from tests.server import Server

PEOPLE = [Person(number, f"u{number:05d}") for number in range(1, 21)]
ADA, BOB, *COMERS = PEOPLE  # the others come when it has happened
ACCOUNT = "teamtalk"  # root may write where others may only read
AWAY_S = 1.0


class Databases:
    """A MariaDB and one that may take its place, with the same people; a proxy leads to one."""

    def __init__(self, first: services.MariaDB, second: services.MariaDB) -> None:
        self.first, self.second = first, second
        self.proxy = Proxy(first.port)
        self.url = f"mysql://{ACCOUNT}@127.0.0.1:{self.proxy.port}/teamtalk"

    def run(self, *statements: str) -> list[tuple[Any, ...]]:  # Any: as the driver returns columns
        """Run statements on the first one, as root; return what the last one found."""
        with closing(self.first.connect()) as connection, closing(connection.cursor()) as cursor:
            for statement in statements:
                cursor.execute(statement)
            return list(cursor.fetchall())

    def close_all(self) -> None:
        """Let the first one close the server's connections, as it does with idle ones."""
        of_server = f"SELECT id FROM information_schema.processlist WHERE user = '{ACCOUNT}'"
        numbers = self.run(of_server)
        assert numbers
        self.run(*(f"KILL {number}" for (number,) in numbers))

    def restart(self) -> None:
        self.first.crash()
        self.first.run()

    def fail_over(self) -> None:
        """Let the second one take the place of the first, which is gone."""
        self.proxy.go_down()
        self.proxy.lead_to(self.second.port)
        self.proxy.come_up()

    def demote(self) -> None:
        """Let the second one take the place; the first keeps its connections, and only reads."""
        self.proxy.lead_to(self.second.port)
        self.run("SET GLOBAL read_only = 1")

    def shut_out(self) -> None:
        """Close the connections; new ones are refused for a moment."""
        self.proxy.go_down()
        asyncio.get_running_loop().call_later(AWAY_S, self.proxy.come_up)


@pytest.fixture
def databases(mariadb_template: bytes) -> Iterator[Databases]:
    """Two of our own: they are broken."""
    servers = services.MariaDB(), services.MariaDB()
    try:
        add_people(servers[0].load("teamtalk", mariadb_template), len(PEOPLE))
        servers[1].load("teamtalk", servers[0].dump("teamtalk"))
        for server in servers:
            with closing(server.connect()) as connection, closing(connection.cursor()) as cursor:
                cursor.execute(f"CREATE USER {ACCOUNT}@'%'")
                cursor.execute(f"GRANT ALL ON teamtalk.* TO {ACCOUNT}@'%'")
        databases = Databases(*servers)
        with databases.proxy:
            yield databases
    finally:
        for server in servers:
            server.stop()


@pytest.fixture
def server(databases: Databases, tmp_path: Path) -> Iterator[Server]:
    """A server whose way to the database is the proxy; it must not complain about an outage."""
    server = Server(databases.url, tmp_path / "var", IM_MESSAGES_PER_SECOND=0).start()
    yield server
    try:
        assert server.stop() == 0
        assert server.complaints() == []
    finally:
        server.kill()


@pytest.mark.parametrize(
    "strike",
    [
        Databases.close_all,
        Databases.restart,
        Databases.fail_over,
        Databases.demote,
        Databases.shut_out,
    ],
)
async def test_nobody_is_refused_after_it(
    databases: Databases, server: Server, strike: Any
) -> None:
    async with Entrance(server.port) as entrance:
        ada, bob = await entrance.log_in(ADA), await entrance.log_in(BOB)
        await ada.tell(bob.user_id, "before")
        await ask_for_lists(ada)

        strike(databases)
        comers = [await entrance.connect() for _ in COMERS]
        answers = await asyncio.gather(
            *(client.try_log_in(who.name) for client, who in zip(comers, COMERS, strict=True))
        )
        lists = await ask_for_lists(bob)
        told = await ada.tell(bob.user_id, "afterwards")

        assert [answer.result_string for answer in answers] == ["成功"] * len(COMERS)
        assert {answer.result_code for answer in answers} == {int(LoginResult.NONE)}
        assert lists == 3
        assert told in (1, 2)  # the other one never heard of the first message


async def ask_for_lists(client: Any) -> int:
    """Ask for one list of each kind, and for something that is looked up alone; count answers."""
    client.send(buddy_pb2.IMAllUserReq(user_id=0, latest_update_time=0))
    client.send(group_pb2.IMNormalGroupListReq(user_id=0))
    client.send(login_pb2.IMQueryPushShieldReq(user_id=0))
    await client.receive(buddy_pb2.IMAllUserRsp)
    await client.receive(group_pb2.IMNormalGroupListRsp)
    await client.receive(login_pb2.IMQueryPushShieldRsp)
    return 3
