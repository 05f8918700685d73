"""A MariaDB that has no connection left, or takes no changes: pages say so, chat answers as
docs/reliability.md says, and both go on by themselves.
"""

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import pytest

from im.types import LoginResult
from im.wire.proto import buddy_pb2, message_pb2
from tests import services
from tests.client import text_to
from tests.e2e.test_console import Console
from tests.e2e.test_database_connections import (
    ADA,
    BOB,
    PASSWORD,
    Visit,
    add_operator,
    as_header,
    operators_cookies,
)
from tests.people import Entrance, add_people
from tests.server import Server

MOST = 10  # connections: MariaDB takes no smaller number
CHINESE = "Accept-Language: zh-CN"


class Hindered:
    """A MariaDB of our own that can be kept from working, and let work again."""

    def __init__(self, template: bytes) -> None:
        self.server = services.MariaDB()
        add_people(self.server.load("teamtalk", template), 2)
        add_operator(f"{self.server.url}/teamtalk")
        # root may do what others may not
        self.run("CREATE USER teamtalk@'%'", "GRANT ALL ON teamtalk.* TO teamtalk@'%'")
        self.url = f"mysql://teamtalk@127.0.0.1:{self.server.port}/teamtalk"
        self._others: list[Any] = []  # Any: MySQLdb's connections

    def run(self, *statements: str) -> list[tuple[Any, ...]]:
        with closing(self.server.connect()) as connection, closing(connection.cursor()) as cursor:
            for statement in statements:
                cursor.execute(statement)
            return list(cursor.fetchall())

    def crowd(self) -> None:
        """Give all connections to others."""
        self._others = [self.server.connect() for _ in range(2 * MOST)]
        with closing(self._others[0].cursor()) as cursor:
            cursor.execute(f"SET GLOBAL max_connections = {MOST}")
            cursor.execute("SELECT id FROM information_schema.processlist WHERE user = 'teamtalk'")
            for (number,) in cursor.fetchall():
                cursor.execute(f"KILL {number}")

    def make_room(self) -> None:
        with closing(self._others[0].cursor()) as cursor:
            cursor.execute("SET GLOBAL max_connections = 151")
        for other in self._others:
            other.close()

    def make_read_only(self) -> None:
        self.run("SET GLOBAL read_only = 1")

    def make_writable(self) -> None:
        self.run("SET GLOBAL read_only = 0")


@pytest.fixture
def hindered(mariadb_template: bytes) -> Iterator[Hindered]:
    hindered = Hindered(mariadb_template)
    yield hindered
    hindered.server.stop()


@pytest.fixture
def server(hindered: Hindered, tmp_path: Path) -> Iterator[Server]:
    """A server whose log must have no traceback at the end."""
    server = Server(hindered.url, tmp_path / "var").start()
    try:
        yield server
        assert server.stop() == 0
        assert server.complaints() == []
    finally:
        server.kill()


async def test_without_a_connection_left_all_are_told_and_later_served(
    hindered: Hindered, server: Server
) -> None:
    console = as_header(operators_cookies(server.http_port))
    async with Entrance(server.port) as entrance:
        ada, bob = await entrance.log_in(ADA), await entrance.connect()

        hindered.crowd()
        page = Visit("/admin/im/imuser/", 200, (console, CHINESE)).ask(server.http_port)
        links = Visit("/api/discovery", 200, (CHINESE,)).ask(server.http_port)
        found = Visit("/msg_server", 200).ask(server.http_port)
        refused = await bob.try_log_in(BOB.name)
        number = ada.send(buddy_pb2.IMUsersInfoReq(user_id=0, user_id_list=[1]))
        hindered.make_room()
        later = Visit("/admin/im/imuser/", 200, (console,)).ask(server.http_port)
        bob = await entrance.log_in(BOB)

        assert (page.status, "没有可用的连接" in page.text) == (503, True)
        assert (links.status, "没有可用的连接" in json.loads(links.body)["text"]) == (503, True)
        assert found.status == later.status == 200
        assert refused.result_code == int(LoginResult.NO_DB_SERVER)
        assert await ada.tell(bob.user_id, "again") == 1
        assert number


async def test_while_nothing_can_be_changed_all_is_read_and_changes_are_refused(
    hindered: Hindered, server: Server
) -> None:
    console = Console(server.http_port)
    console.post("/login/", username="chief", password=PASSWORD)
    signature = buddy_pb2.IMChangeSignInfoReq(user_id=0, sign_info="new")
    async with Entrance(server.port) as entrance:
        ada = await entrance.log_in(ADA)

        hindered.make_read_only()
        bob = await entrance.log_in(BOB)
        page = console.get("/im/imuser/1/change/")
        with pytest.raises(HTTPError) as refused:
            console.post("/im/imuser/1/change/", nick="Ada")
        signed = await ada.call(signature, buddy_pb2.IMChangeSignInfoRsp)
        ada.send(text_to(ada.user_id, bob.user_id, "lost"))
        heard = await bob.silence(message_pb2.IMMsgData)
        hindered.make_writable()
        console.post("/im/imuser/1/change/", nick="Ada")
        signed_later = await ada.call(signature, buddy_pb2.IMChangeSignInfoRsp)

        assert ADA.name in page
        assert refused.value.code == 503
        assert "read-only" in refused.value.read().decode()
        assert (signed.result_code, signed_later.result_code) == (1, 0)
        assert heard
        # The writer may have had an attempt left for the first one.
        assert await ada.tell(bob.user_id, "again") in (1, 2)
