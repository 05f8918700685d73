"""The list of conversations: what is taken off it, who hears of that, and what brings it back."""

import pytest

from im.types import ClientType, SessionType
from im.wire.catalog import Command
from im.wire.pdu import encode_pdu
from im.wire.proto import base_define_pb2 as base
from im.wire.proto import buddy_pb2, message_pb2
from tests.client import Client
from tests.people import Entrance, People

DONE, FAILED = 0, 1
SHOWN, REMOVED = base.SESSION_STATUS_OK, base.SESSION_STATUS_DELETE


def removal(
    session_id: int, kind: SessionType = SessionType.SINGLE
) -> buddy_pb2.IMRemoveSessionReq:
    return buddy_pb2.IMRemoveSessionReq(user_id=0, session_type=kind, session_id=session_id)


async def remove(client: Client, session_id: int) -> buddy_pb2.IMRemoveSessionRsp:
    return await client.call(removal(session_id), buddy_pb2.IMRemoveSessionRsp)


async def listed(client: Client, since: int = 0) -> dict[int, int]:
    """Return the status of the sessions on the client's list by peer."""
    request = buddy_pb2.IMRecentContactSessionReq(user_id=0, latest_update_time=since)
    answer = await client.call(request, buddy_pb2.IMRecentContactSessionRsp)
    return {entry.session_id: entry.session_status for entry in answer.contact_session_list}


async def test_a_removed_session_leaves_the_list_and_is_read(
    entrance: Entrance, people: People
) -> None:
    ada, bob = people(2)
    a, b = await entrance.log_in(ada), await entrance.log_in(bob)
    await a.tell(bob.id, "hello")

    answer = await remove(b, ada.id)

    assert (answer.user_id, answer.result_code) == (bob.id, DONE)
    assert (answer.session_type, answer.session_id) == (base.SESSION_TYPE_SINGLE, ada.id)
    assert await listed(b) == {}
    assert await b.unread_counts() == {}
    assert await listed(a) == {bob.id: SHOWN}


async def test_only_the_removers_other_devices_hear_of_a_removed_session(
    entrance: Entrance, people: People
) -> None:
    ada, bob = people(2)
    a, b = await entrance.log_in(ada), await entrance.log_in(bob)
    b_phone = await entrance.log_in(bob, ClientType.IOS)
    await a.tell(bob.id, "hello")

    await remove(b, ada.id)
    pdu = await b_phone.receive_pdu(buddy_pb2.IMRemoveSessionNotify)

    notice = buddy_pb2.IMRemoveSessionNotify.FromString(pdu.body)
    assert (pdu.seq, notice.user_id, notice.session_id) == (0, bob.id, ada.id)
    assert notice.session_type == base.SESSION_TYPE_SINGLE
    assert await b.arrived(buddy_pb2.IMRemoveSessionNotify) == []
    assert await a.arrived(buddy_pb2.IMRemoveSessionNotify) == []


async def test_what_is_not_on_the_list_cannot_be_removed(
    entrance: Entrance, people: People
) -> None:
    ada, bob = people(2)
    a, b = await entrance.log_in(ada), await entrance.log_in(bob)
    never = await remove(b, ada.id)
    await a.tell(bob.id, "hello")
    await remove(b, ada.id)

    again = await remove(b, ada.id)

    assert (never.result_code, again.result_code) == (FAILED, FAILED)


async def test_devices_are_told_even_of_what_was_not_on_the_list(
    entrance: Entrance, people: People
) -> None:
    # The original tells them before it knows.
    ada, bob = people(2)
    b, b_phone = await entrance.log_in(bob), await entrance.log_in(bob, ClientType.ANDROID)

    await remove(b, ada.id)

    assert (await b_phone.receive(buddy_pb2.IMRemoveSessionNotify)).session_id == ada.id


@pytest.mark.parametrize("who_writes", ["the other one", "the remover"])
async def test_a_removed_session_comes_back_with_the_next_message(
    entrance: Entrance, people: People, who_writes: str
) -> None:
    ada, bob = people(2)
    a, b = await entrance.log_in(ada), await entrance.log_in(bob)
    await a.tell(bob.id, "one")
    await remove(b, ada.id)

    if who_writes == "the remover":
        await b.tell(ada.id, "two")
    else:
        await a.tell(bob.id, "two")

    assert await listed(b) == {ada.id: SHOWN}
    assert await listed(a) == {bob.id: SHOWN}


async def test_a_browser_that_was_here_before_is_told_what_was_removed(
    entrance: Entrance, people: People
) -> None:
    ada, bob = people(2)
    a, b = await entrance.log_in(ada), await entrance.log_in(bob, ClientType.WEB)
    await a.tell(bob.id, "hello")

    await remove(b, ada.id)

    assert await listed(b, since=1) == {ada.id: REMOVED}


@pytest.mark.parametrize("client_type", [kind for kind in ClientType if kind != ClientType.WEB])
async def test_what_was_removed_is_not_told_to_clients_that_would_show_it_again(
    entrance: Entrance, people: People, client_type: ClientType
) -> None:
    ada, bob = people(2)
    a, b = await entrance.log_in(ada), await entrance.log_in(bob, client_type)
    await a.tell(bob.id, "hello")

    await remove(b, ada.id)

    assert await listed(b, since=1) == {}


async def test_a_session_of_an_unknown_kind_is_not_removed(
    entrance: Entrance, people: People
) -> None:
    ada, bob = people(2)
    a, b = await entrance.log_in(ada), await entrance.log_in(bob)
    await a.tell(bob.id, "hello")
    body = removal(ada.id).SerializeToString().replace(bytes([2 << 3, 1]), bytes([2 << 3, 7]))

    b.send_bytes(encode_pdu(Command.BUDDY_LIST_REMOVE_SESSION_REQ, body, seq=3))

    assert await b.arrived(buddy_pb2.IMRemoveSessionRsp) == []
    assert await listed(b) == {ada.id: SHOWN}


async def test_what_one_writes_before_removing_is_removed_with_it(
    entrance: Entrance, people: People
) -> None:
    ada, bob = people(2)
    a = await entrance.log_in(ada)
    await a.tell(bob.id, "one")

    a.say(bob.id, "two")
    answer = await remove(a, bob.id)

    assert answer.result_code == DONE
    assert await listed(a) == {}
    assert [text for _, text in await a.history(bob.id)] == [b"two", b"one"]


async def test_other_devices_hear_nothing_of_a_removed_group(
    entrance: Entrance, people: People
) -> None:
    [ada] = people(1)
    a, phone = await entrance.log_in(ada), await entrance.log_in(ada, ClientType.IOS)

    await a.call(removal(1, SessionType.GROUP), buddy_pb2.IMRemoveSessionRsp)

    assert await phone.arrived(buddy_pb2.IMRemoveSessionNotify) == []


async def test_a_session_without_messages_is_not_listed(entrance: Entrance, people: People) -> None:
    ada, bob = people(2)
    a = await entrance.log_in(ada)

    a.send(
        message_pb2.IMMsgDataReadAck(
            user_id=0, session_id=bob.id, msg_id=1, session_type=SessionType.SINGLE
        )
    )

    assert await listed(a) == {}
