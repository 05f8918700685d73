"""Encoded lists that are the same for everybody who asks alike: encoded once per change.

Used from database threads; the worst that two of them can do to each other is to encode twice.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import NamedTuple

from im.services.contacts import Version

MAX_BYTES = 64 * 1024 * 1024
MAX_PAGES = 256


class Page(NamedTuple):
    """An encoded list and the stamp that goes with it."""

    stamp: int
    encoded: bytes


class PageCache:
    """The pages last asked for, by what was asked; a page is good for one version of the table."""

    def __init__(self) -> None:
        self._pages: OrderedDict[Hashable, tuple[Version, Page]] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def get(self, key: Hashable, version: Version, encode: Callable[[], Page]) -> Page:
        """Return the page for `key`; `encode` makes it when it is not there for this version.

        Pages of an unsettled version, of whose last second edits may be missing, are not kept.
        """
        with self._lock:
            kept = self._pages.get(key)
            if kept is not None and kept[0] == version:
                self._pages.move_to_end(key)
                return kept[1]
        page = encode()
        if version.is_settled:
            self._keep(key, version, page)
        return page

    def _keep(self, key: Hashable, version: Version, page: Page) -> None:
        with self._lock:
            self._drop(key)
            self._pages[key] = (version, page)
            self._bytes += len(page.encoded)
            while self._bytes > MAX_BYTES or len(self._pages) > MAX_PAGES:
                self._drop(next(iter(self._pages)))

    def _drop(self, key: Hashable) -> None:
        _, page = self._pages.pop(key, (None, None))
        if page is not None:
            self._bytes -= len(page.encoded)
