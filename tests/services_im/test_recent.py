"""The list of conversations: which ones, in which order, with which message, at what cost."""

import time

import pytest
from pytest_django.fixtures import DjangoAssertNumQueries

from im.models import (
    Conversation,
    GroupCounter,
    IMGroup,
    IMGroupMember,
    IMRecentSession,
    IMRelationShip,
    group_messages,
    messages,
)
from im.services.messages import recents
from im.services.messages.prefetch import Reading
from im.services.messages.recents import OVERLAP_S, RecentSession, Since
from im.services.stamps import FUTURE_REACH_S
from im.storage.writer.requests import pair_of
from im.types import Message, MsgType, RowStatus, SessionType
from tests.reading import sessions_of

pytestmark = pytest.mark.django_db

ME = 50
NOW = 1_700_000_000
SINGLE, GROUP = SessionType.SINGLE, SessionType.GROUP
SHARDS = 8


def add_session(
    peer_id: int,
    updated: int = NOW,
    *,
    session_type: int | None = SINGLE,
    status: int | None = RowStatus.SHOWN,
    owner_id: int = ME,
) -> None:
    IMRecentSession.objects.create(
        user_id=owner_id, peer_id=peer_id, type=session_type, status=status, updated=updated
    )


def add_messages(
    peer_id: int, count: int = 1, *, author_id: int = 0, msg_type: int = MsgType.SINGLE_TEXT
) -> None:
    """Store what ME and the peer said: "1", "2", …"""
    small_id, big_id = pair_of(ME, peer_id)
    relation = IMRelationShip.objects.create(small_id=small_id, big_id=big_id)
    Conversation.objects.create(
        relate_id=relation.pk, small_id=small_id, big_id=big_id, last_msg_id=count
    )
    messages.for_key(relation.pk).objects.bulk_create(
        messages.for_key(relation.pk)(
            relate_id=relation.pk,
            from_id=author_id or peer_id,
            to_id=ME,
            msg_id=number,
            content=str(number),
            type=msg_type,
            created=NOW,
            updated=NOW,
        )
        for number in range(1, count + 1)
    )


def add_group_messages(author_id: int, count: int = 1) -> int:
    """Make a group with messages "1", "2", … and return its id."""
    group = IMGroup.objects.create(name="g")
    GroupCounter.objects.create(group_id=group.pk, last_msg_id=count)
    group_messages.for_key(group.pk).objects.bulk_create(
        group_messages.for_key(group.pk)(
            group_id=group.pk,
            user_id=author_id,
            msg_id=number,
            content=str(number),
            type=MsgType.GROUP_TEXT,
            created=NOW,
        )
        for number in range(1, count + 1)
    )
    return group.pk


def add_conversation(
    peer_id: int,
    updated: int = NOW,
    *,
    session_type: int | None = SINGLE,
    status: int | None = RowStatus.SHOWN,
) -> None:
    """Add a conversation of one message, and ME's session of it."""
    add_messages(peer_id)
    add_session(peer_id, updated, session_type=session_type, status=status)


def peers(found: list[RecentSession]) -> list[int]:
    return [session.session_id for session in found]


# --- which ones, in which order -----------------------------------------------------------------


def test_the_session_touched_last_comes_first_and_equal_ones_as_they_were_made() -> None:
    for peer_id, age in ((1, 30), (2, 10), (99, 20), (3, 10)):
        add_conversation(peer_id, NOW - age)

    assert peers(sessions_of(ME, 0)) == [2, 3, 99, 1]


def test_only_what_was_touched_since_the_stamp_or_just_before_is_told() -> None:
    for peer_id in range(1, 6):
        add_conversation(peer_id, NOW + peer_id)

    assert peers(sessions_of(ME, NOW + 5)) == [5, 4]
    assert peers(sessions_of(ME, NOW + 5 + OVERLAP_S)) == []
    assert peers(sessions_of(ME, 1)) == [5, 4, 3, 2, 1]
    assert sessions_of(ME, 4294967295) == []


def test_what_others_talk_about_is_not_told() -> None:
    add_conversation(1)
    add_session(1, owner_id=7)
    add_session(ME, owner_id=1)

    assert peers(sessions_of(ME, 0)) == [1]
    assert peers(sessions_of(7, 0)) == []


@pytest.mark.parametrize("ahead_s", [1, 3600, 2**32 - 1 - NOW])
def test_a_stamp_of_the_future_is_answered_from_some_minutes_before_now(
    monkeypatch: pytest.MonkeyPatch, ahead_s: int
) -> None:
    monkeypatch.setattr(time, "time", lambda: float(NOW))
    add_conversation(1, NOW - 2 * FUTURE_REACH_S)
    add_conversation(2, NOW - 60)

    assert peers(sessions_of(ME, NOW + ahead_s)) == [2]


def test_a_hundred_sessions_are_told_the_newest() -> None:
    for peer_id in range(100, 205):
        add_conversation(peer_id, NOW + peer_id)

    assert peers(sessions_of(ME, 0)) == list(range(204, 104, -1))


def test_a_removed_session_is_told_only_to_who_has_been_here_before() -> None:
    add_conversation(1, NOW)
    add_conversation(2, NOW + 1, status=RowStatus.REMOVED)

    assert peers(sessions_of(ME, 0, knows_removed=True)) == [1]
    later = sessions_of(ME, 1, knows_removed=True)
    assert [(session.session_id, session.status) for session in later] == [
        (2, RowStatus.REMOVED),
        (1, RowStatus.SHOWN),
    ]


@pytest.mark.parametrize("since", [0, 1, NOW])
def test_a_client_that_overlooks_the_status_is_told_of_no_removed_session(since: int) -> None:
    add_conversation(1, NOW)
    add_conversation(2, NOW + 1, status=RowStatus.REMOVED)
    add_session(add_group_messages(1), session_type=GROUP, status=RowStatus.REMOVED)

    assert peers(sessions_of(ME, since)) == [1]


@pytest.mark.parametrize("since", [0, 1])
def test_rows_in_a_state_nobody_knows_are_left_out(since: int) -> None:
    for peer_id, session_type, status in ((1, None, 0), (2, 3, 0), (3, 1, None), (4, 1, 2)):
        add_conversation(peer_id, session_type=session_type, status=status)

    assert sessions_of(ME, since) == []


# --- the newest message -------------------------------------------------------------------------


@pytest.mark.parametrize("peer_id", [ME - 1, ME + 1])
def test_each_session_has_its_newest_message(peer_id: int) -> None:
    add_messages(peer_id, 3, author_id=ME)
    add_session(peer_id, NOW + 5)

    assert sessions_of(ME, 0) == [
        RecentSession(SINGLE, peer_id, RowStatus.SHOWN, NOW + 5, Message(3, ME, NOW, 1, b"3"))
    ]


def test_a_group_and_a_person_of_the_same_number_are_two_sessions() -> None:
    group_id = add_group_messages(author_id=7, count=2)
    add_messages(group_id, 4)
    add_session(group_id, NOW)
    IMGroup.objects.filter(pk=group_id).update(last_chated=NOW + 1)
    IMGroupMember.objects.create(group_id=group_id, user_id=ME, status=RowStatus.SHOWN)

    assert sessions_of(ME, 0) == [
        RecentSession(
            GROUP, group_id, RowStatus.SHOWN, NOW + 1, Message(2, 7, NOW, MsgType.GROUP_TEXT, b"2")
        ),
        RecentSession(SINGLE, group_id, RowStatus.SHOWN, NOW, Message(4, group_id, NOW, 1, b"4")),
    ]


def test_a_session_without_a_message_is_left_out() -> None:
    add_session(1)
    add_messages(2, count=0)
    add_session(2)
    add_session(add_group_messages(7, count=0), session_type=GROUP)
    add_session(4711, session_type=GROUP)

    assert sessions_of(ME, 0) == []


def test_a_session_whose_newest_message_is_of_no_known_type_is_left_out() -> None:
    add_messages(1, msg_type=0x33)
    add_session(1)

    assert sessions_of(ME, 0) == []


def test_sessions_of_all_shards_are_found() -> None:
    for peer_id in range(1, 2 * SHARDS + 1):
        add_conversation(peer_id)

    assert sorted(peers(sessions_of(ME, 0))) == list(range(1, 2 * SHARDS + 1))


# --- what it costs ------------------------------------------------------------------------------


def test_a_hundred_sessions_cost_three_queries(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    for peer_id in range(100, 200):
        add_conversation(peer_id)

    with django_assert_num_queries(3):  # groups, sessions, messages
        assert len(sessions_of(ME, 0)) == 100


def test_many_who_ask_at_once_cost_as_much_as_one(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    add_conversation(1, NOW)
    add_conversation(2, NOW + 100, status=RowStatus.REMOVED)
    for owner_id in (1, 2):
        add_session(ME, NOW, owner_id=owner_id)

    asked = [
        Since(ME, 0),
        Since(1, 0),
        Since(ME, NOW + 100, knows_removed=True),
        Since(2, NOW + 100),
        Since(ME, 1, knows_removed=True),
        Since(ME, 1),
    ]
    with django_assert_num_queries(3):
        reading = Reading(since.user_id for since in asked)
        found = [[*sessions] for sessions in recents.recent_sessions(asked, reading)]

    assert [peers(sessions) for sessions in found] == [[1], [ME], [2], [], [2, 1], [1]]


def test_nothing_new_costs_two_queries(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    add_conversation(1)

    with django_assert_num_queries(2):  # sessions, groups
        sessions_of(ME, NOW + OVERLAP_S)
