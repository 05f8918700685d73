"""What one user reads, asked for as clients do: alone, in a batch of one."""

from im.services.groups import members
from im.services.messages import history, recents
from im.services.messages.history import Opening
from im.services.messages.memberships import Membership, Memberships
from im.services.messages.prefetch import Reading
from im.services.messages.recents import RecentSession, Since
from im.services.messages.unread import Unread, unread
from im.types import Message, SessionType


def page(user_id: int, peer_id: int, *, newest_id: int = 0, at_most: int = 9) -> list[Message]:
    """Return a page of a one-to-one conversation."""
    [found] = history.pages([Opening(user_id, SessionType.SINGLE, peer_id, newest_id, at_most)])
    return found


def group_page(user_id: int, group_id: int, *, at_most: int = 100) -> list[Message]:
    """Return the newest page of a group."""
    [found] = history.pages([Opening(user_id, SessionType.GROUP, group_id, 0, at_most)])
    return found


def sessions_of(user_id: int, since: int, *, knows_removed: bool = False) -> list[RecentSession]:
    """Return a user's list of conversations."""
    asked = Since(user_id, since, knows_removed)
    [found] = recents.recent_sessions([asked], Reading([user_id]))
    return [*found]


def unread_of(user_id: int) -> list[Unread]:
    """Return what a user has not read."""
    [found] = unread([user_id], Reading([user_id]))
    return [*found]


def groups_of(user_id: int) -> list[Membership]:
    """Return the groups a user is in."""
    return Memberships([user_id]).of(user_id)


def fixed_groups_of(user_id: int) -> list[members.GroupVersion]:
    """Return a user's fixed groups."""
    [found] = members.fixed_groups([user_id], Reading([user_id]))
    return found
