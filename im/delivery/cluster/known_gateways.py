"""The gateways that this process knows, for when the registry can't be asked or has lost them.

Clients ask discovery before they can do anything else, so an outage of Redis must not keep them
from gateways that work.  What the registry said last is kept in memory and, for processes that
start during the outage, as addresses in a file of the data directory.
"""

import asyncio
import json
import logging
import os
import random
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.conf import settings

from im.delivery.cluster.gateway_registry import Choice, Gateway, choose, open_registry
from im.types import LoginResult

log = logging.getLogger(__name__)

ASK_S = 1.0  # for the registry's answer: a client waits
FRESH_S = 1.0  # an answer is good for so long, an outage too
FORGET_S = (
    60.0  # a registry that is back is empty until all have reported; one that stays so is right
)

Address = tuple[str, str, int]  # host, backup host, port


class KnownGateways:
    """What a process remembers.  Belongs to the process's loop, but for `is_down`."""

    def __init__(self) -> None:
        self._gateways: list[Gateway] = []
        self._learnt_at = 0.0  # when the registry last named any
        self._ask_at = 0.0
        self._is_current = False
        self._kept: set[Address] | None = None  # what is in the file; None: not read yet

    # --- what the registry says ---------------------------------------------------------------

    def learn(self, live: list[Gateway]) -> None:
        """Take note of the registry's answer.  An empty one is not believed for FORGET_S."""
        now = time.monotonic()
        self._is_current = True
        if any(one.port for one in live):
            self._gateways, self._learnt_at = list(live), now
            self._keep()
        elif now - self._learnt_at > FORGET_S:
            self._gateways = []

    def add(self, gateway: Gateway) -> None:
        """Take note of a gateway that lives though the registry can't be told."""
        self._is_current = False
        others = [one for one in self._remembered() if _address(one) != _address(gateway)]
        self._gateways = [*others, gateway]
        self._keep()

    async def refresh(self) -> None:
        """Ask the registry, unless it was asked a moment ago; ASK_S at most."""
        now = time.monotonic()
        if now < self._ask_at and self._gateways:
            return
        self._ask_at = now + FRESH_S
        try:
            async with asyncio.timeout(ASK_S):
                self.learn(await open_registry().live())
        except Exception as exc:  # noqa: BLE001  # whatever Redis raises: what is known will do
            if self._is_current:
                log.warning("the gateway registry can't be reached: %s", str(exc) or "no answer")
            self._is_current = False

    # --- what is known ------------------------------------------------------------------------

    @property
    def is_down(self) -> bool:
        """Whether the registry was asked a moment ago, in vain."""
        return not self._is_current and time.monotonic() < self._ask_at

    def all(self) -> list[Gateway]:
        """Return the gateways that the registry named last."""
        return list(self._remembered())

    def choice(self) -> Choice:
        """Return the least loaded gateway, or any that has lived when their load is not known."""
        gateways = self._remembered()
        if self._is_current:
            return choose(gateways)
        there = [one for one in gateways if one.port and not one.is_retired]
        if not there:
            return Choice(LoginResult.NO_MSG_SERVER)
        return Choice(LoginResult.NONE, random.choice(there))  # spreads, no secret

    # --- the file -----------------------------------------------------------------------------

    def _remembered(self) -> list[Gateway]:
        if not self._gateways and not self._is_current:
            self._gateways = [_gateway(address) for address in sorted(self._read())]
        return self._gateways

    def _read(self) -> set[Address]:
        if self._kept is None:
            self._kept = _read(_path())
        return self._kept

    def _keep(self) -> None:
        """Write the addresses where they have changed; a thread does it, for the disk may hang."""
        if not settings.REDIS_URL:
            return
        addresses = {_address(one) for one in self._gateways if one.port}
        if addresses and addresses != self._read():
            self._kept = addresses
            asyncio.get_running_loop().run_in_executor(None, _write, _path(), addresses)


memory = KnownGateways()  # this process's


def _path() -> Path:
    return Path(settings.IM_DATA_DIR) / "gateways.json"


def _address(gateway: Gateway) -> Address:
    return gateway.host, gateway.backup_host, gateway.port


def _gateway(address: Address) -> Gateway:
    host, backup_host, port = address
    return Gateway(f"{host}:{port}", "", host, backup_host, port, connections=0, capacity=1)


def _read(path: Path) -> set[Address]:
    try:
        return {_checked(entry) for entry in json.loads(path.read_text())}
    except FileNotFoundError:
        return set()
    except (OSError, ValueError, TypeError) as exc:  # a broken file is as good as none
        log.warning("%s can't be read: %s", path, exc)
        return set()


def _checked(entry: Any) -> Address:  # Any: JSON
    host, backup_host, port = entry
    return str(host), str(backup_host), int(port)


def _write(path: Path, addresses: Iterable[Address]) -> None:
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft.write_text(json.dumps(sorted(addresses)))
        os.replace(draft, path)
    except OSError as exc:
        log.warning("%s can't be written: %s", path, exc.strerror)
