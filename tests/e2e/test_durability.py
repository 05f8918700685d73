"""An ACK means committed: whatever is killed, cut or locked, what was promised is there, once."""

import asyncio
import itertools
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from im.wire.catalog import Command
from im.wire.proto import message_pb2
from tests import services
from tests.client import Client
from tests.consistency import Acked, assert_consistent
from tests.e2e.conftest import make_database
from tests.e2e.database import Database
from tests.e2e.flood import Flood, Told
from tests.people import Entrance, People, Person
from tests.proxy import Proxy, Statement
from tests.server import Server

TALKERS = 6
# Acknowledged messages before each kill: among first messages, soon after, in full flow.
MOMENTS = (1, 300, 1500)
PATIENCE_S = 10.0
LOCKED_S = 2.0
RETRY_S = 0.5  # clients wait 5 s before they send a message again

ON_SQLITE, ON_MARIADB = (
    pytest.mark.parametrize("own_database_url", [kind], indirect=True, scope="module")
    for kind in ("sqlite", "mariadb")
)


@pytest.fixture(scope="module", params=["sqlite", "mariadb"])
def own_database_url(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> str:
    """DATABASE_URL of a database in which only these tests write."""
    return make_database(request, tmp_path_factory, request.param, "durability")


@pytest.fixture(scope="module")
def proxy(mariadb: services.MariaDB) -> Iterator[Proxy]:
    """A proxy between a server and MariaDB."""
    with Proxy(mariadb.port) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def server(
    own_database_url: str,
    proxy: Proxy,
    mariadb: services.MariaDB,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Server]:
    """A server that reaches its MariaDB through the proxy."""
    url = own_database_url.replace(f":{mariadb.port}/", f":{proxy.port}/")
    server = Server(url, tmp_path_factory.mktemp("var"), IM_MESSAGES_PER_SECOND=0).start()
    yield server
    server.kill()
    assert server.complaints() == []


# --- the process dies in a flood --------------------------------------------------------------


async def test_a_server_killed_in_a_flood_keeps_what_it_acknowledged(
    own_database_url: str, people: People, data_dir: Path
) -> None:
    server = Server(own_database_url, data_dir, IM_MESSAGES_PER_SECOND=0)
    told = Told()
    talkers: list[Person] = []

    for moment in MOMENTS:
        server.start()
        talkers += people(TALKERS)
        async with Flood(server.port, talkers[-TALKERS:], told):
            await told.reach(moment)
            await asyncio.to_thread(server.kill)
    server.start()

    assert len(told.acked) >= sum(MOMENTS)
    assert told.read
    assert_consistent(own_database_url, told.acked, told.read)
    assert await _unread_as_clients_see_it(server, talkers) == _unread_of(own_database_url, talkers)
    assert server.stop() == 0
    assert server.complaints() == []


async def _unread_as_clients_see_it(
    server: Server, people: Sequence[Person]
) -> dict[tuple[int, int], int]:
    counts = {}
    async with Entrance(server.port) as entrance:
        for person in people:
            client = await entrance.log_in(person)
            for peer_id, count in (await client.unread_counts()).items():
                counts[person.id, peer_id] = count
    return counts


def _unread_of(database_url: str, people: Sequence[Person]) -> dict[tuple[int, int], int]:
    database = Database(database_url)
    rows = database.rows(
        "SELECT small_id, big_id, sent_big - seen_small FROM im_conversation"
    ) + database.rows("SELECT big_id, small_id, sent_small - seen_big FROM im_conversation")
    ids = {person.id for person in people}
    return {(reader, peer): count for reader, peer, count in rows if count and reader in ids}


# --- the connection or the process is lost around COMMIT ----------------------------------------


@ON_MARIADB
async def test_a_message_whose_commit_never_arrived_is_stored_when_the_client_repeats_it(
    own_database_url: str, server: Server, proxy: Proxy, people: People
) -> None:
    ada, bob = people(2)
    async with Entrance(server.port) as entrance:
        a = await entrance.log_in(ada)
        lost = _at_commit(proxy, Statement.lose)

        seq = a.say(bob.id, "commit never arrived")
        acks = await a.arrived(message_pb2.IMMsgDataAck)
        a.say(bob.id, "commit never arrived", seq)
        ack = await a.receive(message_pb2.IMMsgDataAck, seq)

    assert lost.wait(PATIENCE_S)
    assert acks == []
    assert ack.msg_id == 1
    assert_consistent(own_database_url, [Acked(ada.id, bob.id, 1, "commit never arrived")])


@ON_MARIADB
async def test_a_message_whose_commit_was_answered_to_nobody_is_acknowledged_and_stored_once(
    own_database_url: str, server: Server, proxy: Proxy, people: People
) -> None:
    ada, bob = people(2)
    async with Entrance(server.port) as entrance:
        a = await entrance.log_in(ada)
        b = await entrance.log_in(bob)
        lost = _at_commit(proxy, _commit_unheard)

        msg_id = await a.tell(bob.id, "commit unheard")
        pushed = await b.receive(message_pb2.IMMsgData)

    assert lost.wait(PATIENCE_S)
    assert (pushed.msg_id, pushed.msg_data) == (msg_id, b"commit unheard")
    assert_consistent(own_database_url, [Acked(ada.id, bob.id, msg_id, "commit unheard")])


@ON_MARIADB
@pytest.mark.parametrize(
    ("commit", "stored"),
    [
        (Statement.lose, [[]]),
        (Statement.pass_on, [[], [(1, b"killed")]]),  # as it comes
        (Statement.send, [[(1, b"killed")]]),
    ],
    ids=["before", "during", "after"],
)
async def test_a_server_killed_around_commit_has_stored_all_or_nothing_and_told_nobody(
    own_database_url: str,
    server: Server,
    proxy: Proxy,
    people: People,
    commit: Callable[[Statement], object],
    stored: list[list[tuple[int, bytes]]],
) -> None:
    ada, bob = people(2)

    def kill(statement: Statement) -> None:
        commit(statement)
        server.kill()

    killed = _at_commit(proxy, kill)
    async with Entrance(server.port) as entrance:
        a = await entrance.log_in(ada)
        a.say(bob.id, "killed")
        assert await a.closed()
    assert await asyncio.to_thread(killed.wait, PATIENCE_S)
    server.start()

    async with Entrance(server.port) as entrance:
        b = await entrance.log_in(bob)
        history, unread = await b.history(ada.id), await b.unread_counts()

    acks = [pdu for pdu in a.unread if pdu.command_id == Command.MSG_DATA_ACK]
    assert acks == []
    assert history in stored
    assert unread == ({ada.id: 1} if history else {})
    assert_consistent(own_database_url, [])


def _at_commit(proxy: Proxy, strike: Callable[[Statement], None]) -> threading.Event:
    """Strike at the next COMMIT of a transaction that stores messages."""
    return proxy.at(b"COMMIT", strike, after=b"IMMessage_")


def _commit_unheard(commit: Statement) -> None:
    commit.send()
    commit.lose()


# --- the database dies ------------------------------------------------------------------------


@pytest.fixture
def own_mariadb(mariadb_people: bytes) -> Iterator[services.MariaDB]:
    """A MariaDB that may be crashed, with the people in its database "own"."""
    server = services.MariaDB()
    server.load("own", mariadb_people)
    yield server
    server.stop()


async def test_a_database_that_crashes_under_load_costs_time_but_no_promise(
    own_mariadb: services.MariaDB, people: People, data_dir: Path
) -> None:
    url = f"{own_mariadb.url}/own"
    server = Server(url, data_dir, IM_MESSAGES_PER_SECOND=0).start()
    told = Told()
    talkers = people(2 * TALKERS)
    async with Entrance(server.port) as entrance, asyncio.TaskGroup() as tasks:
        clients = [await entrance.log_in(person) for person in talkers]
        is_over = asyncio.Event()
        for client, peer in zip(clients, [*talkers[1:], talkers[0]], strict=True):
            tasks.create_task(_insist(client, peer.id, told, is_over))

        await told.reach(200)
        await asyncio.to_thread(own_mariadb.crash)
        await asyncio.to_thread(own_mariadb.run)
        await told.reach(200)
        is_over.set()

    assert_consistent(url, told.acked)
    assert server.stop() == 0
    assert server.complaints() == []


async def _insist(client: Client, peer_id: int, told: Told, is_over: asyncio.Event) -> None:
    """Send texts one after the other, each again and again until it is acknowledged."""
    for number in itertools.count():
        if is_over.is_set():
            return
        content = f"{client.user_id}: {number}"
        seq = client.say(peer_id, content)
        while (ack := await _ack(client, seq)) is None:
            client.say(peer_id, content, seq)
        told.acknowledged(Acked(client.user_id, peer_id, ack.msg_id, content))


async def _ack(client: Client, seq: int) -> message_pb2.IMMsgDataAck | None:
    try:
        return await client.receive(message_pb2.IMMsgDataAck, seq, timeout_s=RETRY_S)
    except TimeoutError:
        return None


# --- the file is locked -----------------------------------------------------------------------


@ON_SQLITE
async def test_messages_wait_while_another_process_writes_to_the_sqlite_file(
    own_database_url: str, people: People, data_dir: Path
) -> None:
    server = Server(own_database_url, data_dir, IM_MESSAGES_PER_SECOND=0).start()
    ada, bob = people(2)
    contents = [f"locked out {n}" for n in range(50)]
    async with Entrance(server.port) as entrance:
        a = await entrance.log_in(ada)
        with closing(Database(own_database_url).connect()) as other:
            other.execute("BEGIN IMMEDIATE")
            sent = [(a.say(bob.id, content), content) for content in contents]
            was_silent = await a.silence(message_pb2.IMMsgDataAck, for_s=LOCKED_S)
            other.rollback()
        acked = [
            Acked(
                ada.id,
                bob.id,
                (await a.receive(message_pb2.IMMsgDataAck, seq)).msg_id,
                content,
            )
            for seq, content in sent
        ]

    assert was_silent
    assert [message.msg_id for message in acked] == [*range(1, 51)]
    assert_consistent(own_database_url, acked)
    assert server.stop() == 0
    assert server.complaints() == []
