"""Groups made and changed by the services, beside a writer that writes to them."""

import pytest

from im.errors import Refused
from im.services.groups import members
from im.services.messages import history
from im.services.messages.history import Opening
from im.services.messages.memberships import membership
from im.storage.writer.writer import Writer
from im.types import GroupChange, GroupType, RowStatus, SessionType
from tests.reading import fixed_groups_of, group_page, groups_of, sessions_of
from tests.writer.conftest import TakeUsers
from tests.writer.group_store import adopt, contents, counter, make, say, standing, unread
from tests.writer.store import Store, text

ADD, REMOVE = GroupChange.ADD, GroupChange.REMOVE
TEMPORARY, NORMAL = GroupType.TEMPORARY, GroupType.NORMAL


def row(store: Store, group_id: int) -> tuple[int, int]:
    """Return (version, number of members) of a group's row."""
    version, count = store.row("SELECT version, userCnt FROM IMGroup WHERE id = %s", group_id)
    return version, count


def fixed(*member_ids: int) -> int:
    return members.create_group(member_ids[0], "fixed", "", member_ids, NORMAL).group_id


def seen(user_id: int, group_id: int) -> list[int]:
    """Return the ids of the messages a user may see."""
    page = group_page(user_id, group_id)
    by_id = history.group_by_ids(user_id, group_id, range(1, 100))
    assert page == by_id
    assert history.latest_group_id(user_id, group_id) == max([m.msg_id for m in page], default=0)
    return [message.msg_id for message in page]


# --- making -----------------------------------------------------------------------------------


def test_a_new_group_has_its_members_counted_once_and_version_one(
    store: Store, writer: Writer, users: TakeUsers
) -> None:
    ada, bob, cleo = users(3)

    made = members.create_group(ada, "团队", "url", [bob, cleo, bob, 2**31], TEMPORARY)

    assert made.member_ids == (bob, cleo)  # neither the creator nor who doesn't exist
    assert (made.name, made.avatar, made.creator_id) == ("团队", "url", ada)
    assert row(store, made.group_id) == (1, 2)
    assert counter(store, made.group_id) == (0, 1)
    assert membership(ada, made.group_id) is None
    assert not standing(bob, made.group_id).is_on_list


@pytest.mark.parametrize(
    ("name", "avatar", "with_members"),
    [("", "", True), ("x" * 257, "", True), ("x", "y" * 257, True), ("x", "", False)],
    ids=["no name", "a long name", "a long address", "no members"],
)
def test_a_group_needs_a_name_and_members(
    store: Store, writer: Writer, users: TakeUsers, name: str, avatar: str, with_members: bool
) -> None:
    [ada] = users(1)

    with pytest.raises(Refused):
        members.create_group(ada, name, avatar, [ada] if with_members else [2**31], TEMPORARY)

    assert groups_of(ada) == []


def test_a_group_has_a_bounded_size(
    store: Store, writer: Writer, users: TakeUsers, settings: pytest.FixtureRequest
) -> None:
    settings.IM_GROUP_MEMBERS = 3  # type: ignore[attr-defined]  # pytest-django's wrapper
    ids = users(4)
    group = make(*ids[:3])

    with pytest.raises(Refused):
        make(*ids)
    with pytest.raises(Refused):
        members.change_members(ids[0], group, ADD, ids[3:])

    assert row(store, group) == (1, 3)


# --- changing ---------------------------------------------------------------------------------


def test_a_change_raises_the_version_counts_again_and_names_everybody(
    store: Store, writer: Writer, users: TakeUsers
) -> None:
    ada, bob, cleo, dan = users(4)
    group = make(ada, bob)

    added = members.change_members(bob, group, ADD, [dan, cleo, ada, 2**31])
    after_adding = row(store, group)
    removed = members.change_members(ada, group, REMOVE, [cleo, 2**31])

    everybody = members.in_text_order([ada, bob, cleo, dan])
    assert (added.actor_id, added.changed, added.members) == (bob, (cleo, dan), everybody)
    assert after_adding == (2, 4)
    assert removed.changed == (cleo,)
    assert set(removed.members) == {ada, bob, dan}
    assert row(store, group) == (3, 3)


def test_what_changes_nothing_is_refused_and_leaves_the_version(
    store: Store, writer: Writer, users: TakeUsers
) -> None:
    ada, bob, cleo = users(3)
    group = make(ada, bob)

    for change, ids in ((ADD, [bob]), (ADD, []), (ADD, [2**31]), (REMOVE, [cleo]), (REMOVE, [])):
        with pytest.raises(Refused):
            members.change_members(ada, group, change, ids)

    assert row(store, group) == (1, 2)


@pytest.mark.parametrize(
    ("is_fixed", "change", "actor", "may"),
    [
        (False, ADD, "creator", True),
        (False, ADD, "member", True),
        (False, ADD, "stranger", False),
        (False, REMOVE, "creator", True),
        (False, REMOVE, "member", False),
        (False, REMOVE, "stranger", False),
        (True, ADD, "creator", True),
        (True, ADD, "member", False),
        (True, ADD, "stranger", False),
        (True, REMOVE, "creator", True),
        (True, REMOVE, "member", False),
        (True, REMOVE, "stranger", False),
    ],
)
def test_who_may_change_whom(
    store: Store,
    writer: Writer,
    users: TakeUsers,
    is_fixed: bool,
    change: GroupChange,
    actor: str,
    may: bool,
) -> None:
    creator, member, stranger, other, newcomer = users(5)
    group = (fixed if is_fixed else make)(creator, member, other)
    actor_id = {"creator": creator, "member": member, "stranger": stranger}[actor]
    whom = [newcomer] if change is ADD else [other]

    try:
        members.change_members(actor_id, group, change, whom)
    except Refused:
        changed = False
    else:
        changed = True

    assert changed is may
    assert (row(store, group)[0] == 2) is may


def test_a_group_that_is_not_there_is_not_changed(
    store: Store, writer: Writer, users: TakeUsers
) -> None:
    ada, bob = users(2)

    for group in (2**31 - 1, 0):
        with pytest.raises(Refused):
            members.change_members(ada, group, ADD, [bob])


def test_an_adopted_group_without_counter_is_changed_and_goes_on_behind_its_highest_id(
    store: Store, writer: Writer, users: TakeUsers
) -> None:
    ada, bob = users(2)
    group = adopt(store, ada, said=(1, 2, 5))

    members.change_members(ada, group, ADD, [bob])
    writer([say(bob, group, "new")])

    assert contents(store, group)[-1] == (6, "new")
    assert counter(store, group) == (6, 6)
    assert seen(bob, group) == [6]


# --- coming and going -------------------------------------------------------------------------


def test_who_joins_sees_what_is_said_from_then_on(
    store: Store, writer: Writer, users: TakeUsers
) -> None:
    ada, bob = users(2)
    group = make(ada)
    writer([say(ada, group), say(ada, group)])

    members.change_members(ada, group, ADD, [bob])
    before = (seen(bob, group), unread(bob, group), standing(bob, group).is_on_list)
    writer([say(ada, group)])

    assert before == ([], 0, False)
    assert (seen(bob, group), unread(bob, group)) == ([3], 1)
    assert standing(bob, group).is_on_list


def test_who_returns_sees_only_what_is_said_since(
    store: Store, writer: Writer, users: TakeUsers
) -> None:
    ada, bob = users(2)
    group = make(ada, bob)
    writer([say(ada, group), say(bob, group)])
    members.change_members(ada, group, REMOVE, [bob])
    writer([say(ada, group)])
    away = (seen(bob, group), membership(bob, group), groups_of(bob))

    members.change_members(ada, group, ADD, [bob])
    writer([say(ada, group)])

    assert away == ([], None, [])
    assert seen(bob, group) == [4]
    assert unread(bob, group) == 1
    assert row(store, group) == (3, 2)
    assert store.row(
        "SELECT COUNT(*) FROM IMGroupMember WHERE groupId = %s AND userId = %s", group, bob
    ) == (1,)


def test_pages_asked_for_together_show_each_what_he_may_see(
    store: Store, writer: Writer, users: TakeUsers
) -> None:
    ada, bob, cleo = users(3)
    one, two = make(ada, bob), make(ada, cleo)
    writer([say(ada, one), say(bob, one), say(ada, two), text(ada, bob), text(bob, ada)])
    members.change_members(ada, two, ADD, [bob])
    writer([say(cleo, two)])
    asked = [(ada, two), (bob, two), (bob, one), (cleo, one), (ada, one)]
    openings = [
        *(Opening(user_id, SessionType.GROUP, group_id, 0, 9) for user_id, group_id in asked),
        Opening(bob, SessionType.SINGLE, ada, 0, 9),
        Opening(bob, SessionType.SINGLE, cleo, 0, 9),
    ]

    found = history.pages(openings)

    assert [[message.msg_id for message in page] for page in found] == (
        [[2, 1], [2], [2, 1], [], [2, 1], [2, 1], []]
    )


def test_a_returning_members_list_shows_the_group_when_somebody_writes(
    store: Store, writer: Writer, users: TakeUsers
) -> None:
    ada, bob = users(2)
    group = make(ada, bob)
    writer([say(ada, group, "secret")])
    members.change_members(ada, group, REMOVE, [bob])
    members.change_members(ada, group, ADD, [bob])

    [told] = sessions_of(bob, 1, knows_removed=True)
    writer([say(ada, group, "welcome")])
    [shown] = sessions_of(bob, 0)

    assert (told.session_type, told.status) == (SessionType.GROUP, RowStatus.REMOVED)
    assert told.latest.content == b""
    assert (shown.status, shown.latest.content) == (RowStatus.SHOWN, b"welcome")


def test_the_last_one_can_be_taken_out_and_somebody_added_again(
    store: Store, writer: Writer, users: TakeUsers
) -> None:
    ada, bob = users(2)
    group = make(ada)

    empty = members.change_members(ada, group, REMOVE, [ada])
    again = members.change_members(ada, group, ADD, [bob])

    assert (empty.members, again.members) == ((), (bob,))


# --- what members see of it -------------------------------------------------------------------


def test_a_card_is_returned_to_members_whose_version_is_older(
    store: Store, writer: Writer, users: TakeUsers
) -> None:
    ada, bob, mallory = users(3)
    group = make(ada, bob)
    members.set_shield(ada, group, True)

    [card] = members.newer_groups(ada, {group: 0, 2**31: 0})

    assert (card.version, card.is_shielded) == (1, True)
    assert card.member_ids == members.in_text_order([ada, bob])
    assert not members.newer_groups(bob, {group: 0})[0].is_shielded
    assert members.newer_groups(ada, {group: 1}) == []
    assert members.newer_groups(mallory, {group: 0}) == []


def test_members_are_listed_in_the_order_of_their_decimal_text() -> None:
    assert members.in_text_order([2, 10, 1, 100]) == (1, 10, 100, 2)


def test_fixed_groups_are_listed_and_temporary_ones_are_not(
    store: Store, writer: Writer, users: TakeUsers
) -> None:
    ada, bob = users(2)
    make(ada, bob)
    group = fixed(bob, ada)

    assert [(entry.group_id, entry.version) for entry in fixed_groups_of(ada)] == [(group, 1)]


def test_a_shield_is_a_members_own_and_survives_writing_and_reading(
    store: Store, writer: Writer, users: TakeUsers
) -> None:
    ada, bob = users(2)
    group = adopt(store, ada, bob)  # without positions
    with pytest.raises(Refused):
        members.set_shield(users(1)[0], group, True)

    members.set_shield(ada, group, True)
    writer([say(ada, group)])

    assert members.newer_groups(ada, {group: 0})[0].is_shielded
    members.set_shield(ada, group, False)
    assert not members.newer_groups(ada, {group: 0})[0].is_shielded


def test_who_returns_has_no_shield_any_more(store: Store, writer: Writer, users: TakeUsers) -> None:
    ada, bob = users(2)
    group = make(ada, bob)
    members.set_shield(bob, group, True)

    members.change_members(ada, group, REMOVE, [bob])
    members.change_members(ada, group, ADD, [bob])

    assert not members.newer_groups(bob, {group: 0})[0].is_shielded
