"""What users were to get since a moment, as a gateway asks that has lost something."""

import pytest
from pytest_django.fixtures import Settings

from im.errors import Overloaded
from im.models import GroupPosition, IMGroup, IMGroupMember, IMUser
from im.services.messages import catch_up, compose
from im.storage.writer.writer import Writer
from im.types import MessageStored, MsgType, SessionType

pytestmark = pytest.mark.django_db

ADA, BOB, CLEO, DAN = 1, 2, 3, 4
GROUP = 9


@pytest.fixture(autouse=True)
def _company(db: None) -> None:
    IMUser.objects.bulk_create(
        IMUser(id=user_id, name=f"u{user_id}", depart_id=1, created=1, updated=1)
        for user_id in range(1, 40)
    )
    IMGroup.objects.create(id=GROUP, name="group", type=1, status=0)
    IMGroupMember.objects.bulk_create(
        IMGroupMember(group_id=GROUP, user_id=user_id, status=0) for user_id in (ADA, BOB, CLEO)
    )


def say(sender_id: int, to_id: int, text: str, kind: MsgType = MsgType.SINGLE_TEXT) -> None:
    assert None not in Writer()([compose.new_text(sender_id, to_id, kind, text.encode())])


def found(marks: tuple[int, ...], *user_ids: int) -> list[tuple[int, str, tuple[int, ...]]]:
    """Return (session, text, for whom) of what is found."""
    return [
        (event.session_id, event.message.content.decode(), event.receivers)
        for event in catch_up.since(marks, user_ids)
        if isinstance(event, MessageStored)
    ]


def test_messages_after_the_marks_are_found_for_both_sides_and_nobody_else() -> None:
    say(ADA, BOB, "before")
    marks = catch_up.marks()
    say(ADA, BOB, "one")
    say(BOB, ADA, "two")
    for receiver in range(5, 25):  # all shards
        say(CLEO, receiver, f"to {receiver}")

    assert found(marks, BOB) == [(BOB, "one", (BOB,)), (ADA, "two", (BOB,))]
    assert [(text, who) for _, text, who in found(marks, ADA, BOB)] == [
        ("one", (ADA, BOB)),
        ("two", (ADA, BOB)),
    ]
    assert sorted(who for _, _, who in found(marks, *range(5, 25))) == [(n,) for n in range(5, 25)]
    assert found(marks, DAN) == found(catch_up.marks(), ADA, BOB) == []


def test_group_messages_are_found_for_members_from_when_they_joined() -> None:
    marks = catch_up.marks()
    say(ADA, GROUP, "one", MsgType.GROUP_TEXT)
    say(ADA, GROUP, "two", MsgType.GROUP_TEXT)
    GroupPosition.objects.create(group_id=GROUP, user_id=CLEO, joined_msg_id=1)
    IMGroupMember.objects.filter(user_id=BOB).update(status=1)

    [one, two] = catch_up.since(marks, [ADA, BOB, CLEO, DAN])

    assert isinstance(one, MessageStored)
    assert isinstance(two, MessageStored)
    assert (one.session_type, one.session_id, one.message.msg_id) == (SessionType.GROUP, GROUP, 1)
    assert (set(one.receivers), set(two.receivers)) == ({ADA}, {ADA, CLEO})


def test_more_messages_than_may_be_looked_at_are_refused(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catch_up, "CHUNK", 2)
    settings.IM_REPAIR_MESSAGES = 5
    marks = catch_up.marks()
    for number in range(5):
        say(ADA, BOB, str(number))
    assert [text for _, text, _ in found(marks, BOB)] == list("01234")

    say(ADA, BOB, "one too many")

    with pytest.raises(Overloaded, match="more than 5"):
        catch_up.since(marks, [BOB])
