"""The scenarios: what is run, and what is to be reached."""

from dataclasses import dataclass, field

from bench.crowds import Idle, Storm
from bench.group_talk import GroupTalk
from bench.loads import Load, Window
from bench.talk import Talk
from bench.visits import LatestPages, Logins, Syncs

WINDOW = Window(0.8, 2.0)
SLOW = Window(1.0, 4.0)  # for few operations
PAIRS = 250
PACE = 18.0  # messages per second of one writer, under the limit of 20
CURVE = (0.2, 0.4, 0.6, 0.8)  # of the rate that the closed loop reaches
STORM_PEOPLE = 5_000


@dataclass(frozen=True, slots=True)
class Scenario:
    """One line of the table.

    `goals` are those of one gateway, by metric: a rate at least, anything else at most.
    """

    name: str
    title: str
    unit: str
    load: Load | None  # None: no load of ours
    goals: dict[str, float] = field(default_factory=dict)


TALK = Scenario(
    "talk",
    f"one-to-one, {PAIRS} pairs, 8 in flight each",
    "message",
    Talk(PAIRS, window=WINDOW),
    {"rate": 8_000, "cpu_us": 160},
)
READ_TALK = Scenario(
    "talk, read",
    f"one-to-one, {PAIRS} pairs, 8 in flight each, with read acks",
    "message",
    Talk(PAIRS, reads=True, window=WINDOW),
    {"rate": 8_000, "cpu_us": 160},
)
QUIET_TALK = Scenario(
    "quiet talk",
    "one-to-one, 10 pairs, 5/s each",
    "message",
    Talk(10, per_second=5, window=SLOW),
    {"p50_ms": 2.5, "p99_ms": 6},
)
PACED_TALK = Scenario(
    "paced talk",
    f"one-to-one, 500 pairs, {PACE:.0f}/s each, under the limit of 20/s",
    "message",
    Talk(500, per_second=PACE, at_most=16, window=WINDOW),  # or a slow machine is overrun
    {"rate": 8_000, "cpu_us": 160},
)
GROUP_TALK = Scenario(
    "group",
    "group of 500 online, 10 writers, 4 in flight each",
    "delivery",
    GroupTalk(500, 10, window=WINDOW),
    {"rate": 100_000, "cpu_us": 8},
)
LOGINS = Scenario(
    "logins",
    "logins, 50 at a time",
    "login",
    Logins(5_000, window=WINDOW),
    {"rate": 3_000, "cpu_us": 400},
)
SYNC = Scenario(
    "sync",
    "sync after login, nothing changed: six requests, 20 clients",
    "request",
    Syncs(20, since_then=True, window=WINDOW),
    {"rate": 3_000, "cpu_us": 300},
)
FIRST_SYNC = Scenario(
    "first sync",
    "first sync, 10,000 people and 500 departments: the six requests as one",
    "sync",
    Syncs(20, since_then=False, whole=True, window=WINDOW),
    {"cpu_us": 2_000},
)
STORM = Scenario(
    "storm",
    "5,000 PCs log in, as fast as they are let in",
    "login",
    Storm(STORM_PEOPLE),
    {"writes": STORM_PEOPLE**2 / 20, "p100_ms": 1_000},
)
IDLE = Scenario(
    "idle",
    "15,000 idle connections",
    "login",
    Idle(15_000),
    {"connection_kib": 4, "private_mib": 120},
)
START_UP = Scenario("start", "`make run` to the first message", "start", None, {"p50_ms": 5_000})


def at_share(share: float, rate: float) -> Scenario:
    """Return an open loop at a share of the rate that was reached."""
    goals = {"p99_ms": 100.0} if share == 0.6 else {}
    return Scenario(
        f"open {share:.0%}",
        f"one-to-one, {PAIRS} pairs, open loop at {share:.0%} of the reached rate",
        "message",
        Talk(PAIRS, per_second=share * rate / PAIRS, window=WINDOW),
        goals,
    )


def latest_of(rows: int) -> Scenario:
    """Return the opening of a conversation in a table of so many rows."""
    return Scenario(
        f"latest of {rows}",
        f"latest 20 messages of a conversation, {rows:,} rows in its table",
        "page",
        LatestPages(window=WINDOW),
        {"p50_ms": 2},
    )
