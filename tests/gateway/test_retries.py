"""What is taken for a client's retry of a message, and what is a message of its own."""

import pytest
from pytest_django.fixtures import Settings

from im.types import ClientType
from im.wire.catalog import Command
from im.wire.pdu import HEADER, HEADER_LENGTH, Pdu
from im.wire.proto import message_pb2
from tests.client import text_to
from tests.gateway.connected import ADA, BOB, Connected, connected

AT = 1_700_000_000  # a client's clock
WINDOWS, MAC, IOS, ANDROID = (
    ClientType.WINDOWS,
    ClientType.MAC,
    ClientType.IOS,
    ClientType.ANDROID,
)


@pytest.fixture(autouse=True)
def _without_limits(settings: Settings) -> None:
    settings.IM_MESSAGES_PER_SECOND = 0


def said(text: str = "ok", *, at: int = AT, seq: int = 2) -> Pdu:
    """Return a text of Ada's to Bob, with the time her client gives it."""
    message = text_to(ADA, BOB, text)
    message.create_time = at
    return Pdu(Command.MSG_DATA, message.SerializeToString(), seq)


async def acked(connection: Connected, count: int) -> list[int]:
    """Wait for so many ACKs in all; return their message ids."""
    sent = connection.link.sent
    while len(ids := [_acked_id(pdu) for pdu in sent if _is_ack(pdu)]) < count:
        await connection.link.until_sent(len(sent) + 1)
    return ids


def _is_ack(pdu: bytes) -> bool:
    return bool(HEADER.unpack_from(pdu)[4] == Command.MSG_DATA_ACK)


def _acked_id(pdu: bytes) -> int:
    return message_pb2.IMMsgDataAck.FromString(pdu[HEADER_LENGTH:]).msg_id


async def ids_of(connection: Connected, *pdus: Pdu) -> list[int]:
    """Send PDUs, each when the one before is answered; return the message ids acknowledged."""
    ids: list[int] = []
    for number, pdu in enumerate(pdus, 1):
        connection.put([pdu])
        ids = await acked(connection, number)
    return ids


@pytest.mark.parametrize("client", [WINDOWS, MAC, IOS, ANDROID])
@pytest.mark.parametrize("at", [0, AT])
async def test_the_same_bytes_on_the_same_connection_are_stored_once(
    client: ClientType, at: int
) -> None:
    async with connected() as first:
        ada = first.again(client)

        assert await ids_of(ada, said(at=at), said(at=at)) == [1, 1]
        assert sum(ada.writer.batches) == 1


@pytest.mark.parametrize("client", [WINDOWS, MAC, IOS, ANDROID])
@pytest.mark.parametrize("at", [0, AT])
async def test_what_was_acknowledged_is_new_on_the_next_connection(
    client: ClientType, at: int
) -> None:
    async with connected() as first:
        before = first.again(client)
        assert await ids_of(before, said(at=at)) == [1]
        before.hang_up()

        assert await ids_of(first.again(client), said(at=at)) == [2]


@pytest.mark.parametrize("at", [0, AT])
async def test_two_devices_that_say_the_same_are_both_stored(at: int) -> None:
    async with connected() as first:
        pc, phone = first.again(WINDOWS), first.again(ANDROID)

        assert await ids_of(pc, said(at=at)) == [1]
        assert await ids_of(phone, said(at=at)) == [2]


async def test_two_devices_that_say_the_same_at_once_are_both_stored() -> None:
    async with connected() as first:
        pc, phone = first.again(WINDOWS), first.again(ANDROID)
        first.writer.go.clear()
        pc.put([said()])
        phone.put([said()])
        first.writer.go.set()

        assert await acked(pc, 1) + await acked(phone, 1) == [1, 2]


async def test_an_earlier_connection_that_is_still_there_does_not_lend_its_answer() -> None:
    async with connected() as first:
        first.writer.go.clear()
        first.put([said()])
        other = first.again(MAC)
        other.put([said()])
        first.writer.go.set()

        assert await acked(first, 1) + await acked(other, 1) == [1, 2]


async def test_a_second_in_which_the_client_says_it_again_makes_it_new() -> None:
    async with connected() as ada:
        assert await ids_of(ada, said(at=AT), said(at=AT + 1)) == [1, 2]


async def test_a_message_whose_connection_broke_before_its_ack_is_repeated_on_the_next() -> None:
    async with connected() as first:
        first.writer.go.clear()
        first.put([said()])
        first.hang_up()
        second = first.again()
        second.put([said()])
        first.writer.go.set()

        assert await acked(second, 1) == [1]
        second.put([said()])
        assert await acked(second, 2) == [1, 1]
        assert first.link.sent == []
        second.hang_up()
        assert await ids_of(first.again(), said()) == [2]


async def test_a_message_stored_after_its_connection_broke_is_answered_on_the_next() -> None:
    async with connected() as first:
        first.writer.go.clear()
        first.put([said()])
        first.hang_up()
        first.writer.go.set()
        second = first.again()
        assert await ids_of(second, said("something else")) == [2]

        assert await ids_of(second, said(), said()) == [2, 1, 1]


async def test_without_a_time_of_the_clients_only_its_own_connection_counts() -> None:
    async with connected() as first:
        first.writer.go.clear()
        first.put([said(at=0)])
        first.hang_up()
        second = first.again()
        second.put([said(at=0)])
        first.writer.go.set()

        assert await acked(second, 1) == [2]


async def test_another_kind_of_client_repeats_nothing_of_this_one() -> None:
    async with connected() as first:
        pc = first.again(WINDOWS)
        pc.writer.go.clear()
        pc.put([said()])
        pc.hang_up()
        phone = first.again(ANDROID)
        phone.put([said()])
        pc.writer.go.set()

        assert await acked(phone, 1) == [2]


@pytest.mark.parametrize("length", [1, 255, 256, 4000])
async def test_long_texts_that_differ_at_their_end_are_two(length: int) -> None:
    async with connected() as ada:
        one, other = "x" * length + "1", "x" * length + "2"

        assert await ids_of(ada, said(one), said(other), said(one)) == [1, 2, 1]
