"""What HTTP requests leave behind is taken away soon, though the gateway collects cycles late."""

import gc
import weakref
from collections.abc import Iterator
from typing import Any

import pytest

from im.storage import connections
from tcpgateway.http.threads import LARGE_BYTES, YOUNG_OBJECTS, with_shared_threads


class Kept:
    """What refers to itself, as requests and their errors do."""

    def __init__(self) -> None:
        self.me = self


@pytest.fixture(autouse=True)
def _late_collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(connections, "leave_requests_alone", lambda: None)  # others need them
    before = gc.get_threshold()
    gc.collect()
    gc.set_threshold(100_000_000)
    yield
    gc.set_threshold(*before)


async def left_by(objects: int, body: bytes) -> list[Any]:
    """Serve two requests that leave cycles; return what is still there of the first one's."""
    left: list[weakref.ref[Kept]] = []

    async def application(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        left.extend(weakref.ref(Kept()) for _ in range(objects))

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body}

    served = with_shared_threads(application)
    for _ in range(2):
        await served({"type": "http"}, receive, None)
    return [kept for kept in left[:objects] if kept() is not None]


async def test_many_objects_are_not_left_to_a_long_search() -> None:
    assert await left_by(YOUNG_OBJECTS, b"") == []


async def test_a_long_body_is_freed_though_it_is_one_object() -> None:
    assert await left_by(1, b"x" * (LARGE_BYTES + 1)) == []


async def test_a_short_request_is_not_searched_for_by_itself() -> None:
    assert len(await left_by(1, b"short")) == 1
