"""A client that vanishes without a word: no FIN, no RST, as when a cable is pulled.

It lives in a network namespace of its own, whose link is then taken down; that takes root.
"""

import asyncio
import ctypes
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from im.types import ClientType, OnlineStatus
from im.wire.proto import buddy_pb2
from tests import services
from tests.client import Client
from tests.conftest import manage
from tests.server import Server

MISSING = services.missing_for_network_namespaces()
pytestmark = pytest.mark.skipif(MISSING is not None, reason=MISSING or "")

HERE, THERE = "10.213.77.1", "10.213.77.2"
KEEPALIVE_S = 1
CLONE_NEWNET = 0x40000000


def ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True)


@pytest.fixture
def elsewhere() -> Iterator[str]:
    """A network namespace joined to ours by a cable; `ip link set <name> down` pulls it."""
    name = f"imtest{os.getpid() % 100_000}"
    ip("netns", "add", name)
    try:
        ip("link", "add", name, "type", "veth", "peer", "name", "there", "netns", name)
        ip("addr", "add", f"{HERE}/30", "dev", name)
        ip("link", "set", name, "up")
        ip("-n", name, "addr", "add", f"{THERE}/30", "dev", "there")
        ip("-n", name, "link", "set", "there", "up")
        yield name
    finally:
        ip("netns", "del", name)


def connect_from(namespace: str, port: int) -> socket.socket:
    """Return a connection made in the namespace; call it in a thread of its own."""
    libc = ctypes.CDLL(None, use_errno=True)
    with Path("/var/run/netns", namespace).open() as place:
        if libc.setns(place.fileno(), CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "setns")
    return socket.create_connection((HERE, port), timeout=5)


async def test_others_soon_see_that_he_is_gone(
    elsewhere: str, tmp_path: Path, sqlite_template: Path
) -> None:
    url = f"sqlite:///{tmp_path}/teamtalk.sqlite3"
    shutil.copyfile(sqlite_template, tmp_path / "teamtalk.sqlite3")
    manage("seed_demo", "--users", "2", "--password", "pass", database_url=url)
    server = Server(
        url, tmp_path / "var", IM_TCP_HOST="0.0.0.0", IM_KEEPALIVE_SECONDS=KEEPALIVE_S
    ).start()
    try:
        async with await Client.connect(server.port) as observer:
            await observer.log_in("u00001")
            away = await asyncio.to_thread(connect_from, elsewhere, server.port)
            client = Client(*await asyncio.open_connection(sock=away))
            await client.log_in("u00002", client_type=ClientType.MAC)
            came = await next_status(observer, client.user_id)

            ip("link", "set", elsewhere, "down")
            went = await next_status(observer, client.user_id)
            client.abort()
    finally:
        assert server.stop() == 0

    assert (came, went) == (OnlineStatus.ONLINE, OnlineStatus.OFFLINE)
    assert server.complaints() == []


async def next_status(observer: Client, user_id: int) -> int:
    """Wait for the next notice about a user."""
    while True:
        stat = (await observer.receive(buddy_pb2.IMUserStatNotify)).user_stat
        if stat.user_id == user_id:
            return stat.status
