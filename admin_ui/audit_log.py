"""The audit log: who did what in the console, append-only and chained by hashes.

`record` is the one recorder; call it in the transaction that makes the change, so that neither is
there without the other.  Each entry's hash covers its values and the hash before it, and the head
row has the last: whoever edits, deletes, reorders or cuts off entries breaks the chain, which
`manage.py verify_audit` tells.  Writers lock the head row, so the chain has one end.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from django.db import transaction
from django.db.models import Model
from django.http import HttpRequest

from admin_ui.models import AuditEntry, AuditHead, Operator

HEAD_ID = 1
ENTRIES_AT_ONCE = 500  # rows per INSERT, and per read when verifying
_COVERED = (
    "number",
    "operator_id",
    "operator",
    "address",
    "action",
    "target",
    "target_name",
    "detail",
    "reason",
)


@dataclass(frozen=True, slots=True)
class Deed:
    """One thing to record: an action, what it concerned, and what changed by it.

    `target` is a row, or a text like "message:3/17" for what is no row of the console.  `detail`
    maps names to plain values; a change is a pair [before, after].
    """

    action: str
    target: Model | str = ""
    detail: Mapping[str, Any] = field(default_factory=dict)
    target_name: str = ""


def record(
    operator: Operator | None,
    action: str,
    target: Model | str = "",
    detail: Mapping[str, Any] | None = None,
    reason: str = "",
    *,
    address: str = "",
) -> AuditEntry:
    """Add one entry and return it.  `operator` None: the system itself, e.g. a command.

    `address` is where the operator sits (`address_of`).
    """
    deed = Deed(action, target, detail or {})
    return record_all(operator, [deed], reason, address=address)[0]


@transaction.atomic(savepoint=False)
def record_all(
    operator: Operator | None, deeds: Sequence[Deed], reason: str = "", *, address: str = ""
) -> list[AuditEntry]:
    """Add one entry per deed, with one turn at the head of the chain."""
    if not deeds:
        return []
    head = _locked_head()
    now = datetime.now(UTC)
    entries = []
    for deed in deeds:
        head.number += 1
        entry = AuditEntry(
            number=head.number,
            at=now,
            operator_id=operator.pk if operator else 0,
            operator=operator.get_username() if operator else "",
            address=address[:45],
            action=deed.action,
            target=target_key(deed.target)[:80],
            target_name=(deed.target_name or _name(deed.target))[:255],
            detail=_canonical(deed.detail),
            reason=reason[:255],
        )
        entry.hash = head.hash = chained(head.hash, entry)
        entries.append(entry)
    AuditEntry.objects.bulk_create(entries, batch_size=ENTRIES_AT_ONCE)
    head.save()
    return entries


def target_key(target: Model | str) -> str:
    """Return how the log names a row: "im.imuser:5"."""
    return target if isinstance(target, str) else f"{target._meta.label_lower}:{target.pk}"


def address_of(request: HttpRequest) -> str:
    """Return the address a request came from."""
    return str(request.META.get("REMOTE_ADDR") or "")


def chained(previous: str, entry: AuditEntry) -> str:
    """Return the hash of an entry that follows one with the hash `previous`."""
    values = [getattr(entry, name) for name in _COVERED]
    at = entry.at.astimezone(UTC).isoformat(timespec="microseconds")
    text = json.dumps([previous, at, *values], ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def flaws() -> Iterator[str]:
    """Say what is wrong with the log, in order; nothing when it is whole."""
    previous = ""
    expected = 1
    for entry in AuditEntry.objects.order_by("number").iterator(ENTRIES_AT_ONCE):
        if entry.number != expected:
            yield f"entries {expected} to {entry.number - 1} are missing"
        elif entry.hash != chained(previous, entry):
            yield f"entry {entry.number} is not what was written there"
        previous, expected = entry.hash, entry.number + 1
    head = AuditHead.objects.filter(pk=HEAD_ID).first()
    number, last = (head.number, head.hash) if head else (0, "")
    if number != expected - 1:
        yield f"the log ends at entry {expected - 1}, but {number} were written"
    elif last != previous:
        yield f"entry {expected - 1} is not the last that was written"


def has_entry(known: str) -> bool:
    """Tell whether there is an entry with the number and hash written as "NUMBER:HASH"."""
    number, _, digest = known.partition(":")
    return number.isdecimal() and AuditEntry.objects.filter(number=number, hash=digest).exists()


def _locked_head() -> AuditHead:
    heads = AuditHead.objects.select_for_update()
    head = heads.filter(pk=HEAD_ID).first()
    if head is None:
        AuditHead.objects.bulk_create([AuditHead(pk=HEAD_ID)], ignore_conflicts=True)
        head = heads.get(pk=HEAD_ID)
    return head


def _name(target: Model | str) -> str:
    return "" if isinstance(target, str) else str(target)


def _canonical(detail: Mapping[str, Any]) -> str:
    return json.dumps(
        detail, ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=str
    )
