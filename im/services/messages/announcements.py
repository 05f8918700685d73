"""Announcements: a text to everybody online, as a message of the system's user to each of them.

The clients know no notice of a server.  So an announcement is what it looks like: a conversation
with a user of that name, stored, counted as unread and there on every device.  It is stored in
steps of bounded size; each moves the announcement on in the transaction of its messages, so that
one that was broken off goes on where it stopped and nobody gets it twice.
"""

import time
from collections.abc import Sequence

from django.conf import settings
from django.db.transaction import atomic, on_commit

from im.errors import Refused
from im.models import Announcement, IMUser
from im.services.messages import compose
from im.services.monitoring import statistics
from im.storage.writer.single import Known
from im.storage.writer.transaction import Work
from im.types import Event, MessageStored, MsgType
from im.wire import cipher

MOST_BYTES = 3068  # of clear text: more does not fit into the column (spec/periphery 3.5)
STEP_USERS = 200  # receivers per transaction: some 50 ms


def sender() -> IMUser | None:
    """Return the user whom announcements come from (IM_NOTICE_SENDER), if there is one."""
    return IMUser.objects.filter(name=settings.IM_NOTICE_SENDER).order_by("id").first()


def begin(text: str, begun_by: str) -> Announcement:
    """Begin an announcement that nobody has got yet.

    Raises Refused for the empty text, one too long, and where there is no sender.
    """
    text = text.strip()
    if not 0 < len(text.encode("utf-8", "surrogatepass")) <= MOST_BYTES:
        raise Refused(f"a text has 1 to {MOST_BYTES} bytes")
    user = sender()
    if user is None:
        raise Refused(f"there is no user {settings.IM_NOTICE_SENDER!r} to send it")
    return Announcement.objects.create(
        sender_id=user.pk, text=text, begun_by=begun_by, created=int(time.time())
    )


def step(
    announcement_id: int, user_ids: Sequence[int], *, is_last: bool
) -> tuple[Announcement, list[Event]]:
    """Send it to these users, ascending, at most STEP_USERS; return what is to be told of.

    Those up to whom it has already come are left out.  Raises Refused for
    one that does not exist.
    """
    with atomic(savepoint=False):
        found = Announcement.objects.select_for_update().filter(pk=announcement_id).first()
        if found is None:
            raise Refused(f"there is no announcement {announcement_id}")
        todo = [user_id for user_id in user_ids[:STEP_USERS] if user_id > found.last_user_id]
        events = send(found.sender_id, todo, found.text)
        found.last_user_id = max([found.last_user_id, *todo])
        found.sent += len(events)
        if is_last and not found.finished:
            found.finished = int(time.time())
        found.save(update_fields=["last_user_id", "sent", "finished"])
    return found, events


@atomic(savepoint=False)
def send(sender_id: int, user_ids: Sequence[int], text: str) -> list[Event]:
    """Store a text to each of these users, but not to its sender; return what is to be told of.

    The caller's transaction waits while it is done: some 50 ms for 200 users.
    """
    content = cipher.encrypt_text(text, settings.IM_AES_KEY.encode())
    items = [
        compose.new_text(sender_id, user_id, MsgType.SINGLE_TEXT, content)
        for user_id in user_ids
        if user_id != sender_id
    ]
    results = Work(items, Known()).run() if items else []
    events: list[Event] = [event for event in results if isinstance(event, MessageStored)]
    on_commit(lambda: statistics.count_stored(events))
    return events


def find(announcement_id: int) -> Announcement | None:
    """Return an announcement, if there is one of this id."""
    return Announcement.objects.filter(pk=announcement_id).first()


def unfinished() -> list[Announcement]:
    """Return the announcements that were broken off, the newest first, at most ten."""
    return list(Announcement.objects.filter(finished=0).order_by("-id")[:10])
