"""Batcher: the one batching primitive of the server.

While a batch is being worked on in its thread, whatever arrives waits; when the batch is done,
everything that waits becomes the next one.  There is no collection timer: under light load a batch
holds one item and costs no waiting, under heavy load batches grow by themselves (group commit).

Use it from the loop it was made on.  `work` gets a list of items and returns as many results, in
the same order; it runs in the batcher's own thread, so it may keep a database connection there.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, TypeVar

from im.errors import Overloaded
from im.peer_log import PeerLog

log = logging.getLogger(__name__)
peer_log = PeerLog(__name__)

Item = TypeVar("Item")
Result = TypeVar("Result")
Done = Callable[[Result | None, Exception | None], None]


class Batcher(Generic[Item, Result]):
    """Collects items and works on them batch by batch, in order, in one thread.

    `max_batch` bounds the items of one batch, `max_waiting` those not yet begun: when it `is_full`
    callers wait for `when_room`.
    """

    def __init__(
        self,
        name: str,
        work: Callable[[Sequence[Item]], Sequence[Result]],
        *,
        max_batch: int,
        max_waiting: int,
        on_close: Callable[[], None] | None = None,
    ) -> None:
        self._name = name
        self._work = work
        self._max_batch = max_batch
        self._max_waiting = max_waiting
        self._on_close = on_close
        self._loop = asyncio.get_running_loop()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix=name)
        self._waiting: list[tuple[Item, Done[Result]]] = []
        self._at_the_door: deque[Callable[[], None]] = deque()
        self._running = False
        self._closed = False
        self._idle = asyncio.Event()
        self._idle.set()

    def __len__(self) -> int:
        """Return how many items wait for their batch to begin."""
        return len(self._waiting)

    @property
    def is_full(self) -> bool:
        """Whether as many items wait as may."""
        return len(self._waiting) >= self._max_waiting

    def when_room(self, come: Callable[[], None]) -> None:
        """Call `come` once, on the loop, when there is room; who came first is called first."""
        self._at_the_door.append(come)

    def submit(self, item: Item, done: Done[Result]) -> None:
        """Queue `item`; `done(result, None)` or `done(None, error)` is called on the loop.

        All callbacks of a batch run in one turn of the loop.  Raises Overloaded when it is full
        or closed; `done` is not called then.
        """
        if self._closed or self.is_full:
            raise Overloaded(f"{self._name}: {len(self._waiting)} items wait")
        self._waiting.append((item, done))
        if not self._running:
            self._running = True
            self._idle.clear()
            # Not at once: what else this turn of the loop brings shall join the batch.
            self._loop.call_soon(self._begin)

    async def run(self, item: Item) -> Result:
        """Queue `item` and wait for its result; an error of its batch is raised here."""
        future: asyncio.Future[Result] = self._loop.create_future()

        def done(result: Result | None, error: Exception | None) -> None:
            if future.cancelled():
                return
            if error is not None:
                future.set_exception(error)
            else:
                future.set_result(result)  # type: ignore[arg-type]  # no error: it is a Result

        self.submit(item, done)
        return await future

    async def close(self) -> None:
        """Work on everything that waits, then refuse new items and end the thread."""
        self._closed = True
        await self._idle.wait()
        if self._on_close is not None:
            await self._loop.run_in_executor(self._thread, self._on_close)
        self._thread.shutdown(wait=False)

    def _begin(self) -> None:
        batch, self._waiting = self._waiting[: self._max_batch], self._waiting[self._max_batch :]
        self._thread.submit(self._work_in_thread, batch)
        if self._at_the_door:
            self._loop.call_soon(self._let_in)

    def _let_in(self) -> None:
        while self._at_the_door and not self.is_full:
            self._at_the_door.popleft()()

    def _work_in_thread(self, batch: list[tuple[Item, Done[Result]]]) -> None:
        results: Sequence[Result] = ()
        error: Exception | None = None
        try:
            results = self._work([item for item, _ in batch])
        except Exception as exc:  # noqa: BLE001  # whatever it was, every caller gets an answer
            error = exc
        self._loop.call_soon_threadsafe(self._finish, batch, results, error)

    def _finish(
        self,
        batch: list[tuple[Item, Done[Result]]],
        results: Sequence[Result],
        error: Exception | None,
    ) -> None:
        if error is not None:  # once: the callers only hear that there is no result
            peer_log.error(
                self._name, "%s: a batch of %d failed", self._name, len(batch), exc_info=error
            )
        for index, (_, done) in enumerate(batch):
            try:
                done(None if error else results[index], error)
            except Exception:
                log.exception("%s: a callback failed", self._name)
        # When the answers are written and the sockets were looked at: what they bring joins the
        # next batch, and few large batches leave more of the interpreter to the loop than many.
        self._loop.call_soon(self._go_on)

    def _go_on(self) -> None:
        if self._waiting:
            self._begin()
        else:
            self._running = False
            self._idle.set()
