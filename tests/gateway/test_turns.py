"""What one connection may make the loop do in one turn and in a second, whatever it sends.

From the transport's bytes to the answers, with a clock that jumps: turns and commands are counted,
never timed.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from pytest_django.fixtures import Settings

from im.consumers import client
from im.consumers.client import LoginServerConsumer, TcpConsumer
from im.consumers.inbox import COST_OF_DROPPED, STRANGERS_TURN, TURN
from im.peer_log import IN_FULL
from im.types import ClientType
from im.wire.catalog import Command, encode
from im.wire.pdu import Pdu
from im.wire.proto import buddy_pb2, message_pb2
from tcpgateway.connection import Connection
from tests.clock import run_jumping
from tests.gateway.connected import Connected, connected
from tests.gateway.transport import RecordingTransport, SmallHost

HEARTBEAT = Pdu(Command.OTHER_HEARTBEAT).encode()
TIME_REQUEST = encode(message_pb2.IMClientTimeReq())
BAD_BODY = Pdu(Command.MSG_LIST_REQUEST, b"\xff").encode()
UNKNOWN = Pdu(0x7777).encode()
LOGGED_IN_ID = 10


class Opened:
    """A connection to a node, with a transport that remembers."""

    def __init__(self, ada: Connected, consumer: TcpConsumer, *, user_id: int = 0) -> None:
        self.host = SmallHost()
        self.host.max_pdu_bytes = self.host.login_pdu_bytes = 1 << 20
        self.host.outbox_bytes = 1 << 30
        self.transport = RecordingTransport()
        self.connection = Connection(self.host, consumer)
        self.connection.connection_made(self.transport)
        self.counters = ada.node.counters
        if user_id:
            ada.node.sessions.bind(consumer._session, user_id, ClientType.WINDOWS)

    def arrive(self, data: bytes) -> None:
        """Let one read bring these bytes."""
        self.connection.data_received(data)

    def echoes(self) -> int:
        """Return how many heartbeats were answered."""
        return b"".join(self.transport.writes).count(HEARTBEAT)

    @property
    def is_read(self) -> bool:
        """Whether the transport is to read on."""
        wishes = [call for call in self.transport.calls if call.endswith("_reading")]
        return not wishes or wishes[-1] == "resume_reading"

    @property
    def is_closed(self) -> bool:
        """Whether our side has ended the connection."""
        return "write_eof" in self.transport.calls


@asynccontextmanager
async def opened(
    monkeypatch: pytest.MonkeyPatch,
    *,
    user_id: int = LOGGED_IN_ID,
    consumer: type[TcpConsumer] = TcpConsumer,
) -> AsyncIterator[Opened]:
    async with connected() as ada:
        monkeypatch.setattr(client, "here", lambda: ada.node)
        yield Opened(ada, consumer(), user_id=user_id)


# --- one turn ---------------------------------------------------------------------------------


async def test_what_one_read_brings_is_worked_on_over_several_turns(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with opened(monkeypatch) as flood:
        flood.arrive(3 * TURN * HEARTBEAT)
        per_turn = []
        for _ in range(5):
            await asyncio.sleep(0)
            per_turn.append(flood.echoes())

        assert per_turn == [TURN, 2 * TURN, 3 * TURN, 3 * TURN, 3 * TURN]


async def test_nothing_is_read_while_something_waits_and_all_is_answered_in_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with opened(monkeypatch) as flood:
        flood.arrive(2 * TURN * HEARTBEAT)
        is_read_at_first = flood.is_read
        for _ in range(5):
            await asyncio.sleep(0)

        assert not is_read_at_first
        assert flood.is_read
        assert flood.echoes() == 2 * TURN
        assert not flood.is_closed


async def test_long_commands_make_a_turn_shorter(monkeypatch: pytest.MonkeyPatch) -> None:
    question = buddy_pb2.IMUsersStatReq(user_id=1, user_id_list=range(1, 1001))
    async with opened(monkeypatch) as flood:
        flood.arrive(10 * encode(question))
        at_once = flood.connection._outbox._parts[:]

        assert len(at_once) <= 2


async def test_another_connections_commands_come_in_between(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with connected() as ada:
        monkeypatch.setattr(client, "here", lambda: ada.node)
        flood = Opened(ada, TcpConsumer(), user_id=LOGGED_IN_ID)
        other = Opened(ada, TcpConsumer(), user_id=LOGGED_IN_ID + 1)

        flood.arrive(50 * TURN * HEARTBEAT)
        other.arrive(HEARTBEAT)
        await asyncio.sleep(0)

        assert other.echoes() == 1
        assert flood.echoes() <= 2 * TURN


async def test_a_bad_frame_behind_many_commands_is_noticed_when_it_is_its_turn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with opened(monkeypatch) as flood:
        flood.arrive(2 * TURN * HEARTBEAT + bytes(16) + HEARTBEAT)
        for _ in range(6):
            await asyncio.sleep(0)

        assert flood.echoes() == 2 * TURN
        assert flood.is_closed


async def test_a_connection_that_ends_in_the_middle_of_its_turns_is_not_worked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with opened(monkeypatch) as flood:
        flood.arrive(10 * TURN * HEARTBEAT)
        flood.connection.connection_lost(None)
        for _ in range(5):
            await asyncio.sleep(0)

        assert flood.echoes() == 0


# --- before the login -------------------------------------------------------------------------


@pytest.mark.parametrize("command", [HEARTBEAT, TIME_REQUEST], ids=["heartbeats", "time"])
async def test_a_stranger_is_closed_who_sends_more_than_a_handful(
    monkeypatch: pytest.MonkeyPatch, settings: Settings, command: bytes
) -> None:
    async with opened(monkeypatch, user_id=0) as stranger:
        stranger.arrive(1000 * command)
        for _ in range(5):
            await asyncio.sleep(0)

        answers = b"".join(stranger.transport.writes)
        assert stranger.is_closed
        assert len(answers) // 16 <= 3 * (settings.IM_LOGIN_COMMANDS_PER_SECOND + STRANGERS_TURN)
        assert stranger.counters["strangers too fast"] == 1


def test_a_stranger_who_asks_now_and_then_may_stay(
    monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    async def test() -> None:
        async with opened(monkeypatch, user_id=0) as stranger:
            for _ in range(10):
                stranger.arrive(settings.IM_LOGIN_COMMANDS_PER_SECOND * HEARTBEAT)
                await asyncio.sleep(1.01)

            assert stranger.echoes() == 10 * settings.IM_LOGIN_COMMANDS_PER_SECOND
            assert not stranger.is_closed

    run_jumping(test())


async def test_the_bound_for_strangers_is_a_setting(
    monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    settings.IM_LOGIN_COMMANDS_PER_SECOND = 0  # no limit
    async with opened(monkeypatch, user_id=0) as stranger:
        stranger.arrive(200 * HEARTBEAT)
        for _ in range(50):
            await asyncio.sleep(0)

        assert stranger.echoes() == 200
        assert not stranger.is_closed


async def test_a_login_byte_by_byte_is_no_flood(monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened(monkeypatch, user_id=0) as stranger:
        for byte in 5 * TIME_REQUEST:
            stranger.arrive(bytes([byte]))
        await asyncio.sleep(0)

        assert len(stranger.transport.writes) == 1
        assert not stranger.is_closed


async def test_the_login_servers_port_has_the_same_bound(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with opened(monkeypatch, user_id=0, consumer=LoginServerConsumer) as stranger:
        stranger.arrive(1000 * HEARTBEAT)
        for _ in range(5):
            await asyncio.sleep(0)

        assert stranger.is_closed
        assert stranger.echoes() == 0  # that port knows no heartbeats


# --- after the login --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "cost"),
    [
        pytest.param(HEARTBEAT, 1, id="heartbeats"),
        pytest.param(TIME_REQUEST, 1, id="time"),
        pytest.param(BAD_BODY, COST_OF_DROPPED, id="bad bodies"),
        pytest.param(UNKNOWN, COST_OF_DROPPED, id="unknown commands"),
    ],
)
def test_every_command_has_a_rate(
    monkeypatch: pytest.MonkeyPatch, settings: Settings, command: bytes, cost: int
) -> None:
    settings.IM_COMMANDS_PER_SECOND = rate = 10 * COST_OF_DROPPED
    per_second = rate // cost

    async def test() -> None:
        async with opened(monkeypatch) as flood:
            loop = asyncio.get_running_loop()
            began_s = loop.time()
            flood.arrive(3 * per_second * command)
            while not flood.is_read:  # noqa: ASYNC110  # nothing tells
                await asyncio.sleep(0.01)

            assert loop.time() - began_s == pytest.approx(2, abs=0.2)
            assert not flood.is_closed

    run_jumping(test())


def test_who_was_silent_may_send_a_seconds_worth_at_once(
    monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    settings.IM_COMMANDS_PER_SECOND = 1000

    async def test() -> None:
        async with opened(monkeypatch) as flood:
            await asyncio.sleep(60)
            began_s = asyncio.get_running_loop().time()
            flood.arrive(1000 * HEARTBEAT)
            while flood.echoes() < 1000:  # noqa: ASYNC110  # nothing tells
                await asyncio.sleep(0)

            assert asyncio.get_running_loop().time() - began_s < 0.01

    run_jumping(test())


def test_reads_that_complete_nothing_have_a_rate(
    monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    settings.IM_COMMANDS_PER_SECOND = 10 * TURN

    async def test() -> None:
        async with opened(monkeypatch, user_id=0) as slow:
            slow.arrive(Pdu(Command.OTHER_HEARTBEAT, bytes(100_000)).encode()[:16])
            for _ in range(9 * TURN):
                slow.arrive(b"\0")
            is_read_until_then = slow.is_read
            for _ in range(2 * TURN):
                slow.arrive(b"\0")
            is_read_beyond = slow.is_read
            await asyncio.sleep(1)

            assert (is_read_until_then, is_read_beyond) == (True, False)
            assert slow.transport.calls == ["pause_reading", "resume_reading"]

    run_jumping(test())


def test_the_bound_for_commands_is_a_setting(
    monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    settings.IM_COMMANDS_PER_SECOND = 0  # no limit

    async def test() -> None:
        async with opened(monkeypatch) as flood:
            began_s = asyncio.get_running_loop().time()
            flood.arrive(20_000 * HEARTBEAT)
            while flood.echoes() < 20_000:  # noqa: ASYNC110  # nothing tells
                await asyncio.sleep(0)

            assert asyncio.get_running_loop().time() == began_s

    run_jumping(test())


# --- the log ----------------------------------------------------------------------------------


def test_ten_thousand_bad_bodies_leave_a_few_lines(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, settings: Settings
) -> None:
    settings.IM_COMMANDS_PER_SECOND = 0

    async def test() -> None:
        async with opened(monkeypatch) as flood:
            flood.arrive(10_000 * BAD_BODY)
            while not flood.is_read:  # noqa: ASYNC110  # nothing tells
                await asyncio.sleep(0)

            assert flood.counters["bad bodies"] == 10_000

    caplog.set_level(logging.INFO)
    run_jumping(test())

    assert len(caplog.messages) <= IN_FULL


async def test_a_hundred_strangers_of_one_address_leave_a_few_lines(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with connected() as ada:
        monkeypatch.setattr(client, "here", lambda: ada.node)
        for _ in range(100):
            for what in (bytes(16), 100 * HEARTBEAT, UNKNOWN):
                stranger = Opened(ada, TcpConsumer())
                stranger.arrive(what)
                await asyncio.sleep(0)
                await asyncio.sleep(0)

    assert len(caplog.messages) <= 3 * IN_FULL
