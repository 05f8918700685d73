"""Recent sessions of people who have no conversation.  Those who have: `conversations`."""

from collections.abc import Iterator

from im.models import Conversation, IMRecentSession
from im.services.consistency.findings import Check, Finding, Report
from im.services.consistency.snapshot import Range, adopted_at, ranges, select, snapshot
from im.types import SessionType

STEP = 10_000

_LONELY = f"""
    SELECT s.userId, s.peerId
    FROM {IMRecentSession._meta.db_table} s
    LEFT JOIN IMRelationShip r
        ON r.smallId = CASE WHEN s.userId < s.peerId THEN s.userId ELSE s.peerId END
        AND r.bigId = CASE WHEN s.userId < s.peerId THEN s.peerId ELSE s.userId END
    LEFT JOIN {Conversation._meta.db_table} c ON c.relate_id = r.id AND c.last_msg_id > 0
    WHERE s.id > %s AND s.id <= %s AND s.type = {SessionType.SINGLE:d} AND s.created >= %s
        AND c.relate_id IS NULL
"""


def walk(report: Report) -> Iterator[list[Finding]]:
    """Look at all one-to-one sessions."""
    since = adopted_at()
    for part in ranges(STEP, (IMRecentSession, "id")):
        with snapshot():
            found = list(_findings(part, since))
        yield found


def _findings(part: Range, since: int) -> Iterator[Finding]:
    for user_id, peer_id in select(_LONELY, part.after, part.upto, since):
        yield Finding(
            Check.SESSIONS, f"user {user_id} has a session with {peer_id}, and nothing was said"
        )
