"""What an audit finds, and the report it ends in."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum, StrEnum, auto

EXAMPLES = 5  # kept of each check; the others are counted


class Check(StrEnum):
    """The checks, in the order of the report."""

    UNIQUE_KEYS = "unique keys"
    RELATIONS = "relations"
    MESSAGES = "messages"
    MESSAGE_IDS = "message ids"
    COUNTS = "messages counted"
    UNREAD = "unread"
    SESSIONS = "recent sessions"
    VOICE = "voice messages"
    GROUPS = "groups"
    MEMBERS = "group members"
    GROUP_MESSAGES = "group messages"
    GROUP_MESSAGE_IDS = "group message ids"
    GROUP_UNREAD = "group unread"
    GROUP_VOICE = "group voice messages"


class Subject(Enum):
    """What a repair puts right as a whole."""

    CONVERSATION = auto()
    GROUP = auto()


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong; `subject` and `key` say what a repair may put it right in."""

    check: Check
    text: str
    subject: Subject | None = None
    key: int = 0


@dataclass(slots=True)
class Report:
    """Per check: how many rows were looked at, how much was found, and the first few findings."""

    rows: Counter[Check] = field(default_factory=Counter)
    findings: Counter[Check] = field(default_factory=Counter)
    examples: dict[Check, list[str]] = field(default_factory=dict)

    def add(self, found: Iterable[Finding]) -> None:
        """Count findings."""
        for finding in found:
            self.findings[finding.check] += 1
            examples = self.examples.setdefault(finding.check, [])
            if len(examples) < EXAMPLES:
                examples.append(finding.text)

    @property
    def is_clean(self) -> bool:
        """Whether nothing was found."""
        return not self.findings.total()
