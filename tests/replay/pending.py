"""Recorded steps that wait for something that is not built yet.

The list only shrinks: a step that comes out as recorded (or as differences.py says) while it stands
here fails the test.  Where it would show more than what is missing, MEANWHILE says what comes until
then, and that is checked.
"""

from collections.abc import Sequence

from tests.replay.changes import Change
from tests.replay.recording import Step

# What has to be built -> the steps that show it, by section.
PENDING: dict[str, dict[str, str]] = {
    "the file server, which moves what was offered": {
        "s07_file": "fs_login_wrong_task fs_login_sender fs_login_receiver fs_pull fs_push fs_done"
        " fs_offline_login fs_offline_push",
    },
}

# Recordings that are not played at all yet: section -> (its steps, what it takes).
UNPLAYED = {
    "s09_http": (8, "the HTTP interface for other programs"),
}

MEANWHILE: dict[str, Sequence[Change]] = {}

MISSING_FOR = {
    f"{section}/{name}": feature
    for feature, sections in PENDING.items()
    for section, names in sections.items()
    for name in names.split()
}


def missing_for(step: Step) -> str | None:
    """Return what a step waits for, None if everything is there."""
    return MISSING_FOR.get(str(step))
