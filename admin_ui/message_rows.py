"""Found messages as rows of a page."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse

from admin_ui.console import readable_s
from admin_ui.names import names_of
from im.models import IMAudio
from im.services.messages import content
from im.services.messages.search import Found
from im.types import SessionType


@dataclass(frozen=True, slots=True)
class MessageRow:
    """One row; `parts` is what the message says, None where it is not to be shown."""

    at: str
    sender: str
    to: str
    is_group: bool
    msg_id: int
    parts: list[dict[str, str]] | None
    context_url: str
    where_url: str
    is_chosen: bool = False


def rows_of(
    found: Iterable[Found], grant: str, *, with_content: bool, chosen: int = 0
) -> list[MessageRow]:
    """Return rows with names, in three queries; `grant` goes into their links."""
    listed = list(found)
    people = {user for one in listed for user in (one.sender_id, one.receiver_id) if user}
    groups = {one.conversation_id for one in listed if one.session_type is SessionType.GROUP}
    names = names_of(people, groups)
    seconds = _durations(listed) if with_content else {}
    return [
        MessageRow(
            at=readable_s(one.created),
            sender=names.user(one.sender_id),
            to=names.group(one.conversation_id)
            if one.session_type is SessionType.GROUP
            else names.user(one.receiver_id),
            is_group=one.session_type is SessionType.GROUP,
            msg_id=one.msg_id,
            parts=_parts(one, grant, seconds) if with_content else None,
            context_url=_url("conversation", one, grant) if with_content else "",
            where_url=_url("message_path", one, ""),
            is_chosen=one.msg_id == chosen,
        )
        for one in listed
    ]


def _parts(found: Found, grant: str, seconds: dict[int, int]) -> list[dict[str, str]]:
    if found.voice_id:
        url = f"{reverse('admin:voice', args=[found.voice_id])}?{urlencode({'grant': grant})}"
        return [{"voice": url, "seconds": str(seconds.get(found.voice_id, 0))}]
    if found.text is None:
        return [{"odd": "yes"}]
    return [
        {"text": part.text}
        if isinstance(part, content.Words)
        else {"picture": f"/{part.path}" if part.path else "", "link": part.url}
        for part in content.parts(found.text)
    ]


def _durations(found: Iterable[Found]) -> dict[int, int]:
    ids = [one.voice_id for one in found if one.voice_id]
    if not ids:
        return {}
    return dict(IMAudio.objects.filter(id__in=ids).values_list("id", "duration"))


def _url(name: str, found: Found, grant: str) -> Any:
    place = [int(found.session_type), found.conversation_id, found.msg_id]
    query = f"?{urlencode({'grant': grant})}" if grant else ""
    return reverse(f"admin:{name}", args=place) + query
