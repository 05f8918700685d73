"""Several nodes in one process, over a layer that loses what it is told to lose."""

import asyncio
import itertools
import threading
from collections.abc import Callable, Collection
from contextlib import suppress

import pytest
from pytest_django.fixtures import Settings

from im.delivery.cluster.bus import Bus
from im.delivery.cluster.catch_up import Marks
from im.delivery.cluster.gateway_registry import Gateway
from im.delivery.cluster.peers import DELIVER, LATE
from im.delivery.local.sessions import Delivery, Ending, Session
from im.delivery.node import Node, Notices
from im.errors import Overloaded
from im.types import ClientType, DeviceClass, MessagePlace, SessionType
from tests.doubles import ConnectingLayer, RecordingLink, session_on

ADA, BOB = 1, 2
PLACE = MessagePlace(SessionType.SINGLE, BOB, ADA, 1)
PATIENCE_S = 5.0


class Stored:
    """The database: what it says was missed, and since when it was asked."""

    def __init__(self) -> None:
        self.deliveries: list[Delivery] = []
        self.keys: dict[int, int] = {}
        self.asked: list[tuple[Marks, set[int]]] = []
        self.error: Exception | None = None
        self._marks = itertools.count()

    def marks(self) -> Marks:
        return (next(self._marks),)

    def missed(self, since: Marks, user_ids: Collection[int]) -> list[Delivery]:
        self.asked.append((since, set(user_ids)))
        if self.error is not None:
            raise self.error
        return self.deliveries

    def keys_changed(self, since: int) -> dict[int, int]:
        return self.keys

    def sessions_ended(self, since: int) -> frozenset[str]:
        return frozenset()

    def keys_of(self, user_ids: Collection[int]) -> dict[int, int]:
        return {user_id: self.keys.get(user_id, 0) for user_id in user_ids}


class System:
    """Gateways of one system; `turn` is what their leases do."""

    def __init__(self) -> None:
        self.layer = ConnectingLayer()
        self.nodes: dict[str, Node] = {}
        self.stored: dict[str, Stored] = {}

    def add(self, name: str) -> Node:
        self.stored[name] = Stored()
        node = Node(
            bus=Bus(self.layer, name),
            gateway=Gateway(name, name, "127.0.0.1", "127.0.0.1", 8000, 0, 10),
            lanes={},
            notices=Notices(lambda user_id: b"displaced", _worded, lambda user_id, is_online: []),
            truth=self.stored[name],
            accounts=self.stored[name],
        )
        self.nodes[name] = node
        self.layer.connect(name, node.receive)
        node.repairs.mark()
        return node

    async def turn(self, *, without: Collection[str] = ()) -> None:
        """Let every gateway look into the registry, in which some are missing."""
        live = [node.entry() for name, node in self.nodes.items() if name not in without]
        for node in self.nodes.values():
            node.turn(live, is_trusted=True)
        await self.settle()

    async def settle(self) -> None:
        """Wait until nothing is on its way any more."""
        for _ in range(50):
            await asyncio.sleep(0)

    def kill(self, name: str) -> None:
        del self.nodes[name]
        self.layer.disconnect(name)


def _worded(user_id: int, is_online: bool) -> list[Delivery]:
    return [Delivery(b"%d %s;" % (user_id, b"on" if is_online else b"off"), None, DeviceClass.PC)]


@pytest.fixture
def system(settings: Settings) -> System:
    settings.IM_STATUS_INTERVAL_SECONDS = 0.01
    settings.IM_KICK_GRACE_SECONDS = 0
    settings.IM_RESYNC_SECONDS = 0.1
    return System()


def log_in(
    node: Node, user_id: int, client_type: ClientType = ClientType.MAC
) -> tuple[Session, RecordingLink]:
    link = RecordingLink()
    session = session_on(link, node)
    node.watch(session)
    node.log_in(session, user_id, client_type)
    return session, link


async def until(condition: Callable[[], object]) -> bool:
    with suppress(TimeoutError):
        async with asyncio.timeout(PATIENCE_S):
            while not condition():  # noqa: ASYNC110  # nodes have no event for it
                await asyncio.sleep(0.005)
    return bool(condition())


def told(link: RecordingLink) -> list[bytes]:
    """Return the statuses a client was told."""
    return [part for part in b"".join(link.sent).split(b";") if part and part != b"displaced"]


# --- what can't be understood -----------------------------------------------------------------


async def test_an_item_that_is_not_understood_costs_the_others_nothing(
    system: System, caplog: pytest.LogCaptureFixture
) -> None:
    node = system.add("a")
    batch = Bus(system.layer, "b")

    for item in (("gossip", 1), ("logins", "x"), ("logins", BOB, [[int(DeviceClass.PC), 7]])):
        batch.post(["a"], item)
    await batch.flush()

    assert node.presence.is_online(BOB)
    assert "b said what is not known here: 'gossip'" in caplog.text
    assert "an item from b is lost: logins" in caplog.text


# --- one login of a class ---------------------------------------------------------------------


async def test_of_two_logins_at_the_same_moment_exactly_one_stays(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.time_ns", lambda: 1_000_000)
    nodes = [system.add(name) for name in ("a", "b", "c")]
    await system.turn()

    links = [log_in(node, ADA)[1] for node in nodes]  # nobody has heard of another yet
    await system.settle()

    assert [link.sent.count(b"displaced") for link in links] == [1, 1, 0]
    assert [node.presence.devices_of(ADA) for node in nodes] == [DeviceClass.PC] * 3
    assert [len(node.sessions) for node in nodes] == [0, 0, 1]


async def test_the_later_login_stays_though_its_gateways_clock_is_behind(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = system.add("a"), system.add("b")
    await system.turn()
    monkeypatch.setattr("time.time_ns", lambda: 5_000_000_000)
    _, old = log_in(first, ADA)
    await system.settle()

    monkeypatch.setattr("time.time_ns", lambda: 1_000)
    _, new = log_in(second, ADA)
    await system.settle()

    assert (old.sent.count(b"displaced"), new.sent.count(b"displaced")) == (1, 0)


async def test_two_logins_that_could_not_hear_of_each_other_are_found_by_the_digests(
    system: System,
) -> None:
    first, second = system.add("a"), system.add("b")
    await system.turn()
    system.layer.is_losing = True
    _, old = log_in(first, ADA)
    _, new = log_in(second, ADA)
    await system.settle()
    system.layer.is_losing = False

    await system.turn()

    assert (old.sent.count(b"displaced"), new.sent.count(b"displaced")) == (1, 0)
    assert first.presence.channels_of([ADA]) == ["b"]
    assert second.presence.channels_of([ADA]) == []


# --- who is told what of presence -------------------------------------------------------------


async def test_a_killed_gateway_takes_its_users_offline_once_and_nobody_who_is_elsewhere(
    system: System,
) -> None:
    first, second, third = (system.add(name) for name in ("a", "b", "c"))
    await system.turn()
    _, observer = log_in(first, 9)
    log_in(third, ADA)
    log_in(third, BOB)
    log_in(second, BOB, ClientType.WEB)
    await system.settle()
    assert await until(lambda: b"2 on" in told(observer))
    before = len(told(observer))

    system.kill("c")
    await system.turn(without=["c"])
    await system.turn(without=["c"])
    log_in(first, 10)
    assert await until(lambda: b"10 on" in told(observer))

    assert told(observer)[before:-1] == [b"1 off"]
    assert [first.presence.is_online(user) for user in (ADA, BOB)] == [False, True]


async def test_who_changes_gateways_is_not_said_to_have_gone(system: System) -> None:
    first, second, third = (system.add(name) for name in ("a", "b", "c"))
    await system.turn()
    _, observer = log_in(third, 9)
    session, _ = log_in(first, ADA)
    await system.settle()
    assert await until(lambda: b"1 on" in told(observer))

    first.close(session)
    log_in(second, ADA)
    await system.settle()
    assert await until(lambda: told(observer).count(b"1 on") == 2)

    assert b"1 off" not in told(observer)


async def test_the_users_of_a_gateway_that_is_stopped_have_time_to_come_back(
    system: System, settings: Settings
) -> None:
    settings.IM_DRAIN_SECONDS = 0.1
    first, second = system.add("a"), system.add("b")
    await system.turn()
    log_in(first, ADA)
    log_in(first, BOB)
    _, observer = log_in(second, 9)
    await system.turn()

    await first.stop()
    system.kill("a")
    await system.turn(without=["a"])
    log_in(second, ADA)

    assert await until(lambda: b"2 off" in told(observer))
    assert b"1 off" not in told(observer)


async def test_a_gateway_that_starts_knows_who_is_elsewhere_before_it_takes_clients(
    system: System, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("im.delivery.cluster.peers.USERS_PER_ITEM", 2)
    first = system.add("a")
    await system.turn()
    for user_id in range(1, 6):
        log_in(first, user_id)
    second = system.add("b")

    second.turn([first.entry(), second.entry()], is_trusted=True)
    assert await second.peers.answered(PATIENCE_S)

    assert [second.presence.is_online(user_id) for user_id in range(1, 7)] == [True] * 5 + [False]
    await system.turn()
    await asyncio.sleep(0)
    assert system.stored["a"].asked == []  # nobody has missed anything


# --- whose access has ended -------------------------------------------------------------------


async def test_sessions_of_another_password_end_and_nobody_elses(system: System) -> None:
    node = system.add("a")
    old, _ = log_in(node, ADA)
    new, _ = log_in(node, ADA, ClientType.IOS)
    other, _ = log_in(node, BOB)
    old.access_key, new.access_key, other.access_key = 1, 2, 3
    system.stored["a"].keys = {ADA: 2}

    node.access.look()

    assert await until(lambda: old.is_leaving)
    assert (new.is_leaving, other.is_leaving) == (False, False)
    assert node.presence.devices_of(ADA) == DeviceClass.MOBILE


async def test_who_logs_in_while_others_are_looked_at_stays(system: System) -> None:
    node = system.add("a")
    old, _ = log_in(node, ADA)
    old.access_key = 1
    system.stored["a"].keys = {ADA: 2, BOB: 2}

    node.access.look()
    newer, _ = log_in(node, BOB)
    newer.access_key = 3

    assert await until(lambda: old.is_leaving)
    assert not newer.is_leaving


async def test_after_a_repair_whom_nobody_knows_any_more_is_gone(system: System) -> None:
    node = system.add("a")
    gone, _ = log_in(node, ADA)
    stays, _ = log_in(node, BOB)
    gone.access_key, stays.access_key = 1, 2
    system.stored["a"].keys = {BOB: 2}

    node.interrupted(node.loop.time())

    assert await until(lambda: gone.is_leaving)
    assert not stays.is_leaving


# --- what was lost ----------------------------------------------------------------------------


async def test_a_lost_delivery_is_repaired_though_nothing_comes_after_it(system: System) -> None:
    first, second = system.add("a"), system.add("b")
    await system.turn()
    _, link = log_in(second, ADA)
    await system.settle()
    system.stored["b"].deliveries = [Delivery(b"from the database", (ADA,))]

    system.layer.is_losing = True
    first.deliver(Delivery(b"lost", (ADA,)))
    await system.settle()
    system.layer.is_losing = False
    await system.turn()

    assert await until(lambda: b"from the database" in link.sent)
    assert b"lost" not in link.sent
    assert system.stored["b"].asked == [((0,), {ADA})]
    assert system.stored["a"].asked == []


async def test_who_logged_in_unheard_gets_what_was_not_sent_to_his_gateway(
    system: System,
) -> None:
    first, second = system.add("a"), system.add("b")
    await system.turn()
    system.stored["b"].deliveries = [Delivery(b"from the database", (ADA,))]
    system.layer.is_losing = True
    _, link = log_in(second, ADA)
    await system.settle()
    system.layer.is_losing = False

    first.deliver(Delivery(b"sent to nobody", (ADA,)))
    await system.turn()

    assert await until(lambda: b"from the database" in link.sent)
    assert first.presence.channels_of([ADA]) == ["b"]


async def test_who_logged_in_a_moment_ago_gets_what_was_not_sent_to_his_gateway_yet(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("im.delivery.cluster.catch_up.LATE_GATHER_S", 0.01)
    first, second = system.add("a"), system.add("b")
    await system.turn()
    log_in(second, BOB)
    await system.settle()
    system.stored["b"].deliveries = [Delivery(b"from the database", (ADA,))]

    _, link = log_in(second, ADA)  # of which the first has not heard yet
    first.deliver(Delivery(b"not sent", (ADA,), place=PLACE))

    assert await until(lambda: b"from the database" in link.sent)
    assert b"not sent" not in link.sent
    assert [users for _, users in system.stored["b"].asked] == [{ADA}]


async def test_who_moves_to_a_gateway_that_knows_he_left_is_sent_nothing_again(
    system: System,
) -> None:
    first, second = system.add("a"), system.add("b")
    await system.turn()
    session, _ = log_in(first, ADA)
    await system.settle()

    first.deliver(Delivery(b"hello", (ADA,), place=PLACE))
    first.close(session)
    await system.settle()
    log_in(second, ADA)
    await system.settle()

    assert first.presence.channels_of([ADA]) == ["b"]
    assert LATE not in system.layer.kinds_sent("b")


async def test_another_device_that_leaves_brings_nothing_again(system: System) -> None:
    first, second = system.add("a"), system.add("b")
    await system.turn()
    log_in(second, ADA)
    phone, _ = log_in(second, ADA, ClientType.ANDROID)
    await system.settle()
    told = len(system.layer.kinds_sent("b"))

    first.deliver(Delivery(b"hello", (ADA,), place=PLACE))
    second.close(phone)
    await system.settle()

    assert system.layer.kinds_sent("b")[told:] == [DELIVER]


async def test_a_gateway_that_was_given_up_by_mistake_is_taken_up_again_and_repaired(
    system: System,
) -> None:
    first, second = system.add("a"), system.add("b")
    await system.turn()
    _, link = log_in(second, ADA)
    await system.settle()
    system.stored["b"].deliveries = [Delivery(b"from the database", (ADA,))]

    first.turn([first.entry()], is_trusted=True)
    first.deliver(Delivery(b"sent to nobody", (ADA,)))
    assert not first.presence.is_online(ADA)
    await system.turn()

    assert await until(lambda: b"from the database" in link.sent)
    assert first.presence.is_online(ADA)


async def test_a_registry_that_cannot_be_trusted_costs_nobody_his_presence(
    system: System,
) -> None:
    first, second = system.add("a"), system.add("b")
    await system.turn()
    log_in(second, ADA)
    await system.settle()

    first.turn([first.entry()], is_trusted=False)

    assert first.presence.is_online(ADA)


@pytest.mark.parametrize("error", [Overloaded("too much"), ConnectionError("no database")])
async def test_what_cannot_be_repaired_ends_the_connections_of_then(
    system: System, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("im.delivery.cluster.catch_up.RETRY_S", 0.01)
    first, second = system.add("a"), system.add("b")
    await system.turn()
    links = [log_in(second, user_id)[1] for user_id in (ADA, BOB)]
    await system.settle()
    system.stored["b"].error = error

    second.interrupted(second.loop.time())

    assert await until(lambda: all(link.closed_after_s == 0 for link in links))
    assert second.repairs.given_up == 1
    assert first.repairs.given_up == 0


async def test_a_database_that_is_back_in_time_spares_the_connections(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("im.delivery.cluster.catch_up.RETRY_S", 0.01)
    node = system.add("a")
    _, link = log_in(node, ADA)
    system.stored["a"].error = ConnectionError("no database")
    node.interrupted(node.loop.time())
    assert await until(lambda: system.stored["a"].asked)

    system.stored["a"].error = None

    assert await until(lambda: node.repairs.done == 1)
    assert link.closed_after_s is None


async def test_an_ending_reaches_other_gateways(system: System) -> None:
    first, second = system.add("a"), system.add("b")
    await system.turn()
    _, pc = log_in(second, ADA)
    _, phone = log_in(second, ADA, ClientType.IOS)
    await system.settle()

    first.end(Ending(ADA, DeviceClass.PC, b"out"))
    await system.settle()

    assert (pc.closed_after_s, phone.closed_after_s) == (0, None)
    assert first.presence.devices_of(ADA) == DeviceClass.MOBILE


async def test_what_a_thread_finishes_at_the_end_reaches_peers_and_nothing_after_it(
    system: System,
) -> None:
    first, second = system.add("a"), system.add("b")
    await system.turn()
    _, link = log_in(second, ADA)
    await system.settle()
    go = threading.Event()
    first.in_thread(go.wait, lambda result, error: first.deliver(Delivery(b"in time", (ADA,))))

    stopping = asyncio.create_task(first.stop())
    await system.settle()
    go.set()
    await stopping
    first.deliver(Delivery(b"too late", (ADA,)))
    await system.settle()

    assert b"in time" in link.sent
    assert b"too late" not in link.sent
