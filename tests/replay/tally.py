"""How many recorded steps come out how, by section."""

from dataclasses import dataclass

from tests.replay.differences import changes_of
from tests.replay.pending import UNPLAYED, missing_for
from tests.replay.recording import SECTIONS, load


@dataclass(frozen=True, slots=True)
class Tally:
    """The steps of a section: as recorded, different as stated, waiting for something."""

    section: str
    equal: int
    intended: int
    pending: int

    def __str__(self) -> str:
        return (
            f"{self.section}: {self.equal} steps equal,"
            f" {self.intended} intended, {self.pending} pending"
        )


def tally_of(section: str) -> Tally:
    """Return what the lists say of a section; its replay fails if that is not so."""
    steps = load(section)
    pending = sum(1 for step in steps if missing_for(step))
    intended = sum(1 for step in steps if changes_of(step) and not missing_for(step))
    return Tally(section, len(steps) - intended - pending, intended, pending)


def tallies() -> list[Tally]:
    """Return the tallies of all recorded sections."""
    played = [tally_of(section) for section in SECTIONS]
    return played + [Tally(section, 0, 0, steps) for section, (steps, _) in UNPLAYED.items()]
