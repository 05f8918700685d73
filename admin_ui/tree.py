"""The department tree as the pages show it: in order, with depth and path."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import dropwhile

from django.db.models import Count

from im.models import IMDepart, IMUser
from im.types import UserStatus


@dataclass(frozen=True, slots=True)
class Department:
    """What placing a department in the tree takes."""

    depart_id: int
    parent_id: int
    priority: int
    name: str


@dataclass(frozen=True, slots=True)
class Place:
    """Where a department stands: `path` has the names from the top down to its own."""

    depart_id: int
    parent_id: int
    depth: int
    name: str
    path: str


def company_outline() -> dict[int, Place]:
    """Return the place of every department by id, in the order of the tree.  One query."""
    rows = IMDepart.objects.values_list("pk", "parent_id", "priority", "depart_name")
    return outline(Department(*row) for row in rows)


def outline(departments: Iterable[Department]) -> dict[int, Place]:
    """Return the place of each department by id, in the order of the tree.

    Siblings go by priority.  What hangs under a missing parent counts as top; what an adopted
    database left in a loop is cut open at its lowest id.
    """
    by_id = {department.depart_id: department for department in departments}
    below: dict[int, list[Department]] = defaultdict(list)
    for department in sorted(by_id.values(), key=lambda d: (d.priority, d.depart_id)):
        below[department.parent_id if department.parent_id in by_id else 0].append(department)
    places: dict[int, Place] = {}
    for top in [*below[0], *(by_id[depart_id] for depart_id in sorted(by_id))]:
        _place_subtree(top, below, places)
    return places


def _place_subtree(
    top: Department, below: dict[int, list[Department]], places: dict[int, Place]
) -> None:
    waiting = [Place(top.depart_id, top.parent_id, 0, top.name, top.name)]
    while waiting:
        place = waiting.pop()
        if place.depart_id in places:
            continue
        places[place.depart_id] = place
        waiting += [
            _place_below(place, child) for child in reversed(below.get(place.depart_id, []))
        ]


def _place_below(parent: Place, child: Department) -> Place:
    path = f"{parent.path} / {child.name}"
    return Place(child.depart_id, child.parent_id, parent.depth + 1, child.name, path)


def headcounts() -> dict[int, int]:
    """Return how many people (not those who left) each department has by itself.  One query."""
    here = IMUser.objects.exclude(status=UserStatus.LEFT).order_by()
    return dict(here.values_list("depart_id").annotate(Count("pk")))


def totals(places: dict[int, Place], own: dict[int, int]) -> dict[int, int]:
    """Return how many people each department has with all that it contains."""
    sums = {depart_id: own.get(depart_id, 0) for depart_id in places}
    for place in reversed(places.values()):
        if place.depth and place.parent_id in sums:
            sums[place.parent_id] += sums[place.depart_id]
    return sums


def subtree(places: dict[int, Place], depart_id: int) -> list[int]:
    """Return the ids of a department and of all that it contains; none when there is no such."""
    inside: list[int] = []
    for place in dropwhile(lambda place: place.depart_id != depart_id, places.values()):
        if inside and place.depth <= places[depart_id].depth:
            break
        inside.append(place.depart_id)
    return inside
