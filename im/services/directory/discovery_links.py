"""The links on the clients' discovery page."""

from dataclasses import asdict, dataclass

from django.db.transaction import atomic
from django.utils.translation import gettext as _

from im.errors import Refused
from im.models import IMDiscovery
from im.services.validation import (
    MAX_PRIORITY,
    InvalidFields,
    Problem,
    TextRule,
    changed_values,
    next_stamp,
    range_problem,
    stale_problem,
    store_changes,
    text_problems,
)
from im.types import RowStatus

MAX_SHOWN = 200  # more than anyone scrolls through on a phone

TEXTS = (TextRule("item_name", 64, required=True), TextRule("item_url", 64, required=True))


@dataclass(frozen=True, slots=True)
class ItemCard:
    """One link; clients sort by priority, low first."""

    item_name: str
    item_url: str
    item_priority: int = 0
    status: int = RowStatus.SHOWN


@dataclass(frozen=True, slots=True)
class ItemChanged:
    """A link's row was written (or, without `fields`, was as wished already)."""

    item_id: int
    updated: int
    fields: tuple[str, ...]


def shown_items() -> tuple[ItemCard, ...]:
    """Return the links clients see, in the order they show them."""
    rows = IMDiscovery.objects.filter(status=RowStatus.SHOWN).order_by("item_priority", "pk")
    return tuple(_card(row) for row in rows[:MAX_SHOWN])


@atomic(savepoint=False)
def create_item(card: ItemCard) -> ItemChanged:
    """Add a link.  Raises InvalidFields when something can't be stored."""
    problems = check_new_item(card)
    if problems:
        raise InvalidFields(problems)
    now = next_stamp(0)
    values = asdict(card)
    row = IMDiscovery.objects.create(**values, created=now, updated=now)
    return ItemChanged(row.pk, now, tuple(values))


@atomic(savepoint=False)
def change_item(item_id: int, card: ItemCard, *, seen: int | None = None) -> ItemChanged:
    """Make a link's row say what `card` says; `seen` as in `stale_problem`.

    Raises InvalidFields when something can't be stored, Refused when there is no such link.
    """
    problems = check_item(item_id, card, seen=seen)
    if problems:
        raise InvalidFields(problems)
    row = _locked_item(item_id)
    fields = store_changes(row, changed_values(row, asdict(card)))
    return ItemChanged(item_id, row.updated, fields)


@atomic(savepoint=False)
def hide_item(item_id: int) -> ItemChanged:
    """Take a link off the discovery page.  Raises Refused when there is no such link."""
    row = _locked_item(item_id)
    fields = store_changes(row, changed_values(row, {"status": RowStatus.REMOVED}))
    return ItemChanged(item_id, row.updated, fields)


def check_new_item(card: ItemCard) -> tuple[Problem, ...]:
    """Return why a link can't be added like this; empty when nothing is wrong."""
    return tuple(_problems(asdict(card)))


@atomic(savepoint=False)
def check_item(item_id: int, card: ItemCard, *, seen: int | None = None) -> tuple[Problem, ...]:
    """Return why a link can't be changed like this.  Raises Refused when there is none."""
    row = _locked_item(item_id)
    return tuple(stale_problem(row, seen) + _problems(changed_values(row, asdict(card))))


def _problems(changes: dict[str, object]) -> list[Problem]:
    problems = text_problems(TEXTS, changes)
    problems += range_problem("item_priority", changes, range(MAX_PRIORITY + 1))
    problems += range_problem("status", changes, frozenset(RowStatus))
    # Clients open the address in a web view: no other scheme means anything there.
    if not str(changes.get("item_url") or "https://").startswith(("http://", "https://")):
        problems.append(Problem("item_url", _("An address begins with http:// or https://.")))
    return problems


def _card(row: IMDiscovery) -> ItemCard:
    return ItemCard(row.item_name, row.item_url, row.item_priority, row.status)


def _locked_item(item_id: int) -> IMDiscovery:
    row = IMDiscovery.objects.select_for_update().filter(pk=item_id).first()
    if row is None:
        raise Refused(_("There is no link with id %(id)d.") % {"id": item_id})
    return row
