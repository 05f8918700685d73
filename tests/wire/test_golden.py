"""Bytes of real clients, decoded and encoded again without a difference."""

import pytest

from im.wire.catalog import Command, command_of, decode, encode
from im.wire.pdu import Decoder, Pdu

MAX_LENGTH = 1 << 16

PDUS = {
    "login, mac": (
        "00000045 0001 0000 0001 0103 0001 0000 0a0474657374"
        "1220 6531306164633339343962613539616262653536653035376632306638383365"
        "1801 2002 2a07 4d41432f312e30"
    ),
    "login, Windows": (
        "00000047 0001 0000 0001 0103 0001 0000 0a0474657374"
        "1220 6531306164633339343962613539616262653536653035376632306638383365"
        "1801 2001 2a09 77696e5f3130303836"
    ),
    "text, 1001 to 1002": (
        "00000036 0001 0000 0003 0301 0002 0000 08e907 10ea07 1800 2000 2801"
        "3218 6e6e5a5342776650437a363071363964646d66494a413d3d"
    ),
    "text, 1 to 2": (
        "00000034 0001 0000 0003 0301 0002 0000 0801 1002 1800 2000 2801"
        "3218 6e6e5a5342776650437a363071363964646d66494a413d3d"
    ),
    "acknowledgement": "0000001a 0001 0000 0003 0302 0002 0000 08e907 10ea07 1807 2001",
    "shake": (
        "0000004e 0001 0000 0006 0601 0003 0000 0801 1002 1a38"
        "7b22636d645f6964223a36353533372c22636f6e74656e74223a227368616b6577696e646f77222c"
        "22736572766963655f6964223a317d0a"
    ),
    "file request": (
        "00000026 0001 0000 0005 0506 0004 0000 0801 10021a0a 433a2f742f612e747874 20a08d06 2801"
    ),
    "file login": (
        "0000003a 0001 0000 0005 0501 0005 0000 0802"
        "1224 33663235303465302d346638392d313164332d396130632d303330356538326333333031 1804"
    ),
    "heartbeat": "00000010 0001 0000 0007 0701 0000 0000",
}
HEARTBEATS = {
    "Windows, mac, server": (
        "00000010 0001 0000 0007 0701 0000 0000",
        Pdu(0x0701, b"", seq=0, service_id=7, version=1, flag=0, reserved=0),
    ),
    "iOS": (
        "00000010 000d 0000 0007 0701 0005 0001",
        Pdu(0x0701, b"", seq=5, service_id=7, version=13, flag=0, reserved=1),
    ),
    "Android": (
        "00000010 0006 0000 0007 0701 0005 0030",
        Pdu(0x0701, b"", seq=5, service_id=7, version=6, flag=0, reserved=48),
    ),
}


def only_pdu(hexadecimal: str) -> Pdu:
    (pdu,) = Decoder(MAX_LENGTH).feed(bytes.fromhex(hexadecimal))
    return pdu


@pytest.mark.parametrize("name", PDUS)
def test_a_message_of_a_client_survives_decoding_and_encoding(name: str) -> None:
    pdu = only_pdu(PDUS[name])

    message = decode(pdu.command_id, pdu.body)

    assert encode(message, pdu.seq) == bytes.fromhex(PDUS[name])
    assert command_of(message) == Command(pdu.command_id)


@pytest.mark.parametrize("client", HEARTBEATS)
def test_a_heartbeat_is_echoed_byte_for_byte(client: str) -> None:
    hexadecimal, expected = HEARTBEATS[client]

    pdu = only_pdu(hexadecimal)

    assert pdu == expected
    assert pdu.encode() == bytes.fromhex(hexadecimal)


def test_the_fields_of_a_login_are_read() -> None:
    pdu = only_pdu(PDUS["login, mac"])

    text = str(decode(pdu.command_id, pdu.body)).splitlines()

    assert text == [
        'user_name: "test"',
        'password: "e10adc3949ba59abbe56e057f20f883e"',
        "online_status: USER_STATUS_ONLINE",
        "client_type: CLIENT_TYPE_MAC",
        'client_version: "MAC/1.0"',
    ]
