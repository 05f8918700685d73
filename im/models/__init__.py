"""The tables: TeamTalk's own under their names and columns, and ours (lower case) beside them.

Times are unix seconds.  References are integer columns that may hold 0 or the id of a row that is
gone; each has a `Reference` beside it for joins.  Reads are QuerySets, writes are services.
"""

from im.models.chat import (
    IMAudio,
    IMMessage,
    IMRecentSession,
    IMRelationShip,
    IMTransmitFile,
    messages,
)
from im.models.groups import IMGroup, IMGroupMember, IMGroupMessage, group_messages
from im.models.people import IMAdmin, IMDepart, IMDiscovery, IMUser
from im.models.positions import Conversation, GroupCounter, GroupPosition

__all__ = [
    "Conversation",
    "GroupCounter",
    "GroupPosition",
    "IMAdmin",
    "IMAudio",
    "IMDepart",
    "IMDiscovery",
    "IMGroup",
    "IMGroupMember",
    "IMGroupMessage",
    "IMMessage",
    "IMRecentSession",
    "IMRelationShip",
    "IMTransmitFile",
    "IMUser",
    "group_messages",
    "messages",
]
