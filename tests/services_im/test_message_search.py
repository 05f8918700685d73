"""Searching messages: what is found, in which order, page by page and step by step."""

import random
from collections.abc import Iterator
from dataclasses import astuple, dataclass
from itertools import groupby

import pytest
from pytest_django.fixtures import DjangoAssertNumQueries

from im.models import IMUser, group_messages, messages
from im.services.groups.members import create_group
from im.services.messages.memberships import membership
from im.services.messages.search import Found, Position, Selection, Step, around, search, words_of
from im.storage.writer.requests import NewGroupMessage, NewMessage
from im.storage.writer.writer import Writer
from im.types import GroupType, MsgType, SessionType
from im.wire import cipher

pytestmark = pytest.mark.django_db

KEY = b"12345678901234567890123456789012"
DAY = 1_700_000_000
HOUR_S = 3600
PEOPLE = range(1, 13)
TEXTS = ("明天上午开会", "The Budget is ready", "ＢＵＤＧＥＴ 预算已批准", "好的", "see you")


@dataclass(frozen=True, slots=True)
class Said:
    """A message the tests stored; `receiver_id` is the other user, or 0 in a group."""

    created: int
    sender_id: int
    receiver_id: int
    group_id: int
    text: str


def content(text: str) -> str:
    return cipher.encrypt_text(text, KEY).decode()


def say(sender_id: int, receiver_id: int, text: str, created: int = DAY) -> NewMessage:
    return NewMessage(sender_id, receiver_id, MsgType.SINGLE_TEXT, content(text), created)


def say_in(group_id: int, sender_id: int, text: str, created: int = DAY) -> NewGroupMessage:
    return NewGroupMessage(sender_id, group_id, MsgType.GROUP_TEXT, content(text), created)


def store(*items: NewMessage | NewGroupMessage) -> None:
    assert None not in Writer()(items)


def group_of(*members: int) -> int:
    return create_group(members[0], "group", "", members, GroupType.NORMAL).group_id


def everything(selection: Selection, *, count: int = 50, budget_s: float = 60.0) -> list[Found]:
    """Return what all pages together have."""
    return [found for step in _steps(selection, count, budget_s) for found in step.found]


def _steps(selection: Selection, count: int, budget_s: float) -> Iterator[Step]:
    position: Position | None = None
    while True:
        step = search(selection, position, count=count, budget_s=budget_s)
        assert len(step.found) <= count
        yield step
        position = step.position
        if position is None:
            return


def texts(found: list[Found]) -> list[str | None]:
    return [message.text for message in found]


@pytest.fixture(autouse=True)
def _people(db: None) -> None:
    IMUser.objects.bulk_create(
        IMUser(id=user_id, name=f"u{user_id}", depart_id=1, created=1, updated=1)
        for user_id in PEOPLE
    )


# --- compared with a plain filter --------------------------------------------------------------


@pytest.fixture
def said() -> list[Said]:
    """Some hundreds of messages of three days, busy at times, in the order they were stored."""
    chance = random.Random(7)
    groups = [group_of(*chance.sample(PEOPLE, 5)) for _ in range(4)]
    members = {group: message_members(group) for group in groups}
    times = sorted(
        DAY + (chance.randrange(3 * 24 * HOUR_S) if chance.random() < 0.5 else 4711)
        for _ in range(400)
    )
    stored: list[Said] = []
    for created in times:
        text = chance.choice(TEXTS)
        if chance.random() < 0.4:
            group = chance.choice(groups)
            stored.append(Said(created, chance.choice(members[group]), 0, group, text))
        else:
            sender, receiver = chance.sample(PEOPLE, 2)
            stored.append(Said(created, sender, receiver, 0, text))
    for _, at_once in groupby(stored, key=lambda one: one.created):
        store(*map(as_item, at_once))
    return stored


def as_item(one: Said) -> NewMessage | NewGroupMessage:
    if one.group_id:
        return say_in(one.group_id, one.sender_id, one.text, one.created)
    return say(one.sender_id, one.receiver_id, one.text, one.created)


def message_members(group_id: int) -> list[int]:
    return [user_id for user_id in PEOPLE if membership(user_id, group_id)]


def expected(said: list[Said], selection: Selection) -> list[Said]:
    """Return what is to be found, oldest first."""

    def is_wanted(one: Said) -> bool:
        people = {one.sender_id, one.receiver_id}
        if selection.group_id:
            return one.group_id == selection.group_id
        if selection.peer_id:
            return people == {selection.user_id, selection.peer_id}
        if selection.user_id:
            return selection.user_id in people
        return True

    return [
        one
        for one in said
        if selection.since <= one.created < selection.until
        and is_wanted(one)
        and all(word in words_of(one.text)[0] + one.text.casefold() for word in selection.words)
    ]


def as_said(found: list[Found]) -> list[Said]:
    return [
        Said(
            one.created,
            one.sender_id,
            one.receiver_id,
            one.conversation_id if one.session_type is SessionType.GROUP else 0,
            one.text or "",
        )
        for one in found
    ]


def by_time(said: list[Said]) -> list[Said]:
    return sorted(said, key=astuple)


@pytest.mark.parametrize("count", [3, 50, 1000])
@pytest.mark.parametrize("words", [(), ("会",)])
def test_what_is_found_is_what_a_plain_filter_finds(
    said: list[Said], count: int, words: tuple[str, ...]
) -> None:
    a_group = next(one.group_id for one in said if one.group_id)
    pair = next(one for one in said if one.receiver_id)
    for who in (
        {},
        {"user_id": 5},
        {"user_id": pair.sender_id, "peer_id": pair.receiver_id},
        {"group_id": a_group},
    ):
        for since, until in ((DAY, DAY + 72 * HOUR_S), (DAY + 4711, DAY + 4712), (DAY, DAY + 9999)):
            selection = Selection(since, until, **who, words=words)

            found = as_said(everything(selection, count=count))

            assert by_time(found) == by_time(expected(said, selection)), selection
            assert [one.created for one in found] == sorted(
                (one.created for one in found), reverse=True
            )


def test_a_search_cut_into_the_shortest_steps_finds_the_same(said: list[Said]) -> None:
    selection = Selection(DAY, DAY + 72 * HOUR_S, words=("预算",))

    steps = list(_steps(selection, 50, 0.0))

    assert len(steps) > 1
    assert by_time(as_said([found for step in steps for found in step.found])) == by_time(
        expected(said, selection)
    )


def test_the_progress_ends_at_all_rows(said: list[Said]) -> None:
    steps = list(_steps(Selection(DAY, DAY + 72 * HOUR_S, words=("nowhere",)), 50, 0.0))

    assert [step.searched for step in steps] == sorted(step.searched for step in steps)
    assert (steps[-1].searched, {step.total for step in steps}) == (len(said), {len(said)})


def test_windows_that_hold_too_much_are_made_smaller(
    said: list[Said], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("im.services.messages.search.MOST_ROWS", 20)

    assert len(everything(Selection(DAY, DAY + 72 * HOUR_S, words=("会",)))) == len(
        expected(said, Selection(DAY, DAY + 72 * HOUR_S, words=("会",)))
    )


# --- words ------------------------------------------------------------------------------------


def test_words_are_found_whatever_their_case_width_and_order() -> None:
    store(say(1, 2, "The Budget is ready"), say(1, 2, "ＢＵＤＧＥＴ 预算已批准"), say(1, 2, "no"))

    def found(words: str) -> list[str | None]:
        return texts(everything(Selection(DAY, DAY + 1, words=words_of(words))))

    assert found("budget") == ["ＢＵＤＧＥＴ 预算已批准", "The Budget is ready"]
    assert found("READY  budget") == ["The Budget is ready"]
    assert found("批准 ｂｕｄｇｅｔ") == ["ＢＵＤＧＥＴ 预算已批准"]
    assert found("ready 批准") == []


def test_a_pictures_address_is_no_word() -> None:
    store(say(1, 2, "look &$#@~^@[{:http://files.example/budget.png:}]&$~@#@ at this"))

    assert everything(Selection(DAY, DAY + 1, words=("budget",))) == []
    assert len(everything(Selection(DAY, DAY + 1, words=("look", "this")))) == 1


def test_voice_and_what_is_no_text_is_listed_but_has_no_words() -> None:
    store(
        NewMessage(1, 2, MsgType.SINGLE_AUDIO, "17", DAY),
        NewMessage(1, 2, MsgType.SINGLE_TEXT, "not encrypted at all", DAY),
    )

    listed = everything(Selection(DAY, DAY + 1))

    assert [(one.text, one.voice_id) for one in listed] == [(None, 0), (None, 17)]
    assert everything(Selection(DAY, DAY + 1, words=("1",))) == []


# --- the edges --------------------------------------------------------------------------------


def test_two_who_never_talked_have_nothing_to_be_found() -> None:
    step = search(Selection(DAY, DAY + HOUR_S, user_id=3, peer_id=4), count=50, budget_s=1)

    assert (step.found, step.position, step.total) == ((), None, 0)


def test_nothing_is_found_in_empty_tables() -> None:
    assert everything(Selection(0, 2**31)) == []


def test_removed_messages_of_an_adopted_database_are_found_too() -> None:
    store(say(1, 2, "gone"))
    for shard in messages.all:
        shard.objects.update(status=1)

    assert texts(everything(Selection(DAY, DAY + 1, user_id=1))) == ["gone"]


def test_the_neighbours_of_a_message_are_those_of_its_conversation() -> None:
    group = group_of(1, 2)
    store(*(say_in(group, 1, f"text {number}") for number in range(1, 8)))
    store(say(1, 2, "elsewhere"))

    context = around(SessionType.GROUP, group, 4, 2)

    assert texts(context) == [f"text {number}" for number in range(2, 7)]


def test_a_page_of_all_messages_costs_few_queries(
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    """One per table and window, and the bisections, which ask all tables at once."""
    store(*(say(1 + n % 5, 6 + n % 6, "text", DAY + n) for n in range(300)))
    tables = len(messages.all) + len(group_messages.all)

    with django_assert_max_num_queries(2 * tables + 3 * 7 + 1):
        search(Selection(DAY, DAY + 300), count=50, budget_s=60)


def test_a_page_of_one_conversation_costs_four_queries(
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    store(*(say(1, 2, "text", DAY + n) for n in range(300)))

    with django_assert_max_num_queries(4):
        search(Selection(DAY, DAY + 300, user_id=1, peer_id=2), count=50, budget_s=60)
