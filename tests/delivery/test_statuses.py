"""What phones hear of their user's PC: each change once, whenever they log in."""

import asyncio
from collections.abc import Callable

import pytest
from pytest_django.fixtures import Settings

from im.delivery.local.sessions import Session
from im.delivery.node import Node
from im.handlers.encoding import notifications
from im.handlers.execution.registry import HANDLERS
from im.services.identity.login import Admitted
from im.types import ClientType, OnlineStatus
from im.wire.catalog import Command
from im.wire.pdu import HEADER, HEADER_LENGTH
from im.wire.proto import buddy_pb2, login_pb2
from tests.clock import run_jumping
from tests.doubles import RecordingLink, session_on
from tests.gateway.connected import BOB, connected

INTERVAL_S = 0.1
ON, OFF = int(OnlineStatus.ONLINE), int(OnlineStatus.OFFLINE)
PC, MAC, PHONE = "PC", "Mac", "phone"
TYPES = {
    PC: ClientType.WINDOWS,
    MAC: ClientType.MAC,
    PHONE: ClientType.ANDROID,
}


class Devices:
    """Bob's devices at a node, and what each is told of the PC."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._sessions: dict[str, Session] = {}
        self._links: dict[str, RecordingLink] = {}

    def on(self, name: str) -> None:
        """Log in, with all that a login is answered with."""
        link = self._links[name] = RecordingLink()
        session = self._sessions[name] = session_on(link, self._node)
        answer = HANDLERS[Command.LOGIN_REQ_USERLOGIN].answer
        assert answer is not None
        request = login_pb2.IMLoginReq(
            user_name="bob", password="", online_status=1, client_type=TYPES[name]
        )
        admitted = Admitted(BOB, 1, "", "", 1, "", "bob", "", "", 0, "", access_key=1)
        for event in answer(session, request, 1, admitted).events:
            for effect in notifications.of(event):
                self._node.apply(effect)

    def off(self, name: str) -> None:
        self._node.close(self._sessions[name])

    def told(self, name: str) -> list[int]:
        """Return the states of the PC this device was told of, in order."""
        return [
            buddy_pb2.IMPCLoginStatusNotify.FromString(pdu[HEADER_LENGTH:]).login_stat
            for pdu in self._links[name].sent
            if HEADER.unpack_from(pdu)[4] == Command.BUDDY_LIST_PC_LOGIN_STATUS_NOTIFY
        ]


Deed = tuple[Callable[[Devices, str], None], str]


def on(name: str) -> Deed:
    return Devices.on, name


def off(name: str) -> Deed:
    return Devices.off, name


WAIT: Deed = (lambda devices, name: None, "")  # until all that was gathered is told


@pytest.mark.parametrize(
    ("deeds", "told"),
    [
        ([on(PC), WAIT, on(PHONE)], [ON]),
        ([on(PHONE), WAIT, on(PC)], [ON]),
        ([on(PHONE), on(PC)], [ON]),
        ([on(PC), on(PHONE)], [ON]),
        ([on(PC), on(PHONE), off(PC)], [ON, OFF]),
        ([on(PC), on(PHONE), off(PC), on(PC)], [ON, ON]),
        ([on(PC), on(PHONE), on(MAC)], [ON, ON]),
        ([on(PC), WAIT, off(PC), on(PHONE)], []),
        ([on(PC), WAIT, off(PC), on(PHONE), on(PC)], [ON]),
        ([on(PHONE), WAIT, on(PC), off(PC)], []),
        ([on(PHONE), WAIT, on(PC), on(PHONE)], [ON]),
        ([on(PHONE)], []),
    ],
)
def test_a_phone_hears_of_each_change_once_whenever_it_comes(
    settings: Settings, deeds: list[Deed], told: list[int]
) -> None:
    settings.IM_STATUS_INTERVAL_SECONDS = INTERVAL_S

    async def test() -> None:
        async with connected() as other:
            devices = Devices(other.node)
            for deed, name in [*deeds, WAIT]:
                deed(devices, name)
                if not name:
                    await asyncio.sleep(10 * INTERVAL_S)

            assert devices.told(PHONE) == told

    run_jumping(test())
