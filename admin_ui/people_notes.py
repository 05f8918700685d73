"""What an operator should know of an import as a whole, before it and after it."""

from collections.abc import Iterable, Iterator

from django.db.models.functions import Lower
from django.utils.translation import gettext, ngettext

from admin_ui.people_plan import Kind, Plan
from admin_ui.people_wishes import Wishes
from admin_ui.punctuation import listed
from im.models import IMUser

_NAMES_SHOWN = 10
_NAMES_PER_QUERY = 500


def notes_of(wishes: Wishes, planned: Plan) -> list[str]:
    """Return what an import would do, and what to look at before it is confirmed."""
    totals = planned.totals
    counts = gettext(
        "%(new)d new, %(changed)d to change, %(same)d unchanged, %(refused)d that can't be stored"
    ) % {
        "new": totals[Kind.NEW],
        "changed": totals[Kind.CHANGED],
        "same": totals[Kind.SAME],
        "refused": totals[Kind.REFUSED],
    }
    notes = [counts, *wishes.notes, *without_password(planned.without_password)]
    if not planned.changes_anything and not totals[Kind.REFUSED]:
        notes.append(gettext("This file changes nothing: all people in it are as it says."))
    return [*notes, *_alike(planned)]


def without_password(count: int) -> list[str]:
    """Return a warning about new people whom nobody gave a password."""
    if not count:
        return []
    text = ngettext(
        "%d new person without a password: set one, nobody knows it.",
        "%d new people without a password: set one for each, nobody knows it.",
        count,
    )
    return [text % count]


def _alike(planned: Plan) -> Iterator[str]:
    """Warn of new login names that are others but for capitals: people would mix them up."""
    new = {row.name for row in planned.of_kind(Kind.NEW)}
    spelt: dict[str, set[str]] = {}
    for name in (*(row.name for row in planned.rows), *_stored_like(new)):
        spelt.setdefault(name.casefold(), set()).add(name)
    doubtful = sorted({name.casefold() for name in new if len(spelt[name.casefold()]) > 1})
    if doubtful:
        shown = [" / ".join(sorted(spelt[key])) for key in doubtful[:_NAMES_SHOWN]]
        more = " …" if len(doubtful) > _NAMES_SHOWN else ""
        text = gettext("Login names that differ in capitals only, are they different people? %s")
        yield text % (listed(shown) + more)


def _stored_like(names: Iterable[str]) -> Iterator[str]:
    folded = sorted({name.lower() for name in names})
    people = IMUser.objects.annotate(folded=Lower("name"))
    for start in range(0, len(folded), _NAMES_PER_QUERY):
        portion = folded[start : start + _NAMES_PER_QUERY]
        yield from people.filter(folded__in=portion).values_list("name", flat=True)
