"""Running a gateway: in one process with the web server, or alone.

SIGTERM and SIGINT drain: what was taken is stored and acknowledged before the process ends.
"""

import asyncio
import gc
import logging
import signal
import socket
import sys
from collections.abc import Sequence
from typing import Any

import uvloop
from django.conf import settings
from django.utils.module_loading import import_string

from tcpgateway.lifeline import Lifeline
from tcpgateway.server import GatewayServer, Port, address

log = logging.getLogger(__name__)

# Allocations before the youngest objects are searched for cycles (700 by default), and how often
# that happens before older ones are.  A message makes dozens of objects and no cycle; searching
# 20,000 stops everybody for 13 ms at full load, and what a closed connection leaves can wait.
COLLECT_AFTER = (100_000, 20, 100)

# How long loop and writer thread may keep the interpreter from each other (0.005 by default).  The
# writer asks for it after each statement, several times a batch; much shorter, and switching costs.
SWITCH_S = 0.0005


def load_application() -> Any:
    """Return the ASGI application."""
    return import_string(settings.ASGI_APPLICATION)


def run_with_web(ports: Sequence[Port], http_listener: socket.socket, announce: str) -> None:
    """Serve TCP and HTTP from one loop until a signal comes.  Prints `announce` when ready."""
    loop = uvloop.new_event_loop()
    asyncio.set_event_loop(loop)
    # daphne takes over a reactor that is installed already; its own would not run on uvloop.
    from twisted.internet import asyncioreactor

    asyncioreactor.install(loop)  # type: ignore[no-untyped-call]
    from twisted.internet import reactor

    from tcpgateway.http.server import Server

    application = load_application()
    place = address(ports[0].listener, with_web=True)
    gateway = GatewayServer(application, ports, place, loop)
    loop.run_until_complete(gateway.start())
    _tune_interpreter()

    web = Server(
        application,
        endpoints=[f"fd:fileno={http_listener.detach()}"],  # twisted closes it
        server_name="teamtalk",
        # Ready is who can be stopped, too: signals are handled from when the reactor runs.
        ready_callable=lambda: reactor.callWhenRunning(print, announce, flush=True),
    )
    web.drain = gateway.drain
    web.run()


def _tune_interpreter() -> None:
    """Let threads take turns more often, and the cycle collector begin less often.

    By default the collector, which also searches what is loaded for good, takes a quarter of a
    message's CPU.  Call it when the gateway has started.
    """
    sys.setswitchinterval(SWITCH_S)
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECT_AFTER)


def run_alone(ports: Sequence[Port], lifeline: Lifeline | None = None) -> None:
    """Serve TCP alone until a signal comes, or the supervisor at the lifeline's end is gone."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve_until_signalled(ports, lifeline))


async def _serve_until_signalled(ports: Sequence[Port], lifeline: Lifeline | None) -> None:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    if lifeline is not None:
        lifeline.watch(loop, stop.set)
    gateway = GatewayServer(load_application(), ports, address(ports[0].listener), loop)
    await gateway.start()
    _tune_interpreter()
    log.info("gateway on port %d", gateway.address.port)
    if lifeline is not None:
        lifeline.say_ready()
    await stop.wait()
    await gateway.drain()
    if lifeline is not None:
        lifeline.close(loop)
