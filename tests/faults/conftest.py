"""A system of its own that may be broken: three gateways, MariaDB, Redis, 200 people."""

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from im.types import SessionType
from tests import services
from tests.conftest import manage
from tests.e2e.database import Database
from tests.faults.chatter import Chatter, Said, Session
from tests.server import Server

PEOPLE = 200
GROUPS = 5
MEMBERS = 20
GATEWAYS = 3
LEASE_S = 6
PATIENCE_S = 40.0
SHARDS = 8


class System:
    """What is broken, and those who use it meanwhile."""

    def __init__(
        self,
        mariadb: services.MariaDB,
        redis: services.Redis,
        database_url: str,
        directory: Path,
    ) -> None:
        self.mariadb = mariadb
        self.redis = redis
        self.database_url = database_url
        self.database = Database(database_url)
        self.gateways = [
            Server(
                database_url,
                directory,
                "rungateway",
                redis_url=redis.url,
                IM_LOGIN_PORT=0,
                IM_LEASE_SECONDS=LEASE_S,
                IM_DRAIN_SECONDS=1,
            )
            for _ in range(GATEWAYS)
        ]
        self.acked: list[Said] = []
        self.chatters = self._make_chatters()
        self._tasks: list[asyncio.Task[None]] = []

    def _make_chatters(self) -> list[Chatter]:
        sessions: dict[int, list[Session]] = {user_id: [] for user_id in range(1, PEOPLE + 1)}
        for user_id, mine in sessions.items():
            for step in (1, 7):  # each pair is made from one side
                peer_id = (user_id + step - 1) % PEOPLE + 1
                mine.append((SessionType.SINGLE, peer_id))
                sessions[peer_id].append((SessionType.SINGLE, user_id))
        for group_id, user_id in self.database.rows(
            "SELECT groupId, userId FROM IMGroupMember WHERE status = 0"
        ):
            if user_id in sessions:
                sessions[user_id].append((SessionType.GROUP, group_id))
        ports = [gateway.port for gateway in self.gateways]
        return [
            Chatter(f"u{user_id:05d}", user_id, mine, ports, self.acked)
            for user_id, mine in sessions.items()
        ]

    @contextlib.asynccontextmanager
    async def talking(self) -> AsyncIterator[None]:
        """Let everybody talk."""
        self._tasks = [asyncio.create_task(chatter.run()) for chatter in self.chatters]
        try:
            await self.all_online()
            yield
        finally:
            tasks, self._tasks = self._tasks, []
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def until(self, condition: Callable[[], bool], what: str) -> None:
        """Wait for a condition.  Fails when it does not come true."""
        deadline = time.monotonic() + PATIENCE_S
        while not condition():
            assert time.monotonic() < deadline, what
            for task in self._tasks:
                assert not task.done(), task.exception()
            await asyncio.sleep(0.05)

    async def all_online(self) -> None:
        await self.until(
            lambda: all(chatter.is_online for chatter in self.chatters), "not all came back"
        )

    async def flow(self, more: int = 300) -> None:
        """Wait until so many more messages were acknowledged."""
        goal = len(self.acked) + more
        await self.until(
            lambda: len(self.acked) >= goal, f"no flow: {len(self.acked)} of {goal} acknowledged"
        )

    async def quiet(self) -> None:
        """Let nobody talk, and wait until what was said is stored or lost."""
        for chatter in self.chatters:
            chatter.is_quiet = True
        counts = [-1, -2]
        while counts[-1] != counts[-2]:
            await asyncio.sleep(1.0)
            counts.append(len(self.acked))

    def speak(self) -> None:
        """Let everybody talk again."""
        for chatter in self.chatters:
            chatter.is_quiet = False

    # --- what is stored -----------------------------------------------------------------------

    def stored(self) -> dict[int, dict[Session, dict[int, str]]]:
        """Return what each person's conversations hold: user -> session -> id -> text."""
        stored: dict[int, dict[Session, dict[int, str]]] = {}
        for shard in range(SHARDS):
            for msg_id, from_id, to_id, content in self.database.rows(
                f"SELECT msgId, fromId, toId, content FROM IMMessage_{shard}"
            ):
                for owner, peer in ((from_id, to_id), (to_id, from_id)):
                    session = (SessionType.SINGLE, peer)
                    stored.setdefault(owner, {}).setdefault(session, {})[msg_id] = content
        members: dict[int, list[int]] = {}
        for group_id, user_id in self.database.rows(
            "SELECT groupId, userId FROM IMGroupMember WHERE status = 0"
        ):
            members.setdefault(group_id, []).append(user_id)
        for group_id, msg_id, content in self._group_rows():
            for owner in members[group_id]:
                session = (SessionType.GROUP, group_id)
                stored.setdefault(owner, {}).setdefault(session, {})[msg_id] = content
        return stored

    def _group_rows(self) -> list[tuple[int, int, str]]:
        return [
            (group_id, msg_id, content)
            for shard in range(SHARDS)
            for group_id, msg_id, content in self.database.rows(
                f"SELECT groupId, msgId, content FROM IMGroupMessage_{shard}"
            )
        ]

    def group_faults(self) -> list[str]:
        """Return which groups' ids are not dense, unique and counted."""
        ids: dict[int, list[int]] = {}
        for group_id, msg_id, _ in self._group_rows():
            ids.setdefault(group_id, []).append(msg_id)
        last: dict[int, int] = dict(
            self.database.rows("SELECT group_id, last_msg_id FROM im_group_counter")
        )
        return [
            f"group {group_id}: {len(found)} messages, counted to {last.get(group_id)}"
            for group_id, found in ids.items()
            if sorted(found) != list(range(1, last.get(group_id, 0) + 1))
        ]

    def said_twice(self) -> list[str]:
        """Return texts that are stored more than once; nobody says the same twice."""
        texts = Counter(content for _, _, content in self._group_rows())
        for shard in range(SHARDS):
            rows = self.database.rows(f"SELECT content FROM IMMessage_{shard}")
            texts.update(content for (content,) in rows)
        return [text for text, times in texts.items() if times > 1]

    async def complete(self) -> None:
        """Wait until everybody has all there is of his conversations."""
        deadline = time.monotonic() + PATIENCE_S
        while missing := self.missing():
            assert time.monotonic() < deadline, missing[:20]
            await asyncio.sleep(0.5)

    def missing(self) -> list[str]:
        """Return what clients lack of their conversations."""
        stored = self.stored()
        return [
            f"{chatter.name} lacks {session}: {sorted(there.keys() - has.keys())}"
            for chatter in self.chatters
            for session, there in stored.get(chatter.user_id, {}).items()
            if there != (has := chatter.got.get(session, {}))
        ]


@pytest.fixture(scope="module")
def system(mariadb_template: bytes, tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    mariadb, redis = services.MariaDB(), services.Redis()
    url = mariadb.load("faults", mariadb_template)
    crowd = ["--users", PEOPLE, "--password", "pass", "--groups", GROUPS, "--members", MEMBERS]
    manage("seed_demo", *map(str, crowd), database_url=url)
    system = System(mariadb, redis, url, tmp_path_factory.mktemp("var"))
    for gateway in system.gateways:
        gateway.start()
    yield system
    for gateway in system.gateways:
        gateway.kill()
    redis.stop()
    mariadb.stop()
