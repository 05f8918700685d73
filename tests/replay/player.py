"""Plays recorded steps at a server: what the clients did then, they do again."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import Self

from im.types import OnlineStatus
from im.wire.catalog import Command, encode
from im.wire.pdu import Pdu
from im.wire.proto import login_pb2
from tests.client import wire_password
from tests.replay.recording import Action, Expected, Step, recorded_pdu
from tests.replay.wires import Wire

WAIT_S = 10.0  # for what must come; only a failure takes so long
STATUS_INTERVAL_S = 0.01  # what the server is started with
PRESENCE_S = 2 * STATUS_INTERVAL_S  # after which news of who is online is on its way
ACROSS_S = 0.5  # after which gateways know of each other's users
LOGIN_SEQ = 101  # of logins that were not recorded


class Player:
    """Holds the connections of one section, by their labels in the recording."""

    def __init__(self, ports: Sequence[int], request: Callable[[bytes], bytes]) -> None:
        """Play at these gateways' ports; `request` translates what clients send.

        A connection whose label ends in @2 goes to the second port.
        """
        self._ports = ports
        self._request = request
        self._wires: dict[str, Wire] = {}
        self._logins: dict[str, Action] = {}
        self._ended: set[str] = set()  # connections whose end was reported
        self._news = asyncio.Event()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        for wire in self._wires.values():
            wire.close()
        await self._until(lambda: all(wire.is_closed for wire in self._wires.values()))

    async def prepare(self, step: Step) -> None:
        """Do what the recorder did unrecorded, and open again what this server closed."""
        lost = [label for label in self._logins if self._is_lost(label)]
        for label in lost:
            await self._act(self._logins[label])
        for action in step.before:
            await self._act(action)
        if lost or step.before:
            await self.quiet(presence=True)
            self.take()

    async def play(self, step: Step, expected: Expected, *, patient: bool) -> None:
        """Do what the step's clients did and wait until it has had all its effects.

        `patient`: what is expected will come, so wait for it.
        """
        for action in step.actions:
            await self._act(action)
        if patient:
            await self._until(lambda: self._has_come(expected))
        senders = [action.label for action in step.actions if action.verb == "send"]
        presence = bool(expected.closed) or any(
            action.verb == "leave" or _is_told_everybody(action) for action in step.actions
        )
        await self.quiet(senders, presence=presence)

    async def quiet(self, senders: Iterable[str] = (), *, presence: bool = False) -> None:
        """Wait until the server has dealt with what `senders` sent and told everybody."""
        for label in senders:
            self._wires[label].ask()
        await self._until(self._all_answered)
        if presence:
            await self._knock()  # the server has seen who left
            await asyncio.sleep(PRESENCE_S if len(self._ports) == 1 else ACROSS_S)
        await self._knock()

    def take(self) -> dict[str, list[Pdu]]:
        """Return what has arrived, per connection that got something, and forget it."""
        taken = {label: wire.take() for label, wire in self._wires.items()}
        return {label: pdus for label, pdus in taken.items() if pdus}

    def take_closed(self) -> set[str]:
        """Return the connections that the server has closed since this was last asked.

        Not those that it displaced: they have a grace of which nobody knows when it ends.
        """
        closed = {label for label in self._wires if self._is_lost(label)} - self._ended
        self._ended |= closed
        return closed

    async def displaced_but_open(self) -> list[str]:
        """Return the displaced connections that the server does not close."""
        displaced = {label: wire for label, wire in self._wires.items() if wire.is_kicked}
        await self._until(lambda: all(wire.is_closed for wire in displaced.values()))
        return [label for label, wire in displaced.items() if not wire.is_closed]

    async def leave(self, labels: Iterable[str]) -> None:
        """Close connections that the original's server had closed, and forget what follows."""
        for label in labels:
            await self._close(label)
            await self.quiet(presence=True)
            self.take()

    async def _act(self, action: Action) -> None:
        label = action.label
        if action.verb == "leave":
            await self._close(label)
        elif action.verb == "send":
            if label not in self._wires or self._is_lost(label):
                await self._open(label)
            self._wires[label].send(self._request(action.data))
        else:
            await self._open(label)
            if action.verb == "login":
                self._logins[label] = action
                self._wires[label].send(_login(action))
                await self._until(lambda: bool(self._wires[label].user_id))

    async def _open(self, label: str) -> None:
        port = self._ports[int(label.partition("@")[2] or 1) - 1]
        self._wires[label] = await Wire.connect(port, self._news.set)
        self._ended.discard(label)

    async def _close(self, label: str) -> None:
        wire = self._wires.pop(label)
        wire.close()
        await self._until(lambda: wire.is_closed)

    def _is_lost(self, label: str) -> bool:
        """Tell whether the server ended a connection, though not for another login."""
        wire = self._wires.get(label)
        return wire is not None and wire.is_closed and not wire.is_kicked

    async def _knock(self) -> None:
        """Wait until everything that was queued for our connections has come."""
        for wire in self._wires.values():
            wire.knock()
        await self._until(self._all_answered)

    def _has_come(self, expected: Expected) -> bool:
        return all(
            len(self._wires[label].pdus) >= len(pdus) for label, pdus in expected.pdus.items()
        ) and all(self._wires[label].is_closed for label in expected.closed)

    def _all_answered(self) -> bool:
        return all(wire.is_answered for wire in self._wires.values())

    async def _until(self, is_so: Callable[[], bool]) -> None:
        """Wait until it is so; what did not come in time is missed by those who compare."""
        deadline = asyncio.get_running_loop().time() + WAIT_S
        while not is_so():
            self._news.clear()
            try:
                async with asyncio.timeout_at(deadline):
                    await self._news.wait()
            except TimeoutError:
                return


# What everybody hears of, gathered for a moment.
_TOLD_EVERYBODY = {
    Command.LOGIN_REQ_USERLOGIN,
    Command.BUDDY_LIST_CHANGE_AVATAR_REQUEST,
    Command.BUDDY_LIST_CHANGE_SIGN_INFO_REQUEST,
}


def _is_told_everybody(action: Action) -> bool:
    return action.verb == "send" and _command(action) in _TOLD_EVERYBODY


def _command(action: Action) -> int:
    return recorded_pdu(action.data).command_id


def _login(action: Action) -> bytes:
    return encode(
        login_pb2.IMLoginReq(
            user_name=action.name,
            password=wire_password("pass"),
            online_status=OnlineStatus.ONLINE,
            client_type=action.client_type,
            client_version="cap/1",
        ),
        LOGIN_SEQ,
    )
