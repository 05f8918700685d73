"""Which part of a file a request asks for."""

import pytest

from im.views.byte_ranges import Unsatisfiable, wanted

SIZE = 100


@pytest.mark.parametrize(
    ("header", "part"),
    [
        ("bytes=0-", (0, 100)),
        ("bytes=0-0", (0, 1)),
        ("bytes=10-19", (10, 20)),
        ("bytes=99-99", (99, 100)),
        ("bytes=50-1000", (50, 100)),
        ("bytes=50-9999999999999999999", (50, 100)),
        ("bytes=-1", (99, 100)),
        ("bytes=-1000", (0, 100)),
        (" Bytes = 5 - 6 ", (5, 7)),
    ],
)
def test_one_range_is_a_part(header: str, part: tuple[int, int]) -> None:
    assert wanted(header, SIZE) == range(*part)


@pytest.mark.parametrize(
    "header",
    ["", "bytes", "bytes=", "bytes=-", "bytes=5-4", "bytes=0-1,5-6", "lines=0-1", "bytes=a-b",
     "bytes=1-2-3", "bytes=--1", "bytes=0x1-2", "bytes=٣-٤", "bytes=" + "9" * 30 + "-"],
)  # fmt: skip
def test_anything_else_is_the_whole(header: str) -> None:
    assert wanted(header, SIZE) is None


@pytest.mark.parametrize(
    ("header", "size"),
    [("bytes=100-", 100), ("bytes=100-200", 100), ("bytes=-0", 100), ("bytes=0-", 0),
     ("bytes=-5", 0)],
)  # fmt: skip
def test_a_range_with_nothing_in_it_is_none(header: str, size: int) -> None:
    with pytest.raises(Unsatisfiable):
        wanted(header, size)
