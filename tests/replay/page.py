"""Writes what docs/compatibility.md takes from the lists: python -m tests.replay.page."""

from collections.abc import Iterator
from pathlib import Path

from tests.replay.differences import DIFFERENCES, Difference
from tests.replay.pending import PENDING, UNPLAYED
from tests.replay.tally import Tally, tallies

PAGE = Path(__file__).resolve().parents[2] / "docs" / "compatibility.md"
BEGIN = "<!-- written by: python -m tests.replay.page -->"
END = "<!-- end of the written part -->"


def generated_part() -> str:
    """Return the part as it should stand between the two marks."""
    return "\n".join(["", *_numbers(), *_differences(), *_missing()])


def part_of(page: str) -> str:
    """Return what stands between the marks of a page."""
    return page.partition(BEGIN)[2].partition(END)[0]


def _numbers() -> Iterator[str]:
    yield "### Numbers"
    yield ""
    yield "| recorded section | steps | equal | intended | pending |"
    yield "|---|--:|--:|--:|--:|"
    found = tallies()
    total = Tally(
        "all",
        sum(tally.equal for tally in found),
        sum(tally.intended for tally in found),
        sum(tally.pending for tally in found),
    )
    for tally in [*found, total]:
        steps = tally.equal + tally.intended + tally.pending
        yield f"| {tally.section} | {steps} | {tally.equal} | {tally.intended} | {tally.pending} |"
    yield ""


def _differences() -> Iterator[str]:
    yield "### Intended differences that the recordings show"
    yield ""
    for difference in DIFFERENCES:
        yield from _difference(difference)


def _difference(difference: Difference) -> Iterator[str]:
    yield f"**{difference.title}.**"
    yield ""
    yield f"- Original: {difference.original}"
    yield f"- Here: {difference.here}"
    yield f"- Why: {difference.reason}"
    yield f"- Seen in: {', '.join(f'`{step}`' for step in difference.steps)}"
    yield ""


def _missing() -> Iterator[str]:
    yield "### What is not there yet"
    yield ""
    yield "| missing | steps that wait for it |"
    yield "|---|---|"
    for feature, sections in PENDING.items():
        steps = [
            f"`{section}/{name}`" for section, names in sections.items() for name in names.split()
        ]
        yield f"| {feature} | {', '.join(steps)} |"
    for section, (_, feature) in UNPLAYED.items():
        yield f"| {feature} | all of `{section}` |"
    yield ""


if __name__ == "__main__":
    text = PAGE.read_text()
    assert BEGIN in text, f"{PAGE} has no line {BEGIN}"
    PAGE.write_text(text.replace(BEGIN + part_of(text) + END, BEGIN + generated_part() + END))
