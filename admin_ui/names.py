"""People and groups as operators name them, and back: for pages that show or ask for ids."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Q

from im.models import IMGroup, IMUser
from im.services.setup.database_fitness import unstorable

SUGGESTIONS = 10


@dataclass(frozen=True, slots=True)
class Names:
    """Names of the users and groups of one page, one query for each."""

    users: dict[int, str]
    groups: dict[int, str]

    def user(self, user_id: int) -> str:
        """Return a user's name, or his id where he is not in the tables."""
        return self.users.get(user_id, f"#{user_id}")

    def group(self, group_id: int) -> str:
        """Return a group's name, or its id where it has none."""
        return self.groups.get(group_id) or f"#{group_id}"


def names_of(user_ids: Iterable[int], group_ids: Iterable[int] = ()) -> Names:
    """Return the names of these."""
    users, groups = set(user_ids), set(group_ids)
    people = IMUser.objects.filter(id__in=users).values_list("id", "name", "nick")
    named = IMGroup.objects.filter(id__in=groups).values_list("id", "name")
    return Names(
        {row_id: f"{nick} ({name})" if nick else name for row_id, name, nick in people}
        if users
        else {},
        dict(named) if groups else {},
    )


def find_user(text: str) -> int | None:
    """Return the id of the user with this login name, or "#17"; None if there is none."""
    if unstorable(IMUser, "name", text):
        return None
    wanted = Q(pk=int(text[1:])) if _is_number(text) else Q(name=text)
    return IMUser.objects.filter(wanted).order_by("id").values_list("id", flat=True).first()


def find_group(text: str) -> int | None:
    """Return the id of the group with this name, or "#17"; None if there is none."""
    if unstorable(IMGroup, "name", text):
        return None
    wanted = Q(pk=int(text[1:])) if _is_number(text) else Q(name=text)
    return IMGroup.objects.filter(wanted).order_by("id").values_list("id", flat=True).first()


def suggest_users(text: str) -> list[tuple[str, str]]:
    """Return (what to enter, how it reads) of users whose names begin like this."""
    begins = Q(name__startswith=text) | Q(domain__startswith=text) | Q(nick__startswith=text)
    rows = IMUser.objects.filter(begins).values_list("name", "nick")[:SUGGESTIONS]
    return [(name, nick) for name, nick in rows]


def suggest_groups(text: str) -> list[tuple[str, str]]:
    """Return (what to enter, how it reads) of groups whose names begin like this."""
    rows = IMGroup.objects.filter(name__startswith=text).values_list("id", "name")[:SUGGESTIONS]
    return [(f"#{group_id}", name) for group_id, name in rows]


def _is_number(text: str) -> bool:
    return text.startswith("#") and text[1:].isdecimal() and len(text) <= 10
