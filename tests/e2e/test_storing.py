"""What a message leaves in the database, and how often when a client sends it again."""

import time

import pytest

from im.types import ClientType
from im.wire.proto import message_pb2
from tests.e2e.database import Database, messages_between, relation_between, sessions_of
from tests.people import Entrance, People

# --- rows -------------------------------------------------------------------------------------


async def test_a_first_message_makes_one_relation_and_a_session_on_both_sides(
    entrance: Entrance, people: People, database: Database
) -> None:
    bob, ada = people(2)  # the larger id writes: the relation names the smaller one first
    sender = await entrance.log_in(ada)

    before = int(time.time())
    await sender.tell(bob.id, "first")
    await sender.tell(bob.id, "second")

    assert database.row(
        "SELECT smallId, bigId, status FROM IMRelationShip WHERE id = %s",
        relation_between(database, ada.id, bob.id),
    ) == (bob.id, ada.id, 0)
    assert sessions_of(database, ada.id) == [(bob.id, 1, 0)]
    assert sessions_of(database, bob.id) == [(ada.id, 1, 0)]
    stamps = database.rows(
        "SELECT created, updated FROM IMRecentSession WHERE userId IN (%s, %s)", ada.id, bob.id
    )
    assert all(before <= created <= updated <= time.time() for created, updated in stamps)


async def test_a_message_is_stored_as_the_schema_says(
    entrance: Entrance, people: People, database: Database
) -> None:
    ada, bob = people(2)
    sender = await entrance.log_in(ada)

    before = int(time.time())
    await sender.tell(bob.id, "stored")

    relate_id = relation_between(database, ada.id, bob.id)
    columns = "relateId, fromId, toId, msgId, content, type, status"
    table = f"IMMessage_{relate_id % 8}"
    assert database.row(f"SELECT {columns} FROM {table} WHERE relateId = %s", relate_id) == (
        (relate_id, ada.id, bob.id, 1, "stored", 1, 0)
    )
    created, updated = database.row(
        f"SELECT created, updated FROM {table} WHERE relateId = %s", relate_id
    )
    assert before <= created == updated <= time.time()


async def test_a_message_brings_removed_sessions_back_and_both_up(
    entrance: Entrance, people: People, database: Database
) -> None:
    ada, bob = people(2)
    sender = await entrance.log_in(ada)
    await sender.tell(bob.id, "first")
    database.change(
        "UPDATE IMRecentSession SET status = 1, updated = 1 WHERE userId IN (%s, %s)",
        ada.id,
        bob.id,
    )

    await sender.tell(bob.id, "second")

    assert sessions_of(database, ada.id) == [(bob.id, 1, 0)]
    assert sessions_of(database, bob.id) == [(ada.id, 1, 0)]
    stale = "SELECT id FROM IMRecentSession WHERE userId IN (%s, %s) AND updated = 1"
    assert database.rows(stale, ada.id, bob.id) == []


# --- retries ----------------------------------------------------------------------------------


async def test_a_retry_gets_the_same_ack_and_nothing_happens_twice(
    entrance: Entrance, people: People, database: Database
) -> None:
    ada, bob = people(2)
    sender, receiver = await entrance.log_in(ada), await entrance.log_in(bob)
    phone = await entrance.log_in(ada, ClientType.IOS)

    for _ in range(3):  # two while the first is on its way, as likely as not
        sender.say(bob.id, "again", seq=9)
    first = await sender.acks(3)
    sender.say(bob.id, "again", seq=9)
    late = await sender.acks(1)

    assert first + late == 4 * [(9, 1)]
    assert messages_between(database, ada.id, bob.id) == [(1, ada.id, bob.id, "again")]
    for device in (receiver, phone):
        assert [message.msg_id for message in await device.arrived(message_pb2.IMMsgData)] == [1]


@pytest.mark.parametrize("client_type", [ClientType.MAC, ClientType.IOS, ClientType.ANDROID])
async def test_who_says_the_same_after_a_restart_has_said_it_twice(
    entrance: Entrance, people: People, database: Database, client_type: ClientType
) -> None:
    ada, bob = people(2)
    receiver = await entrance.log_in(bob)

    for msg_id in (1, 2):  # each start counts from 1: the login, then the text
        phone = await entrance.log_in(ada, client_type)
        phone.say(bob.id, "在吗", seq=2)
        assert await phone.acks(1) == [(2, msg_id)]
        await phone.close()

    assert len(messages_between(database, ada.id, bob.id)) == 2
    assert [message.msg_id for message in await receiver.arrived(message_pb2.IMMsgData)] == [1, 2]


async def test_who_says_the_same_on_two_devices_has_said_it_twice(
    entrance: Entrance, people: People, database: Database
) -> None:
    ada, bob = people(2)
    pc, phone = await entrance.log_in(ada), await entrance.log_in(ada, ClientType.ANDROID)

    pc.say(bob.id, "ok", seq=7)
    phone.say(bob.id, "ok", seq=7)

    assert sorted(await pc.acks(1) + await phone.acks(1)) == [(7, 1), (7, 2)]
    assert len(messages_between(database, ada.id, bob.id)) == 2


async def test_what_differs_in_anything_is_no_retry(entrance: Entrance, people: People) -> None:
    ada, bob, cleo = people(3)
    sender, other = await entrance.log_in(ada), await entrance.log_in(cleo)

    sender.say(bob.id, "text", seq=5)
    sender.say(bob.id, "another text", seq=5)
    sender.say(bob.id, "text", seq=6)
    sender.say(cleo.id, "text", seq=5)
    other.say(bob.id, "text", seq=5)

    assert await sender.acks(4) == [(5, 1), (5, 2), (6, 3), (5, 1)]
    assert await other.acks(1) == [(5, 1)]


async def test_clients_that_number_nothing_repeat_nothing(
    entrance: Entrance, people: People
) -> None:
    ada, bob = people(2)
    sender = await entrance.log_in(ada)

    sender.say(bob.id, "ha", seq=0)
    sender.say(bob.id, "ha", seq=0)

    assert await sender.acks(2) == [(0, 1), (0, 2)]
