"""What is made of a measured load, and when no figure may be made of it."""

from array import array

import pytest

from bench.cpu import Usage
from bench.figures import figures_of
from bench.loads import Window
from bench.talk import Talk
from bench.tally import Tally
from bench.workers import Measured


def measured(window_s: float, wait_s: float) -> Measured:
    """Return a load of 100 operations that took `wait_s` each, seen for `window_s`."""
    before, after = (
        Usage(at, {"gateway": at / 10}, {"gateway": 0}, {"gateway": 0}, at)
        for at in (0.0, window_s)
    )
    tally = Tally(done=100, seconds=array("d", [wait_s] * 100))
    return Measured(Talk(1, window=Window(0, window_s)), tally, before, after, 0.0)


@pytest.mark.parametrize(("window_s", "wait_s"), [(2.0, 2.8), (2.0, 0.7), (0.4, 0.2)])
def test_a_window_of_less_than_three_waits_has_no_figures(window_s: float, wait_s: float) -> None:
    figures = figures_of(measured(window_s, wait_s))

    assert figures.faults == {f"the window of {window_s:.1f} s is too short for its waits": 1}


def test_a_window_of_many_waits_has_figures() -> None:
    figures = figures_of(measured(2.0, 0.1))

    assert figures.faults == {}
    assert figures.metrics["rate"] == 50
