"""Replays a section and says what of it did not come out as it should."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import ndiff
from typing import TypeVar

from im.wire.pdu import Pdu
from tests.e2e.database import Database
from tests.replay.changes import Change
from tests.replay.comparing import Meanings, is_ack
from tests.replay.differences import changes_of
from tests.replay.pending import MEANWHILE, missing_for
from tests.replay.player import Player
from tests.replay.recording import ROWS_RECORDED, Expected, Step, load
from tests.replay.stored import Fact, Relations, facts_of

T = TypeVar("T")

Pdus = dict[str, list[Pdu]]  # by connection


@dataclass(frozen=True, slots=True)
class _Seen:
    """What a step brought at the server under test."""

    pdus: Pdus
    closed: set[str]
    stored: set[Fact]
    lost: set[Fact]


class Replay:
    """One section, its gateways, one database."""

    def __init__(self, section: str, ports: Sequence[int], database: Database) -> None:
        self._section = section
        self._database = database
        self._meanings = Meanings()
        self._relations = Relations(self._meanings)
        self._facts: set[Fact] = set()
        self._player = Player(ports, self._meanings.of_request)

    async def run(self) -> list[str]:
        """Play all steps; return what is wrong with them."""
        complaints: list[str] = []
        async with self._player:
            for step in load(self._section):
                complaints += self._strays(f"before {step}")
                await self._player.prepare(step)
                complaints += [f"{step}: {text}" for text in await self._verdict(step)]
            await self._player.quiet(presence=True)
            complaints += self._strays("at the end")
            still_open = await self._player.displaced_but_open()
            return complaints + [f"{label} was displaced and not closed" for label in still_open]

    async def _verdict(self, step: Step) -> list[str]:
        recorded, due, meanwhile = step.expected(), step.expected(), step.expected()
        _apply(step, changes_of(step), due)
        _apply(step, [*changes_of(step), *MEANWHILE.get(str(step), ())], meanwhile)
        missing = missing_for(step)
        seen = await self._seen(step, meanwhile if missing else due, patient=not missing)
        await self._player.leave(recorded.closed - seen.closed)
        complaints = [*self._learned(due.pdus, seen.pdus), *self._complaints(due, seen)]
        if not missing:
            return complaints
        if not complaints:
            return [f"works, so take it off the list of what waits for {missing}"]
        return list(self._complaints(meanwhile, seen)) if str(step) in MEANWHILE else []

    async def _seen(self, step: Step, expected: Expected, *, patient: bool) -> _Seen:
        await self._player.play(step, expected, patient=patient or str(step) in MEANWHILE)
        before = self._facts
        if step.section in ROWS_RECORDED:
            self._facts = facts_of(self._database, self._meanings)
        return _Seen(
            pdus=self._player.take(),
            closed=self._player.take_closed(),
            stored=self._facts - before,
            lost=before - self._facts,
        )

    def _complaints(self, expected: Expected, seen: _Seen) -> Iterator[str]:
        yield from self._misheard(expected.pdus, seen.pdus)
        yield from _unequal("closed connections", expected.closed, seen.closed)
        yield from _unequal("new rows", self._relations.facts(expected.rows), seen.stored)
        yield from _unequal("lost rows", set(), seen.lost)

    def _strays(self, when: str) -> list[str]:
        return [
            f"{when}: {label} got {self._meanings.of_received(pdu)}"
            for label, pdus in self._player.take().items()
            for pdu in pdus
        ]

    def _learned(self, expected: Pdus, received: Pdus) -> Iterator[str]:
        """Learn which message is which; yield what is wrong with the ids."""
        for label, pdus in expected.items():
            theirs, ours = _acks(pdus), _acks(received.get(label, ()))
            for recorded, got in zip(theirs, ours, strict=False):
                complaint = self._meanings.learn(recorded, got)
                if complaint:
                    yield complaint

    def _misheard(self, expected: Pdus, received: Pdus) -> Iterator[str]:
        for label in sorted(expected.keys() | received.keys()):
            due = [self._meanings.of_recorded(pdu) for pdu in expected.get(label, ())]
            got = [self._meanings.of_received(pdu) for pdu in received.get(label, ())]
            if due != got:
                lines = ndiff([str(said) for said in due], [str(said) for said in got])
                yield f"{label}, expected (-), received (+)\n" + "\n".join(lines)


def _apply(step: Step, changes: Iterable[Change], expected: Expected) -> None:
    try:
        for change in changes:
            change(expected)
    except AssertionError as exc:
        exc.add_note(f"in {step}")
        raise


def _acks(pdus: Iterable[Pdu]) -> list[Pdu]:
    return [pdu for pdu in pdus if is_ack(pdu)]


def _unequal(what: str, expected: set[T], found: set[T]) -> Iterator[str]:
    if expected != found:
        yield f"{what}: missing {expected - found}, unexpected {found - expected}"
