"""The lifespan of an ASGI application: told when to begin and when to end (ASGI lifespan 2.0)."""

import asyncio
from collections.abc import Callable
from typing import Any

from django.core.exceptions import ImproperlyConfigured


class Lifespan:
    """Runs the application's lifespan scope; `gateway` is passed on in the scope.

    So is `retire`, by which the application lets the gateway take no more clients.
    """

    def __init__(
        self, application: Any, gateway: dict[str, Any], retire: Callable[[], None] = lambda: None
    ) -> None:
        scope = {
            "type": "lifespan",
            "asgi": {"version": "3.0", "spec_version": "2.0"},
            "gateway": gateway,
            "retire": retire,
        }
        self._events: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._answers: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._task = asyncio.get_running_loop().create_task(
            application(scope, self._events.get, self._answers.put)
        )

    async def startup(self) -> None:
        """Start the application.  Raises ImproperlyConfigured with its reason if it can't."""
        try:
            answer = await self._ask("lifespan.startup")
        except Exception as exc:  # whatever ended it: no Redis, say
            raise ImproperlyConfigured(f"the gateway can't start: {exc}") from exc
        if answer["type"] != "lifespan.startup.complete":
            self._task.cancel()
            raise ImproperlyConfigured(f"the gateway can't start: {answer.get('message', '')}")

    async def shutdown(self) -> None:
        """End the application and wait for it."""
        await self._ask("lifespan.shutdown")
        await asyncio.wait([self._task])

    async def _ask(self, event: str) -> dict[str, Any]:
        self._events.put_nowait({"type": event})
        answer = asyncio.ensure_future(self._answers.get())
        await asyncio.wait([answer, self._task], return_when=asyncio.FIRST_COMPLETED)
        if not answer.done():
            answer.cancel()
            self._task.result()  # raises what ended it
            raise RuntimeError(f"the application ended instead of answering {event}")
        return answer.result()
