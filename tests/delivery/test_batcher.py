"""The batching primitive: order, batches, bounds, and what errors do."""

import asyncio
import threading
from collections.abc import Callable, Sequence
from functools import partial

import pytest

from im.delivery.local.batcher import Batcher
from im.errors import Overloaded

BAD = -1  # an item that fails its batch


class Work:
    """Doubles numbers; waits for `go` in every batch, and remembers the batches and its thread."""

    def __init__(self, *, is_held: bool = False) -> None:
        self.batches: list[list[int]] = []
        self.threads: set[threading.Thread] = set()
        self.began = threading.Event()
        self.go = threading.Event()
        if not is_held:
            self.go.set()

    def __call__(self, items: Sequence[int]) -> list[int]:
        self.batches.append(list(items))
        self.threads.add(threading.current_thread())
        self.began.set()
        assert self.go.wait(10)
        if BAD in items:
            raise ValueError("bad")
        return [2 * item for item in items]


def batcher(
    work: Callable[[Sequence[int]], Sequence[int]],
    *,
    max_batch: int = 100,
    max_waiting: int = 100,
    on_close: Callable[[], None] | None = None,
) -> Batcher[int, int]:
    return Batcher("test", work, max_batch=max_batch, max_waiting=max_waiting, on_close=on_close)


async def begun(work: Work) -> None:
    """Wait until a batch is in its thread."""
    await asyncio.to_thread(work.began.wait, 10)


async def test_every_item_gets_its_own_result() -> None:
    doubling = batcher(Work())

    results = await asyncio.gather(*(doubling.run(item) for item in range(50)))

    assert results == [2 * item for item in range(50)]
    await doubling.close()


async def test_what_one_turn_of_the_loop_brings_is_one_batch() -> None:
    work = Work()
    doubling = batcher(work)

    await asyncio.gather(*(doubling.run(item) for item in (1, 2, 3)))

    assert work.batches == [[1, 2, 3]]
    await doubling.close()


async def test_what_arrives_while_one_batch_runs_becomes_the_next() -> None:
    work = Work(is_held=True)
    doubling = batcher(work)
    first = asyncio.ensure_future(doubling.run(1))
    await begun(work)

    others = [asyncio.ensure_future(doubling.run(item)) for item in (2, 3)]
    await asyncio.sleep(0)
    waiting = len(doubling)
    others += [asyncio.ensure_future(doubling.run(4))]
    await asyncio.sleep(0)
    work.go.set()

    assert waiting == 2
    assert await asyncio.gather(first, *others) == [2, 4, 6, 8]
    assert work.batches == [[1], [2, 3, 4]]
    await doubling.close()


async def test_a_batch_has_no_more_items_than_allowed_and_the_order_stays() -> None:
    work = Work()
    doubling = batcher(work, max_batch=4)

    await asyncio.gather(*(doubling.run(item) for item in range(10)))

    assert work.batches == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
    await doubling.close()


async def test_beyond_the_bound_nothing_is_taken_and_nobody_is_called() -> None:
    work = Work(is_held=True)
    doubling = batcher(work, max_waiting=3)
    running = asyncio.ensure_future(doubling.run(0))
    await begun(work)
    answered: list[int | None] = []
    for item in (1, 2, 3):
        doubling.submit(item, lambda result, error: answered.append(result))

    with pytest.raises(Overloaded):
        doubling.submit(4, lambda result, error: answered.append(-1))
    work.go.set()
    await running

    assert await doubling.run(5) == 10
    assert answered == [2, 4, 6]
    await doubling.close()


async def test_who_waits_for_room_comes_in_as_it_came() -> None:
    work = Work(is_held=True)
    doubling = batcher(work, max_batch=2, max_waiting=2)
    answered: list[int | None] = []

    def come(item: int) -> None:
        doubling.submit(item, lambda result, error: answered.append(result))

    come(0)
    await begun(work)
    for item in (1, 2):
        come(item)
    assert doubling.is_full
    for item in (3, 4, 5):
        doubling.when_room(partial(come, item))
    work.go.set()
    while len(answered) < 6:  # noqa: ASYNC110  # nothing tells
        await asyncio.sleep(0)

    assert work.batches == [[0], [1, 2], [3, 4], [5]]
    assert answered == [0, 2, 4, 6, 8, 10]
    await doubling.close()


async def test_an_error_reaches_everybody_of_its_batch_and_nobody_else(
    caplog: pytest.LogCaptureFixture,
) -> None:
    work = Work(is_held=True)
    doubling = batcher(work)
    before = asyncio.ensure_future(doubling.run(1))
    await begun(work)
    failing = [asyncio.ensure_future(doubling.run(item)) for item in (BAD, 2)]
    await asyncio.sleep(0)
    work.go.set()

    outcomes = await asyncio.gather(before, *failing, return_exceptions=True)

    assert outcomes[0] == 2
    assert [str(error) for error in outcomes[1:]] == ["bad", "bad"]
    assert [record.message for record in caplog.records] == ["test: a batch of 2 failed"]
    assert await doubling.run(3) == 6
    await doubling.close()


async def test_a_callback_that_fails_does_not_harm_the_others(
    caplog: pytest.LogCaptureFixture,
) -> None:
    doubling = batcher(Work())
    answered: list[int | None] = []

    def fail(result: int | None, error: Exception | None) -> None:
        raise RuntimeError("a bug in a handler")

    doubling.submit(1, fail)
    doubling.submit(2, lambda result, error: answered.append(result))

    assert await doubling.run(3) == 6
    assert answered == [4]
    assert "a bug in a handler" in caplog.text
    await doubling.close()


async def test_a_caller_who_gives_up_does_not_harm_the_others() -> None:
    work = Work(is_held=True)
    doubling = batcher(work)
    gone, staying = (asyncio.ensure_future(doubling.run(item)) for item in (1, 2))
    await begun(work)

    gone.cancel()
    await asyncio.sleep(0)
    work.go.set()

    assert await staying == 4
    await doubling.close()


async def test_all_work_is_done_in_one_thread_that_is_not_the_loops() -> None:
    work = Work()
    closers: list[threading.Thread] = []
    doubling = batcher(work, on_close=lambda: closers.append(threading.current_thread()))

    for item in range(5):
        await doubling.run(item)
    await doubling.close()

    assert work.threads == set(closers)
    assert threading.current_thread() not in work.threads


async def test_closing_works_off_what_waits_then_takes_nothing() -> None:
    work = Work(is_held=True)
    doubling = batcher(work, max_batch=1)
    futures = [asyncio.ensure_future(doubling.run(item)) for item in (1, 2, 3)]
    await begun(work)

    closing = asyncio.ensure_future(doubling.close())
    await asyncio.sleep(0)
    with pytest.raises(Overloaded):
        await doubling.run(4)
    work.go.set()
    await closing

    assert [future.result() for future in futures] == [2, 4, 6]
    assert work.batches == [[1], [2], [3]]


async def test_closing_at_rest_takes_no_time() -> None:
    doubling = batcher(Work())

    async with asyncio.timeout(1):
        await doubling.close()

    with pytest.raises(Overloaded):
        doubling.submit(1, lambda result, error: None)
