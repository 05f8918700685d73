"""Clients find here what they found at the original's servers, step by recorded step."""

from itertools import chain

import pytest

from tests.replay.checking import Replay
from tests.replay.conftest import TALLIES, Stage
from tests.replay.differences import DIFFERENCES
from tests.replay.page import PAGE, generated_part, part_of
from tests.replay.pending import MISSING_FOR, PENDING
from tests.replay.recording import SECTIONS, load
from tests.replay.tally import tally_of


@pytest.mark.parametrize("section", SECTIONS)
async def test_a_section_comes_out_as_recorded(
    section: str, stages: dict[str, Stage], request: pytest.FixtureRequest
) -> None:
    stage = stages[section]

    complaints = await Replay(section, stage.ports, stage.database).run()

    assert complaints == [], "\n\n".join(complaints)
    request.config.stash[TALLIES].append((stage.backend, tally_of(section)))


def test_the_lists_name_recorded_steps_only() -> None:
    recorded = {str(step) for section in SECTIONS for step in load(section)}

    named = {step for difference in DIFFERENCES for step in difference.steps} | MISSING_FOR.keys()

    assert named <= recorded


def test_no_step_waits_twice() -> None:
    names = [names.split() for sections in PENDING.values() for names in sections.values()]

    assert len(list(chain.from_iterable(names))) == len(MISSING_FOR)


def test_the_page_says_what_the_lists_say() -> None:
    assert part_of(PAGE.read_text()) == generated_part(), "run: python -m tests.replay.page"
