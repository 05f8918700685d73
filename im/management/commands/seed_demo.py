"""`manage.py seed_demo`: fill the database with made-up people, departments and groups."""

import time
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from im.errors import Refused
from im.services.directory.users import USER_TEXTS
from im.services.identity.password_rules import MAX_PASSWORD_CHARS
from im.services.setup import seed_people
from im.services.setup.seed_people import NAME_DIGITS, Crowd

# Rows per transaction: about 30 ms, so that a running server is not held up on slow disks either.
ROWS_PER_CHUNK = 250
MAX_NAME_CHARS = next(rule.max_chars for rule in USER_TEXTS if rule.field == "name")


@dataclass(frozen=True, slots=True)
class Wish:
    """What was asked for on the command line."""

    users: int
    groups: int
    members: int
    departments: int
    password: str
    prefix: str


class Command(BaseCommand):
    """Adds people in short transactions, leaving the database free half of the time."""

    help = "Add made-up people (u00001, u00002, …) in departments and groups, for load tests."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--users", type=int, required=True, help="how many people")
        parser.add_argument("--password", required=True, help="the password of each of them")
        parser.add_argument("--groups", type=int, default=0, help="how many groups (0)")
        parser.add_argument("--members", type=int, default=10, help="people in each group (10)")
        parser.add_argument("--departments", type=int, default=10, help="how many (10)")
        parser.add_argument("--prefix", default="u", help="what login names begin with (u)")

    def handle(self, *args: Any, **options: Any) -> None:  # Any: Django's own signature
        wish = Wish(**{field: options[field] for field in Wish.__dataclass_fields__})
        _check(wish)
        started = time.monotonic()
        try:
            crowd = _seed(wish)
        except Refused as refusal:
            raise CommandError(str(refusal)) from refusal
        ids = crowd.user_ids
        self.stdout.write(
            f"{wish.users} people {crowd.name(1)} to {crowd.name(crowd.count)} "
            f"(ids {ids[0]} to {ids[-1]}), {wish.departments} departments, "
            f"{wish.groups} groups in {time.monotonic() - started:.1f} s"
        )


def _check(wish: Wish) -> None:
    if wish.users < 1 or wish.departments < 1 or wish.groups < 0 or wish.members < 1:
        raise CommandError("--users, --departments, --members must be at least 1, --groups 0")
    if wish.groups and wish.members > wish.users:
        raise CommandError("--members can't be more than --users")
    digits = max(NAME_DIGITS, len(str(wish.users)))
    if not wish.prefix.isprintable() or len(wish.prefix.strip()) + digits > MAX_NAME_CHARS:
        raise CommandError(f"names with this --prefix don't fit into {MAX_NAME_CHARS} characters")
    if wish.prefix != wish.prefix.strip():
        raise CommandError("--prefix can't begin or end with a space")
    if not 0 < len(wish.password) <= MAX_PASSWORD_CHARS:
        raise CommandError(f"--password needs 1 to {MAX_PASSWORD_CHARS} characters")


def _seed(wish: Wish) -> Crowd:
    seed_people.check_names(wish.prefix, wish.users)
    depart_ids = _add_departments(wish)
    with _own_turn():
        crowd = seed_people.reserve_crowd(wish.prefix, wish.users, depart_ids, wish.password)
    _add_people(crowd, wish.password)
    for number in _counted("groups", wish.groups):
        _add_group(crowd, number, wish.members)
    return crowd


def _add_departments(wish: Wish) -> list[int]:
    times = seed_people.department_times(wish.departments)
    depart_ids: list[int] = []
    for numbers in _chunks("departments", wish.departments):
        with _own_turn():
            depart_ids += seed_people.add_departments(wish.prefix, numbers, depart_ids, times)
    return depart_ids


def _add_people(crowd: Crowd, password: str) -> None:
    for numbers in _chunks("people", crowd.count):
        with _own_turn():
            seed_people.add_people(crowd, numbers, password)


def _add_group(crowd: Crowd, number: int, members: int) -> None:
    """Add a fixed group; the groups take their members in turn from the whole crowd."""
    first = (number - 1) * members
    user_ids = [crowd.user_ids[(first + n) % crowd.count] for n in range(members)]
    with _own_turn():
        group_id = seed_people.add_group(f"{crowd.prefix} group {number}", 1, user_ids[0], [])
    for start in range(0, members, ROWS_PER_CHUNK):
        with _own_turn():
            seed_people.add_members(group_id, user_ids[start : start + ROWS_PER_CHUNK])


def _counted(what: str, count: int) -> Iterator[int]:
    """Count from 1, with a progress bar on a terminal."""
    yield from tqdm(range(1, count + 1), desc=what, disable=None)


def _chunks(what: str, count: int) -> Iterator[range]:
    """Count from 1 in ranges of ROWS_PER_CHUNK, with a progress bar on a terminal."""
    with tqdm(total=count, desc=what, disable=None) as progress:
        for start in range(1, count + 1, ROWS_PER_CHUNK):
            numbers = range(start, min(start + ROWS_PER_CHUNK, count + 1))
            yield numbers
            progress.update(len(numbers))


@contextmanager
def _own_turn() -> Iterator[None]:
    """Give others as much time with the database as this took."""
    started = time.monotonic()
    yield
    time.sleep(time.monotonic() - started)
