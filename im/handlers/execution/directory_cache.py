"""The directory's lists as encoded pages: the same for everybody who asks alike, encoded once.

One thread answers all who ask: a company of 100,000 takes it a second of work, and whoever asks
meanwhile shares the next page instead of building one more.
"""

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Sequence
from itertools import islice
from typing import NamedTuple, TypeVar

from im.handlers.encoding import records
from im.services.directory import sync
from im.services.directory.sync import ROWS_PER_FETCH, Changes, Version
from im.storage import connections
from im.storage.retry import answers
from im.types import Department, UserInfo
from im.wire import pieces
from im.wire.proto import buddy_pb2 as pb

MAX_BYTES = 64 * 1024 * 1024
MAX_PAGES = 256
PAUSE_S = 0.001

Row = TypeVar("Row")


class Page(NamedTuple):
    """An encoded list and the stamp that goes with it; `ends` says where Android's parts end."""

    stamp: int
    encoded: bytes
    ends: tuple[int, ...] = ()


class Directory(NamedTuple):
    """One of the lists: how to tell its states apart, and how to encode what changed."""

    version: Callable[[], Version]
    page_since: Callable[["Question"], Page]


class Question(NamedTuple):
    """What a client asks for: a list, and the stamp it has, which may be of its own clock."""

    directory: Directory
    since: int
    is_own_clock: bool = False


class DirectoryDesk:
    """Answers batches of questions; use it from one thread."""

    def __init__(self) -> None:
        self._pages = PageCache()

    def __call__(self, questions: Sequence[Question]) -> list[Page | None]:
        """Return the page for each question, in order; None for one that can't be made."""
        connections.renew()
        return answers(self._pages_for, questions, str)

    def _pages_for(self, questions: Sequence[Question]) -> list[Page]:
        version = {directory: directory.version() for directory, *_ in set(questions)}
        found = {
            question: self._pages.get(
                question, version[question.directory], self._encoder(question)
            )
            for question in set(questions)
        }
        return [found[question] for question in questions]

    def close(self) -> None:
        """Close this thread's database connection."""
        connections.close()

    @staticmethod
    def _encoder(question: Question) -> Callable[[], Page]:
        return lambda: question.directory.page_since(question)


class PageCache:
    """The pages last asked for, by what was asked; a page is good for one version of the table."""

    def __init__(self) -> None:
        self._pages: OrderedDict[Hashable, tuple[Version, Page]] = OrderedDict()
        self._bytes = 0

    def get(self, key: Hashable, version: Version, encode: Callable[[], Page]) -> Page:
        """Return the page for `key`; `encode` makes it when it is not there for this version.

        Pages of an unsettled version, of whose last second edits may be missing, are not kept.
        """
        kept = self._pages.get(key)
        if kept is not None and kept[0] == version:
            self._pages.move_to_end(key)
            return kept[1]
        page = encode()
        if version.is_settled:
            self._keep(key, version, page)
        return page

    def _keep(self, key: Hashable, version: Version, page: Page) -> None:
        self._drop(key)
        self._pages[key] = (version, page)
        self._bytes += len(page.encoded)
        while self._bytes > MAX_BYTES or len(self._pages) > MAX_PAGES:
            self._drop(next(iter(self._pages)))

    def _drop(self, key: Hashable) -> None:
        _, page = self._pages.pop(key, (None, None))
        if page is not None:
            self._bytes -= len(page.encoded)


# --- the lists --------------------------------------------------------------------------------


def encode_in_steps(rows: Iterable[Row], encode: Callable[[list[Row]], bytes]) -> bytes:
    """Return the encoded rows, however many, leaving the interpreter to others after each step.

    A thread keeps it for a millisecond and more, and a message needs it several times on its way.
    """
    return b"".join(_steps(rows, encode))


def _steps(rows: Iterable[Row], encode: Callable[[list[Row]], bytes]) -> list[bytes]:
    rest = iter(rows)
    steps: list[bytes] = []
    while step := list(islice(rest, ROWS_PER_FETCH)):
        if steps:
            time.sleep(PAUSE_S)
        steps.append(encode(step))
    return steps


def _page(changes: Changes[Row], encode: Callable[[list[Row]], bytes]) -> Page:
    steps = _steps(changes.rows, encode)
    cuts = pieces.ends(steps, pieces.ANDROID_PDU_BYTES - pieces.HEAD_BYTES)
    return Page(changes.stamp, b"".join(steps), cuts)


def _departments_page(asked: Question) -> Page:
    changes = sync.departments_since(asked.since, is_own_clock=asked.is_own_clock)
    return _page(changes, _department_list)


def _department_list(rows: Iterable[Department]) -> bytes:
    encoded = pb.IMDepartmentRsp(dept_list=[records.department(row) for row in rows])
    return encoded.SerializePartialToString()


def _people_page(asked: Question) -> Page:
    changes = sync.users_since(asked.since, is_own_clock=asked.is_own_clock)
    return _page(changes, _user_list)


def _user_list(rows: Iterable[UserInfo]) -> bytes:
    encoded = pb.IMAllUserRsp(user_list=[records.user_info(user) for user in rows])
    return encoded.SerializePartialToString()


DEPARTMENTS = Directory(sync.departments_version, _departments_page)
PEOPLE = Directory(sync.users_version, _people_page)
