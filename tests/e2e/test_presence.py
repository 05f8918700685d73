"""Who is online: what everybody's PCs are told, and what a question is answered."""

from collections.abc import Awaitable, Callable

import pytest

from im.types import ClientType, OnlineStatus
from im.wire.proto import buddy_pb2, login_pb2
from tests.client import Client
from tests.people import Entrance, People, Person

ONLINE, OFFLINE = int(OnlineStatus.ONLINE), int(OnlineStatus.OFFLINE)


async def next_status(observer: Client, person: Person) -> int:
    """Wait for the next notice about a person."""
    while True:
        stat = (await observer.receive(buddy_pb2.IMUserStatNotify)).user_stat
        if stat.user_id == person.id:
            return stat.status


async def statuses_before(observer: Client, marker: Person, person: Person) -> list[int]:
    """Return the notices about a person that come before the first one about `marker`."""
    found: list[int] = []
    while True:
        stat = (await observer.receive(buddy_pb2.IMUserStatNotify)).user_stat
        if stat.user_id == marker.id:
            return found
        if stat.user_id == person.id:
            found.append(stat.status)


async def crash(client: Client) -> None:
    client.abort()


async def quit_without_a_word(client: Client) -> None:
    await client.close()


async def log_out(client: Client) -> None:
    await client.call(login_pb2.IMLogoutReq(), login_pb2.IMLogoutRsp)
    await client.close()


# --- notices ----------------------------------------------------------------------------------


@pytest.mark.parametrize("leave", [quit_without_a_word, crash, log_out])
async def test_everybodys_pcs_hear_that_a_pc_comes_and_goes(
    entrance: Entrance, people: People, leave: Callable[[Client], Awaitable[None]]
) -> None:
    ada, bob, cleo = people(3)
    observers = [await entrance.log_in(bob, ClientType.MAC), await entrance.log_in(cleo)]

    pc = await entrance.log_in(ada)
    came = [await next_status(observer, ada) for observer in observers]
    await leave(pc)
    went = [await next_status(observer, ada) for observer in observers]

    assert came == [ONLINE, ONLINE]
    assert went == [OFFLINE, OFFLINE]


async def test_a_pc_hears_of_itself_after_the_answer_to_its_login(
    entrance: Entrance, people: People
) -> None:
    [ada] = people(1)

    pc = await entrance.log_in(ada)  # which keeps what came before the answer in `unread`

    assert pc.unread == []
    assert await next_status(pc, ada) == ONLINE


async def test_a_notice_has_sequence_number_0(entrance: Entrance, people: People) -> None:
    [ada] = people(1)

    pc = await entrance.log_in(ada)

    assert (await pc.receive_pdu(buddy_pb2.IMUserStatNotify)).seq == 0


async def test_phones_are_told_of_nobody(entrance: Entrance, people: People) -> None:
    ada, bob, cleo = people(3)
    phone = await entrance.log_in(bob, ClientType.ANDROID)
    observer = await entrance.log_in(cleo)

    pc = await entrance.log_in(ada)
    await next_status(observer, ada)
    await pc.close()
    await next_status(observer, ada)

    assert await phone.arrived(buddy_pb2.IMUserStatNotify) == []


async def test_nobody_is_told_of_phones(entrance: Entrance, people: People) -> None:
    ada, bob, marker = people(3)
    observer = await entrance.log_in(bob)

    phone = await entrance.log_in(ada, ClientType.IOS)
    await phone.close()
    await entrance.log_in(marker)

    assert await statuses_before(observer, marker, ada) == []


async def test_a_phone_that_stays_does_not_keep_its_user_online(
    entrance: Entrance, people: People
) -> None:
    ada, bob = people(2)
    observer = await entrance.log_in(bob)
    pc = await entrance.log_in(ada)
    await next_status(observer, ada)
    await entrance.log_in(ada, ClientType.IOS)

    await pc.close()

    assert await next_status(observer, ada) == OFFLINE


async def test_a_phone_that_leaves_does_not_take_its_user_offline(
    entrance: Entrance, people: People
) -> None:
    ada, bob, marker = people(3)
    observer = await entrance.log_in(bob)
    await entrance.log_in(ada)
    await next_status(observer, ada)
    phone = await entrance.log_in(ada, ClientType.IOS)

    await phone.close()
    await entrance.log_in(marker)

    assert await statuses_before(observer, marker, ada) == []
    assert await observer.statuses(ada.id) == [ONLINE]


async def test_a_displaced_pc_goes_unmentioned_and_the_new_one_is_announced(
    entrance: Entrance, people: People
) -> None:
    ada, bob, marker = people(3)
    observer = await entrance.log_in(bob)
    old = await entrance.log_in(ada, ClientType.WINDOWS)
    await next_status(observer, ada)

    await entrance.log_in(ada, ClientType.MAC)
    assert await old.closed()
    await entrance.log_in(marker)

    assert await statuses_before(observer, marker, ada) == [ONLINE]
    assert await observer.statuses(ada.id) == [ONLINE]


async def test_who_leaves_one_of_pc_and_web_stays_online(
    entrance: Entrance, people: People
) -> None:
    ada, bob, marker = people(3)
    observer = await entrance.log_in(bob)
    pc = await entrance.log_in(ada)
    await entrance.log_in(ada, ClientType.WEB)

    await pc.close()
    await entrance.log_in(marker)

    assert OFFLINE not in await statuses_before(observer, marker, ada)
    assert await observer.statuses(ada.id) == [ONLINE]


# --- questions --------------------------------------------------------------------------------


async def test_a_question_is_answered_in_its_order_with_duplicates_and_unknown_ids(
    entrance: Entrance, people: People
) -> None:
    ada, bob, cleo, dan = people(4)
    await entrance.log_in(ada, ClientType.MAC)
    await entrance.log_in(bob, ClientType.IOS)
    asker = await entrance.log_in(cleo)

    asked = [dan.id, ada.id, 4294967295, ada.id, bob.id, 0, cleo.id]
    statuses = await asker.statuses(*asked)

    assert statuses == [OFFLINE, ONLINE, OFFLINE, ONLINE, OFFLINE, OFFLINE, ONLINE]


async def test_a_phone_may_ask_too(entrance: Entrance, people: People) -> None:
    ada, bob = people(2)
    await entrance.log_in(ada, ClientType.WEB)
    phone = await entrance.log_in(bob, ClientType.ANDROID)

    assert await phone.statuses(ada.id, bob.id) == [ONLINE, OFFLINE]


async def test_an_empty_question_gets_an_empty_answer(entrance: Entrance, people: People) -> None:
    asker = await entrance.log_in(people(1)[0])

    assert await asker.statuses() == []


async def test_declaring_leave_counts_as_online(entrance: Entrance, people: People) -> None:
    ada, bob = people(2)
    pc = await entrance.connect()
    await pc.try_log_in(ada.name, online_status=OnlineStatus.LEAVE)
    observer = await entrance.log_in(bob)

    assert await observer.statuses(ada.id) == [ONLINE]


async def test_the_answer_is_addressed_to_the_asker_whatever_the_question_says(
    entrance: Entrance, people: People
) -> None:
    ada, bob = people(2)
    asker = await entrance.log_in(ada)

    question = buddy_pb2.IMUsersStatReq(user_id=bob.id, user_id_list=[bob.id])
    answer = await asker.call(question, buddy_pb2.IMUsersStatRsp)

    assert answer.user_id == ada.id
