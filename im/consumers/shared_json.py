"""The directory's lists as JSON: converted once per change, and shared by all who log in.

The lists come as the same bytes for everybody, from im.handlers.execution.directory_cache, behind
a head of one's own.
"""

import asyncio
from collections import OrderedDict

from im.wire.json_frames import JsonFrames

MAX_CHARS = 64 * 1024 * 1024


class SharedLists:
    """Texts of lists by the command and the bytes they were made of; the last ones are kept."""

    def __init__(self, max_chars: int = MAX_CHARS) -> None:
        self._max_chars = max_chars
        self._kept: OrderedDict[tuple[int, bytes], str] = OrderedDict()
        self._chars = 0
        self._being_made: dict[tuple[int, bytes], asyncio.Task[str]] = {}

    async def text(self, frames: JsonFrames, command_id: int, encoded: bytes) -> str:
        """Return the list's fields as JSON without braces; who asks meanwhile waits too."""
        key = (command_id, encoded)
        kept = self._kept.get(key)
        if kept is not None:
            self._kept.move_to_end(key)
            return kept
        making = self._being_made.get(key)
        if making is None:
            making = asyncio.create_task(asyncio.to_thread(frames.list_text, command_id, encoded))
            self._being_made[key] = making
            making.add_done_callback(lambda made: self._keep(key, made))
        return await asyncio.shield(making)  # others wait for it when this one's client is gone

    def _keep(self, key: tuple[int, bytes], made: asyncio.Task[str]) -> None:
        del self._being_made[key]
        if made.cancelled() or made.exception() is not None:
            return
        self._kept[key] = made.result()
        self._chars += len(made.result())
        while self._chars > self._max_chars:
            _, dropped = self._kept.popitem(last=False)
            self._chars -= len(dropped)
