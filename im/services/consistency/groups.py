"""Groups: their members, messages, counters and positions, range by range."""

from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from typing import TypeVar

from im.models import (
    GroupCounter,
    GroupPosition,
    IMAudio,
    IMGroup,
    IMGroupMember,
    IMUser,
    group_messages,
)
from im.services.consistency.findings import Check, Finding, Report, Subject
from im.services.consistency.snapshot import Range, adopted_at, ranges, select, snapshot
from im.types import MsgType, RowStatus

STEP = 200  # groups per snapshot


@dataclass(slots=True)
class Said:
    """What is stored of one group: counts of messages, ids, unix seconds.

    All but `messages`, `highest` and `newest` are counted from `dense_from` on.
    """

    messages: int = 0
    highest: int = 0  # message id
    newest: int = 0  # of all times
    dense: int = 0
    unread_own: int = 0  # beyond their sender's own position
    voices: int = 0
    mute: int = 0  # voices without a row of their sound
    last_created: int = 0


@dataclass(slots=True)
class Members:
    """A group's rows of IMGroupMember."""

    rows: int = 0
    present: int = 0
    without_position: int = 0  # of those present
    newest: int = 0  # unix second at which the last row was made
    unknown: int = 0  # rows of ours whose user is not there


@dataclass(slots=True)
class Positions:
    """A group's rows of im_group_position."""

    rows: int = 0
    ahead: int = 0  # of the group's last message, or below 0
    unjoined: int = 0  # read less than what was said before they joined


@dataclass(slots=True)
class Held:
    """All rows of one group."""

    group: IMGroup | None = None
    counter: GroupCounter | None = None
    has_creator: bool = True
    said: Said = field(default_factory=Said)
    members: Members = field(default_factory=Members)
    positions: Positions = field(default_factory=Positions)


_VOICE = f"m.msgId >= c.dense_from AND m.type = {MsgType.GROUP_AUDIO:d}"

# Columns after the first are those of Said, Members and Positions.
_SAID = f"""
    SELECT m.groupId, COUNT(*), MAX(m.msgId), MAX(m.created), SUM(m.msgId >= c.dense_from),
        SUM(m.msgId >= c.dense_from AND m.msgId > p.read_msg_id),
        SUM({_VOICE}), SUM({_VOICE} AND a.id IS NULL),
        MAX(CASE WHEN m.msgId = c.last_msg_id THEN m.created END)
    FROM {{table}} m
    LEFT JOIN {GroupCounter._meta.db_table} c ON c.group_id = m.groupId
    LEFT JOIN {GroupPosition._meta.db_table} p ON p.user_id = m.userId AND p.group_id = m.groupId
    LEFT JOIN {IMAudio._meta.db_table} a
        ON a.id = CASE WHEN m.type = {MsgType.GROUP_AUDIO:d} THEN CAST(m.content AS SIGNED) END
        AND CAST(a.id AS CHAR) = m.content
    WHERE m.groupId > %s AND m.groupId <= %s
    GROUP BY m.groupId
"""
_PRESENT = f"m.status = {RowStatus.SHOWN:d}"
_MEMBERS = f"""
    SELECT m.groupId, COUNT(*), SUM({_PRESENT}), SUM({_PRESENT} AND p.user_id IS NULL),
        MAX(m.created), SUM(u.id IS NULL AND m.created >= %s)
    FROM {IMGroupMember._meta.db_table} m
    LEFT JOIN {GroupPosition._meta.db_table} p ON p.user_id = m.userId AND p.group_id = m.groupId
    LEFT JOIN {IMUser._meta.db_table} u ON u.id = m.userId
    WHERE m.groupId > %s AND m.groupId <= %s
    GROUP BY m.groupId
"""
_POSITIONS = f"""
    SELECT p.group_id, COUNT(*),
        SUM(p.read_msg_id > c.last_msg_id OR p.joined_msg_id > c.last_msg_id
            OR p.removed_msg_id > c.last_msg_id
            OR p.read_msg_id < 0 OR p.joined_msg_id < 0 OR p.removed_msg_id < 0),
        SUM(p.read_msg_id < p.joined_msg_id)
    FROM {GroupPosition._meta.db_table} p
    LEFT JOIN {GroupCounter._meta.db_table} c ON c.group_id = p.group_id
    WHERE p.group_id > %s AND p.group_id <= %s
    GROUP BY p.group_id
"""
_CREATORLESS = f"""
    SELECT g.id FROM {IMGroup._meta.db_table} g
    LEFT JOIN {IMUser._meta.db_table} u ON u.id = g.creator
    WHERE g.id > %s AND g.id <= %s AND g.creator <> 0 AND u.id IS NULL
"""  # 0: made in the console


def walk(report: Report) -> Iterator[list[Finding]]:
    """Look at all groups."""
    since = adopted_at()
    for part in ranges(STEP, (IMGroup, "id"), (GroupCounter, "group_id")):
        with snapshot():
            found = list(_misplaced(part, since))
            for group_id, held in read(part, since).items():
                _count(report, held)
                found += _findings(group_id, held, since)
        yield found


def read(part: Range, since: int) -> dict[int, Held]:
    """Return the groups of a range by id, all rows that belong to each.

    Member rows older than `since` may name users who are not there.  Call it in a snapshot, or
    with the groups' counters locked.
    """
    held: dict[int, Held] = {}
    for group in IMGroup.objects.filter(id__gt=part.after, id__lte=part.upto):
        held.setdefault(group.id, Held()).group = group
    for counter in GroupCounter.objects.filter(group_id__gt=part.after, group_id__lte=part.upto):
        held.setdefault(counter.group_id, Held()).counter = counter
    for (group_id,) in select(_CREATORLESS, part.after, part.upto):
        held[group_id].has_creator = False
    for model in group_messages.all:
        statement = _SAID.format(table=model._meta.db_table)
        for group_id, *counts in select(statement, part.after, part.upto):
            if group_messages.for_key(group_id) is model:
                held.setdefault(group_id, Held()).said = _filled(Said, counts)
    for group_id, *counts in select(_MEMBERS, since, part.after, part.upto):
        held.setdefault(group_id, Held()).members = _filled(Members, counts)
    for group_id, *counts in select(_POSITIONS, part.after, part.upto):
        held.setdefault(group_id, Held()).positions = _filled(Positions, counts)
    return held


Counted = TypeVar("Counted", Said, Members, Positions)


def _filled(kind: type[Counted], counts: list[int | None]) -> Counted:
    assert len(counts) == len(fields(kind))
    return kind(*(int(count or 0) for count in counts))  # MariaDB's sums are decimals


def _count(report: Report, held: Held) -> None:
    report.rows[Check.GROUPS] += held.group is not None
    report.rows[Check.MEMBERS] += held.members.rows
    report.rows[Check.GROUP_MESSAGES] += held.said.messages
    report.rows[Check.GROUP_MESSAGE_IDS] += held.counter is not None
    report.rows[Check.GROUP_UNREAD] += held.positions.rows
    report.rows[Check.GROUP_VOICE] += held.said.voices


# --- what is wrong ----------------------------------------------------------------------------


def _misplaced(part: Range, since: int) -> Iterator[Finding]:
    """Messages that lie in another shard than theirs."""
    for number, model in enumerate(group_messages.all):
        statement = (
            f"SELECT groupId, COUNT(*) FROM {model._meta.db_table} WHERE groupId > %s "
            f"AND groupId <= %s AND groupId %% {len(group_messages.all)} <> %s "
            "AND created >= %s GROUP BY groupId"
        )
        for group_id, count in select(statement, part.after, part.upto, number, since):
            text = f"{count} messages of group {group_id} lie in {model._meta.db_table}"
            yield Finding(Check.GROUP_MESSAGES, text)


def _findings(group_id: int, held: Held, since: int) -> Iterator[Finding]:
    if held.group is None:
        yield from _without_group(group_id, held, since)
        return
    wrong = [*_wrong_group(held.group, held, since), *_wrong_members(held)]
    if held.counter is None:
        wrong.append((Check.GROUP_MESSAGE_IDS, "it has no counter"))
    else:
        wrong += _wrong_ids(held.counter, held.said)
        wrong += _wrong_voices(held.said)
        wrong += _wrong_time(held.group, held.counter, held.said)
    wrong += _wrong_positions(held)
    for check, text in wrong:
        yield Finding(check, f"group {group_id}: {text}", Subject.GROUP, group_id)


def _without_group(group_id: int, held: Held, since: int) -> Iterator[Finding]:
    gone = f"of group {group_id}, which is not there"
    if held.said.messages and held.said.newest >= since:
        yield Finding(Check.GROUP_MESSAGES, f"{held.said.messages} messages {gone}")
    if held.members.rows and held.members.newest >= since:
        yield Finding(Check.MEMBERS, f"{held.members.rows} members {gone}")
    if held.counter is not None:
        yield Finding(Check.GROUPS, f"the counter {gone}")
    if held.positions.rows:
        yield Finding(Check.GROUP_UNREAD, f"{held.positions.rows} positions {gone}")


Wrong = Iterator[tuple[Check, str]]


def _wrong_group(group: IMGroup, held: Held, since: int) -> Wrong:
    if group.updated < since:
        return  # as it was adopted
    if group.user_cnt != held.members.present:
        yield Check.GROUPS, f"{held.members.present} members, {group.user_cnt} counted"
    if group.version < 1:
        yield Check.GROUPS, f"its version is {group.version}"
    if not held.has_creator:
        yield Check.GROUPS, f"its creator {group.creator} is not there"


def _wrong_members(held: Held) -> Wrong:
    if held.members.unknown:
        yield Check.MEMBERS, f"{held.members.unknown} of its members are not there"
    if held.members.without_position:
        text = f"{held.members.without_position} of its members have no position"
        yield Check.GROUP_UNREAD, text


def _wrong_ids(counter: GroupCounter, said: Said) -> Wrong:
    last, first = counter.last_msg_id, counter.dense_from
    if said.highest > last or (last >= first and said.highest < last):
        yield Check.GROUP_MESSAGE_IDS, f"the highest id is {said.highest}, not {last}"
    if not 1 <= first <= last + 1:
        yield Check.GROUP_MESSAGE_IDS, f"dense from {first}, but the last is {last}"
    elif said.dense != last - first + 1:
        yield Check.GROUP_MESSAGE_IDS, f"{said.dense} messages from {first} to {last}"


def _wrong_voices(said: Said) -> Wrong:
    if said.mute:
        yield Check.GROUP_VOICE, f"{said.mute} voice messages name a sound that is not in IMAudio"


def _wrong_time(group: IMGroup, counter: GroupCounter, said: Said) -> Wrong:
    if counter.last_msg_id >= counter.dense_from and not has_right_time(group, said):
        times = f"the last message is of {said.last_created}, the newest of {said.newest}"
        yield Check.GROUPS, f"its last chat is of {group.last_chated}, {times}"


def has_right_time(group: IMGroup, said: Said) -> bool:
    """Whether a group's last chat has the time of the last batch of messages.

    A batch may hold messages that are dated a little later than its last one.
    """
    return not said.dense or said.last_created <= group.last_chated <= said.newest


def _wrong_positions(held: Held) -> Wrong:
    if held.positions.ahead:
        text = f"{held.positions.ahead} positions are not among its messages"
        yield Check.GROUP_UNREAD, text
    if held.positions.unjoined:
        text = f"{held.positions.unjoined} have read less than was said before they joined"
        yield Check.GROUP_UNREAD, text
    if held.said.unread_own:
        text = f"{held.said.unread_own} messages are unread by who wrote them"
        yield Check.GROUP_UNREAD, text
