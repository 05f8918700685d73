"""Runs the scenarios, again and again, and collects their figures."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from bench import scenarios as s
from bench import workers
from bench.archive import Archive, ids_of_two
from bench.figures import Figures, figures_of
from bench.scenarios import Scenario
from bench.servers import Gateways, Ground
from bench.startup import first_message
from bench.tally import percentiles

LIMIT = 20  # messages per second and connection, the default
NO_LIMIT = 0

Note = Callable[[str], None]


@dataclass(slots=True)
class Entry:
    """One scenario on one kind of ground, with the figures of its runs.

    `limit`: messages per second and connection, 0 for none.
    """

    scenario: Scenario
    backend: str
    gateways: int
    limit: int
    runs: list[Figures] = field(default_factory=list)


class Suite:
    """All entries, in the order they were first run."""

    def __init__(self, note: Note) -> None:
        self._note = note
        self._entries: dict[tuple[str, str, int], Entry] = {}

    @property
    def entries(self) -> Sequence[Entry]:
        return list(self._entries.values())

    def run(self, ground: Ground) -> None:
        """Run every scenario of the ground once."""
        if ground.backend == "sqlite":
            self._on_one(ground, (s.READ_TALK, s.QUIET_TALK, s.LOGINS, s.SYNC))
            self._start_up()
            return
        self._on_one(
            ground,
            (s.READ_TALK, s.QUIET_TALK, s.GROUP_TALK, s.LOGINS, s.SYNC, s.FIRST_SYNC),
            curve=s.CURVE,
        )
        # In a fresh process: memory that earlier connections had would hide some.
        with ground.gateways() as running:
            self._measure(ground, running, s.IDLE, LIMIT)
        with ground.gateways() as running:
            self._measure(ground, running, s.PACED_TALK, LIMIT)
            self._measure(ground, running, s.STORM, LIMIT)
        with ground.gateways(2, IM_MESSAGES_PER_SECOND=NO_LIMIT) as running:
            for scenario in (s.TALK, s.READ_TALK, s.QUIET_TALK, s.GROUP_TALK, s.LOGINS, s.SYNC):
                self._measure(ground, running, scenario, NO_LIMIT)

    def open_conversations(self, ground: Ground, sizes: Sequence[int], runs: int) -> None:
        """Let the table of messages grow, and ask for a page at each size."""
        with ground.gateways() as running:
            archive = Archive(ground.database_url, *asyncio.run(ids_of_two(running.entrance)))
            for rows in sizes:
                archive.grow(rows)
                for _ in range(runs):
                    self._measure(ground, running, s.latest_of(rows), LIMIT)

    def _on_one(
        self, ground: Ground, scenarios: Sequence[Scenario], *, curve: Sequence[float] = ()
    ) -> None:
        """Run on one gateway without a limit: the closed loop first, which says what is reached."""
        with ground.gateways(IM_MESSAGES_PER_SECOND=NO_LIMIT) as running:
            reached = self._measure(ground, running, s.TALK, NO_LIMIT).metrics.get("rate")
            paced = [s.at_share(share, reached) for share in curve] if reached else []
            for scenario in (*scenarios, *paced):
                self._measure(ground, running, scenario, NO_LIMIT)

    def _measure(
        self, ground: Ground, running: Gateways, scenario: Scenario, limit: int
    ) -> Figures:
        assert scenario.load is not None
        gateways = len(running.entrance.ports)
        try:
            figures = figures_of(workers.run(scenario.load, running.entrance, running.watch))
        except workers.WorkerFailed as exc:
            figures = Figures({}, faults={str(exc): 1})
        self._take(Entry(scenario, ground.backend, gateways, limit), figures)
        return figures

    def _start_up(self) -> None:
        tally = first_message()
        self._take(Entry(s.START_UP, "sqlite", 1, LIMIT), Figures(dict(percentiles(tally.seconds))))

    def _take(self, entry: Entry, figures: Figures) -> None:
        key = (entry.scenario.name, entry.backend, entry.gateways)
        self._entries.setdefault(key, entry).runs.append(figures)
        self._note(
            f"{entry.backend}, {entry.gateways} gateway(s), {entry.scenario.title}: "
            f"{figures.faults or figures.metrics}"
        )
