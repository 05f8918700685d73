"""What the server should do, in lists and sets: the model that it is compared with.

Users and groups are numbers from 0; whoever drives a server knows their ids.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

Place = tuple[str, int]  # "user" or "group", and which
Said = list[tuple[int, str]]  # message id and text, newest first


class Deed(NamedTuple):
    """Something a user does in a conversation: "say", "read" or "remove"."""

    what: str
    who: int
    where: Place
    text: str = ""


class View(NamedTuple):
    """What a user sees: unread counts, his list with removed ones (False), and what was said."""

    unread: dict[Place, int]
    listed: dict[Place, bool]
    said: dict[Place, Said]


@dataclass
class Talk:
    """What two users said to each other: (sender, text), the first one's id is 1."""

    said: list[tuple[int, str]] = field(default_factory=list)
    unread: dict[int, int] = field(default_factory=dict)  # by reader
    shown: set[int] = field(default_factory=set)  # who has it on his list
    hidden: set[int] = field(default_factory=set)  # who took it off


@dataclass
class Group:
    """A temporary group; positions are message ids."""

    creator: int
    members: set[int]
    said: list[str] = field(default_factory=list)
    joined: dict[int, int] = field(default_factory=dict)
    read: dict[int, int] = field(default_factory=dict)
    removed: dict[int, int] = field(default_factory=dict)
    told_off: set[int] = field(default_factory=set)  # whose clients know that it was removed

    def join(self, user: int) -> None:
        """Begin a membership: what was said before is nobody's business."""
        self.members.add(user)
        self.joined[user] = self.read[user] = self.removed[user] = len(self.said)

    def is_listed(self, user: int) -> bool:
        """Tell whether a member has the group on his list."""
        newest = max(self.joined.get(user, 0), self.removed.get(user, 0))
        return user in self.members and len(self.said) > newest


class World:
    """All users, what they said and where they are."""

    def __init__(self, users: int) -> None:
        self.users = users
        self.talks: dict[frozenset[int], Talk] = {}
        self.groups: list[Group] = []

    # --- deeds: each returns what its author is told --------------------------------------------

    def do(self, deed: Deed) -> int | bool | None:
        """Return a message's id (None: refused), whether something was removed, or None."""
        kind, other = deed.where
        if kind == "group":
            return self._do_in_group(deed, self.groups[other])
        return self._do_in_talk(deed, other)

    def _do_in_talk(self, deed: Deed, other: int) -> int | bool | None:
        talk = self.talks.setdefault(frozenset((deed.who, other)), Talk())
        if deed.what == "say":
            talk.said.append((deed.who, deed.text))
            talk.unread[other] = talk.unread.get(other, 0) + 1
            talk.shown |= {deed.who, other}
            talk.hidden.clear()
            return len(talk.said)
        if deed.what == "read":
            talk.unread[deed.who] = 0
            return None
        if deed.who not in talk.shown:
            return False
        talk.unread[deed.who] = 0
        talk.shown.remove(deed.who)
        talk.hidden.add(deed.who)
        return True

    def _do_in_group(self, deed: Deed, group: Group) -> int | bool | None:
        if deed.who not in group.members:
            return False if deed.what == "remove" else None
        if deed.what == "say":
            group.said.append(deed.text)
        was_listed = group.is_listed(deed.who)
        group.read[deed.who] = len(group.said)
        if deed.what == "remove":
            group.removed[deed.who] = len(group.said)
            if was_listed:
                group.told_off.add(deed.who)
            return was_listed
        return len(group.said) if deed.what == "say" else None

    def make(self, creator: int, members: set[int]) -> None:
        """Make a group."""
        group = Group(creator, set())
        for user in members:
            group.join(user)
        self.groups.append(group)

    def add(self, actor: int, number: int, users: set[int]) -> bool:
        """Add people to a group; tell whether that was allowed and anybody was new."""
        group = self.groups[number]
        new = users - group.members
        if not new or actor not in group.members | {group.creator}:
            return False
        for user in new:
            group.join(user)
        return True

    def take_out(self, actor: int, number: int, users: set[int]) -> bool:
        """Take people out of a group; tell whether that was allowed and anybody was in."""
        group = self.groups[number]
        gone = users & group.members
        if not gone or actor != group.creator:
            return False
        group.members -= gone
        group.told_off |= gone
        return True

    # --- what a user sees -----------------------------------------------------------------------

    def view(self, user: int) -> View:
        """Return everything a user sees."""
        unread: dict[Place, int] = {}
        listed: dict[Place, bool] = {}
        said: dict[Place, Said] = {}
        for pair, talk in self.talks.items():
            [other] = pair - {user} if user in pair else [None]
            if other is None:
                continue
            place = ("user", other)
            unread[place] = talk.unread.get(user, 0)
            said[place] = [(i + 1, text) for i, (_, text) in enumerate(talk.said)][::-1]
            if user in talk.shown | talk.hidden:
                listed[place] = user in talk.shown
        for number, group in enumerate(self.groups):
            place = ("group", number)
            if group.is_listed(user) or user in group.told_off:
                listed[place] = group.is_listed(user)
            if user in group.members:
                behind = max(group.joined[user], group.read[user])
                unread[place] = len(group.said) - behind
                said[place] = [(i + 1, text) for i, text in enumerate(group.said)][
                    : group.joined[user] - len(group.said) - 1 : -1
                ]
        return View(
            {place: count for place, count in unread.items() if count},
            listed,
            {place: texts for place, texts in said.items() if texts},
        )
