"""The pulse of a gateway: its loop's lag, its figures for the registry, and what is due on time.

Each minute statistics are written, and browsers' sessions and tokens that are over are deleted, as
are imports that nobody confirmed.
"""

import asyncio
import logging
import time
from dataclasses import replace
from functools import partial

from django.conf import settings
from django.contrib.sessions.backends.db import SessionStore

from im import peer_log
from im.delivery.node import Node
from im.services.directory import pending_imports
from im.services.identity import tokens, web_sessions
from im.services.monitoring import statistics
from im.storage import connections
from im.storage.retry import repeated

log = logging.getLogger(__name__)

BEAT_S = 1.0
REPORT_BEATS = 3  # figures are told with the lease, which is renewed less often
FLUSH_BEATS = 60


class Pulse:
    """Beats once a second, from `start` until `stop`."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._task: asyncio.Task[None] | None = None
        self._is_flushing = False
        self._late_s = 0.0
        self._stored = statistics.stored()
        self._reported_at = time.monotonic()

    def start(self) -> None:
        """Begin to beat."""
        self._node.gateway = replace(
            self._node.gateway, started=int(time.time()), version=settings.IM_VERSION
        )
        self._task = self._node.loop.create_task(self._beat())

    async def stop(self) -> None:
        """Stop, and write what is counted; the node has stored its last message."""
        if self._task is not None:
            self._task.cancel()
        await asyncio.to_thread(_flush_and_close)

    async def _beat(self) -> None:
        beats = 0
        while True:
            due = self._node.loop.time() + BEAT_S
            await asyncio.sleep(BEAT_S)
            self._late_s = max(self._late_s, self._node.loop.time() - due)
            beats += 1
            peer_log.account()
            if beats % REPORT_BEATS == 0:
                self._report()
            if beats % FLUSH_BEATS == 0 and not self._is_flushing:
                self._is_flushing = True
                self._node.in_thread(partial(repeated, _flush_and_sweep), self._flushed)

    def _report(self) -> None:
        now, stored = time.monotonic(), statistics.stored()
        per_s = (stored - self._stored) / (now - self._reported_at)
        self._node.gateway = replace(
            self._node.gateway,
            users=len(list(self._node.sessions.users())),
            messages_per_s=round(per_s, 1),
            lag_ms=round(self._late_s * 1000, 1),
        )
        self._stored, self._reported_at, self._late_s = stored, now, 0.0
        # Who is at two gateways counts twice.
        others = sum(one.users for one in self._node.gateways if one.id != self._node.gateway.id)
        statistics.peak(statistics.Kind.ONLINE, others + self._node.gateway.users)

    def _flushed(self, result: None, error: Exception | None) -> None:
        self._is_flushing = False
        if error is not None:
            log.warning("statistics wait for the database: %s", error)


def _flush_and_sweep() -> None:
    pending_imports.sweep()  # first: it doesn't need the database
    statistics.flush()
    web_sessions.sweep()
    tokens.sweep()
    SessionStore.clear_expired()


def _flush_and_close() -> None:
    try:
        repeated(statistics.flush)
    except Exception as exc:  # noqa: BLE001  # the process ends; its last minute is lost
        log.warning("the last statistics could not be written: %s", exc)
    finally:
        connections.close()
