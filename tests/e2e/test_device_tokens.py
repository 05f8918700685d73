"""What phones are pushed to: who may say so, to whom a token belongs, and when it goes."""

import asyncio

import pytest

from im.types import ClientType
from im.wire.proto import login_pb2
from tests.client import Client
from tests.e2e.database import Database, Row
from tests.people import Entrance, People, Person


async def register(phone: Client, token: str) -> login_pb2.IMDeviceTokenRsp:
    request = login_pb2.IMDeviceTokenReq(user_id=0, device_token=token)
    return await phone.call(request, login_pb2.IMDeviceTokenRsp)


async def log_out(client: Client) -> None:
    answer = await client.call(login_pb2.IMLogoutReq(), login_pb2.IMLogoutRsp)
    assert answer.result_code == 0
    assert await client.closed()


def tokens_of(database: Database, *people: Person) -> list[Row]:
    """Return (user id, token, client type) of those people who have a token."""
    marks = ", ".join(["%s"] * len(people))
    return database.rows(
        f"SELECT user_id, token, client_type FROM im_device_token WHERE user_id IN ({marks})"
        " ORDER BY user_id",
        *(person.id for person in people),
    )


@pytest.mark.parametrize("client_type", [ClientType.IOS, ClientType.ANDROID])
async def test_a_phones_token_is_stored_and_answered_with_the_users_id(
    entrance: Entrance, people: People, database: Database, client_type: ClientType
) -> None:
    [ada] = people(1)
    phone = await entrance.log_in(ada, client_type)

    answer = await register(phone, f"token of {ada.id}")

    assert answer.user_id == ada.id
    assert tokens_of(database, ada) == [(ada.id, f"token of {ada.id}", client_type)]


async def test_a_new_token_takes_the_place_of_the_old_one(
    entrance: Entrance, people: People, database: Database
) -> None:
    [ada] = people(1)
    phone = await entrance.log_in(ada, ClientType.IOS)

    for token in ("one", "two", "two"):
        await register(phone, f"{token} of {ada.id}")

    assert tokens_of(database, ada) == [(ada.id, f"two of {ada.id}", ClientType.IOS)]


async def test_a_pc_has_no_token_and_gets_no_answer(
    entrance: Entrance, people: People, database: Database
) -> None:
    [ada] = people(1)
    pc = await entrance.log_in(ada)

    pc.send(login_pb2.IMDeviceTokenReq(user_id=0, device_token="of a PC"))

    assert await pc.arrived(login_pb2.IMDeviceTokenRsp) == []
    assert tokens_of(database, ada) == []


async def test_a_token_belongs_to_the_account_that_the_phone_uses_now(
    entrance: Entrance, people: People, database: Database
) -> None:
    ada, bob = people(2)
    token = f"shared by {ada.id}"

    await register(await entrance.log_in(ada, ClientType.IOS), token)
    await register(await entrance.log_in(bob, ClientType.IOS), token)

    assert tokens_of(database, ada, bob) == [(bob.id, token, ClientType.IOS)]


async def test_a_token_has_one_user_however_many_ask_at_once(
    entrance: Entrance, people: People, database: Database
) -> None:
    crowd = people(6)
    phones = [await entrance.log_in(person, ClientType.ANDROID) for person in crowd]

    for number in range(5):
        answers = await asyncio.gather(
            *(register(phone, f"{number} of {crowd[0].id}") for phone in phones)
        )

        assert [answer.user_id for answer in answers] == [person.id for person in crowd]
        assert len(tokens_of(database, *crowd)) == 1


async def test_logging_out_on_the_phone_ends_the_pushes(
    entrance: Entrance, people: People, database: Database
) -> None:
    ada, bob = people(2)
    phone = await entrance.log_in(ada, ClientType.IOS)
    await register(phone, f"token of {ada.id}")
    await register(await entrance.log_in(bob, ClientType.IOS), f"token of {bob.id}")

    await log_out(phone)

    assert [row[0] for row in tokens_of(database, ada, bob)] == [bob.id]


async def test_neither_a_pcs_logout_nor_a_lost_connection_ends_the_pushes(
    entrance: Entrance, people: People, database: Database
) -> None:
    [ada] = people(1)
    pc, phone = await entrance.log_in(ada), await entrance.log_in(ada, ClientType.IOS)
    await register(phone, f"token of {ada.id}")

    await phone.close()
    await log_out(pc)

    assert len(tokens_of(database, ada)) == 1


async def test_a_token_that_is_too_long_is_not_stored_and_an_empty_one_clears(
    entrance: Entrance, people: People, database: Database
) -> None:
    [ada] = people(1)
    phone = await entrance.log_in(ada, ClientType.ANDROID)
    await register(phone, f"{ada.id}".ljust(255, "x"))

    phone.send(login_pb2.IMDeviceTokenReq(user_id=0, device_token="y" * 256))
    unanswered = await phone.arrived(login_pb2.IMDeviceTokenRsp)
    before = tokens_of(database, ada)
    await register(phone, "")

    assert (unanswered, len(before)) == ([], 1)
    assert tokens_of(database, ada) == []
