"""New passwords that somebody else sets, and their owners' hearing of it.

Who sets a password can log in with it.  So its owner gets a message of the system's user, stored
with the password in one transaction: it is there at their next login, in every client.
"""

from collections.abc import Sequence
from datetime import datetime

from django.conf import settings
from django.db.transaction import atomic
from django.utils import timezone, translation
from django.utils.formats import date_format
from django.utils.translation import gettext

from im.models import IMDepart, IMUser
from im.services.directory import users
from im.services.directory.users import UserChanged
from im.services.identity import passwords
from im.services.messages import announcements
from im.services.setup import password_file
from im.services.validation import next_stamp
from im.types import Event, RowStatus


@atomic(savepoint=False)
def set_for(user_id: int, password: str, *, set_by: str) -> UserChanged:
    """Give a person a new password, and tell them who did it.  Raises InvalidFields, Refused."""
    changed = users.set_password(user_id, password)
    told = tell([user_id], set_by=set_by)
    return UserChanged(user_id, changed.updated, changed.fields, (*changed.events, *told))


@atomic(savepoint=False)
def tell(user_ids: Sequence[int], *, set_by: str) -> list[Event]:
    """Store a message to each of these people that `set_by` set their password just now.

    Call it in the transaction that sets them; its events are to be announced after the commit.
    """
    sender = announcements.sender() or _new_sender()
    return announcements.send(sender.pk, user_ids, _text(set_by))


def _text(set_by: str) -> str:
    """Return the message in all our languages, the server's first: people's own are unknown."""
    codes = sorted((code for code, _ in settings.LANGUAGES), key=settings.LANGUAGE_CODE.__ne__)
    return "\n".join(_text_in(code, set_by) for code in codes)


def _text_in(language: str, set_by: str) -> str:
    with translation.override(language):
        text = gettext(
            "Your password was set by %(operator)s at %(time)s. If you don't know why, ask your "
            "administrator: who set it can read your messages until you change it."
        )
        return text % {"operator": set_by, "time": _readable(timezone.localtime())}


def _readable(now: datetime) -> str:
    """Return a time to the minute with its offset: who reads it may be in another zone."""
    offset = now.isoformat()[-len("+00:00") :]
    return f"{date_format(now, 'Y-m-d H:i')} (UTC{offset})"


def _new_sender() -> IMUser:
    """Add the system's user, whom nobody can log in as; clients want to know who writes to them."""
    users.lock_names()
    found = announcements.sender()
    if found is not None:
        return found
    with translation.override(settings.LANGUAGE_CODE):
        nick = gettext("System")
    shown = IMDepart.objects.filter(status=RowStatus.SHOWN).order_by("parent_id", "id").first()
    stored, salt = passwords.hash_password(password_file.random_password())
    now = next_stamp(0)
    return IMUser.objects.create(
        name=settings.IM_NOTICE_SENDER, nick=nick, domain=settings.IM_NOTICE_SENDER,
        depart_id=shown.pk if shown else 0, password=stored, salt=salt, avatar="",
        created=now, updated=now,
    )  # fmt: skip
