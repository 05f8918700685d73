"""What the writer takes for a batch, with nothing around it: the bound of what a server reaches."""

import itertools

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from im.storage.writer.writer import Writer
from tests.writer.conftest import TakeUsers
from tests.writer.store import text

PAIRS = 250


@pytest.mark.parametrize("count", [1, 16, 250, 512])
def test_a_batch_of_messages(
    benchmark: BenchmarkFixture, writer: Writer, users: TakeUsers, count: int
) -> None:
    people = users(2 * PAIRS)
    pairs = list(zip(people[::2], people[1::2], strict=True))
    writer([text(*pair) for pair in pairs])
    some = itertools.cycle(pairs)

    stored = benchmark(lambda: writer([text(*next(some)) for _ in range(count)]))

    assert None not in stored
