"""How an application's start and end are asked for, and what becomes of one that fails."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from tcpgateway.lifespan import Lifespan
from tcpgateway.server import Address, GatewayServer, Port, listen

Receive = Callable[[], Awaitable[dict[str, Any]]]  # Any: ASGI's messages
Send = Callable[[dict[str, Any]], Awaitable[None]]


async def well_behaved(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    for event in ("lifespan.startup", "lifespan.shutdown"):
        assert (await receive())["type"] == event
        await send({"type": f"{event}.complete"})


async def refusing(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    await receive()
    await send({"type": "lifespan.startup.failed", "message": "no Redis"})


async def failing(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    await receive()
    raise ConnectionError("no Redis")


async def leaving(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    await receive()


async def test_an_application_is_started_and_ended() -> None:
    lifespan = Lifespan(well_behaved, {})

    await lifespan.startup()
    await lifespan.shutdown()


async def test_an_application_learns_how_clients_reach_the_gateway() -> None:
    scopes: list[dict[str, Any]] = []

    async def application(scope: dict[str, Any], receive: Receive, send: Send) -> None:
        scopes.append(scope)
        await well_behaved(scope, receive, send)

    await Lifespan(application, {"port": 8000}).startup()

    assert [(scope["type"], scope["gateway"]) for scope in scopes] == [("lifespan", {"port": 8000})]


@pytest.mark.parametrize("application", [refusing, failing, leaving])
async def test_an_application_that_cannot_start_says_why(application: Any) -> None:
    with pytest.raises(ImproperlyConfigured, match=r"the gateway can't start: (no Redis|the app)"):
        await Lifespan(application, {}).startup()


async def test_a_route_behind_middleware_is_refused_in_words() -> None:
    class Wrapped:
        """As ProtocolTypeRouter with {"tcp": middleware(consumer)}."""

        application_mapping = {"tcp": object()}

        async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
            await well_behaved(scope, receive, send)

    with listen("127.0.0.1", 0) as listener:
        server = GatewayServer(
            Wrapped(),
            [Port(listener, "tcp")],
            Address("127.0.0.1", "127.0.0.1", 0, 10),
            asyncio.get_running_loop(),
        )
        with pytest.raises(ImproperlyConfigured, match='must route "tcp" to a consumer itself'):
            await server.start()


def test_a_port_beyond_the_last_is_refused_in_words() -> None:
    with pytest.raises(ImproperlyConfigured, match=r"can't listen on 127\.0\.0\.1:70000"):
        listen("127.0.0.1", 70000)
