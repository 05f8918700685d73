"""The generated modules say exactly what schema.txt says, the protocol of clients in the field.

Both sides are turned into lines, so that a difference shows as the line that differs.
"""

import re
from enum import IntEnum
from pathlib import Path

import pytest
from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor, FileDescriptor
from google.protobuf.internal import api_implementation

from im import types
from im.wire.catalog import Command, direction_of, message_class
from im.wire.proto import base_define_pb2 as pb
from im.wire.proto import (
    buddy_pb2,
    file_pb2,
    generate,
    group_pb2,
    login_pb2,
    message_pb2,
    other_pb2,
    server_pb2,
    switch_service_pb2,
)

SCHEMA = Path(__file__).with_name("schema.txt").read_text(encoding="utf-8").splitlines()
FILES: list[FileDescriptor] = [
    module.DESCRIPTOR
    for module in (
        pb,
        login_pb2,
        buddy_pb2,
        message_pb2,
        group_pb2,
        file_pb2,
        switch_service_pb2,
        other_pb2,
        server_pb2,
    )
]
TYPES = {
    FieldDescriptor.TYPE_UINT32: "uint32",
    FieldDescriptor.TYPE_STRING: "string",
    FieldDescriptor.TYPE_BYTES: "bytes",
}


def blocks(kind: str) -> dict[str, list[str]]:
    """Return the lines below each `enum` or `message` line of the schema file, by its name."""
    found: dict[str, list[str]] = {}
    for line in SCHEMA:
        if match := re.match(r"(enum|message) (\S+)$", line):
            lines = found.setdefault(match[2], []) if match[1] == kind else []
        elif line.startswith(("  ", "+ ")):
            lines.append(line[2:])
    return found


def enum_lines(enum: EnumDescriptor) -> list[str]:
    return [f"{value.name} {value.number}" for value in enum.values]


def message_lines(message: Descriptor) -> list[str]:
    return [field_line(field) for field in message.fields]


def field_line(field: FieldDescriptor) -> str:
    embedded = field.enum_type or field.message_type
    words = [str(field.number), field.name, label(field)]
    words.append(embedded.name if embedded else TYPES[field.type])
    if field.has_default_value and field.enum_type:
        words.append(field.enum_type.values_by_number[field.default_value].name)
    return " ".join(words)


def label(field: FieldDescriptor) -> str:
    if field.is_repeated:
        return "repeated"
    return "required" if field.is_required else "optional"


ENUMS = {enum.name: enum for file in FILES for enum in file.enum_types_by_name.values()}
MESSAGES = {item.full_name: item for file in FILES for item in file.message_types_by_name.values()}


def test_the_schema_file_is_whole() -> None:
    enums, messages = blocks("enum"), blocks("message")

    assert (len(enums), sum(map(len, enums.values()))) == (23, 158 + 1)  # ours: the web client
    assert (len(messages), sum(map(len, messages.values()))) == (110, 388 + 1)  # and the client id


def test_only_the_web_client_type_and_the_clients_message_id_are_ours() -> None:
    assert [line for line in SCHEMA if line.startswith("+")] == [
        "+ CLIENT_TYPE_WEB 33",
        "+ 21 client_msg_id optional string",
    ]


def test_there_are_the_enums_of_the_protocol_and_no_others() -> None:
    assert sorted(ENUMS) == sorted(blocks("enum"))


def test_there_are_the_messages_of_the_protocol_and_no_others() -> None:
    assert sorted(MESSAGES) == sorted(blocks("message"))


@pytest.mark.parametrize("name", sorted(ENUMS))
def test_an_enum_has_the_values_of_the_protocol(name: str) -> None:
    assert sorted(enum_lines(ENUMS[name])) == sorted(blocks("enum")[name])


@pytest.mark.parametrize("name", sorted(MESSAGES))
def test_a_message_has_the_fields_of_the_protocol(name: str) -> None:
    assert sorted(message_lines(MESSAGES[name])) == sorted(blocks("message")[name])


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_enums_are_closed_and_numbers_unpacked_as_in_proto2(file: FileDescriptor) -> None:
    fields = [field for item in file.message_types_by_name.values() for field in item.fields]

    assert all(enum.is_closed for enum in file.enum_types_by_name.values())
    assert not any(field.is_packed for field in fields)


def test_the_catalog_has_the_commands_of_the_protocol_and_no_others() -> None:
    rows = [
        f"command 0x{command:04x} {command.name} {body.DESCRIPTOR.full_name}"
        for command in Command
        if (body := message_class(command))
    ]

    assert sorted(rows) == sorted(line for line in SCHEMA if line.startswith("command "))


def test_every_command_has_a_direction() -> None:
    assert all(direction_of(command) for command in Command)


def test_every_command_of_the_schema_enums_is_in_the_catalog() -> None:
    declared = {
        value.name: value.number
        for enum in ENUMS.values()
        for value in enum.values
        if value.name.startswith("CID_")
    }

    assert {f"CID_{command.name}": int(command) for command in Command} == declared


def test_the_high_byte_of_a_command_is_its_service() -> None:
    enum_of_service = {
        pb.SID_LOGIN: "LoginCmdID",
        pb.SID_BUDDY_LIST: "BuddyListCmdID",
        pb.SID_MSG: "MessageCmdID",
        pb.SID_GROUP: "GroupCmdID",
        pb.SID_FILE: "FileCmdID",
        pb.SID_SWITCH_SERVICE: "SwitchServiceCmdID",
        pb.SID_OTHER: "OtherCmdID",
    }
    services = {
        name: {value.number >> 8 for value in ENUMS[name].values}
        for name in enum_of_service.values()
    }

    assert services == {name: {int(service)} for service, name in enum_of_service.items()}


@pytest.mark.parametrize(
    ("name", "ours"),
    [
        ("ClientType", types.ClientType),
        ("UserStatType", types.OnlineStatus),
        ("SessionType", types.SessionType),
        ("MsgType", types.MsgType),
        ("KickReasonType", types.KickReason),
    ],
)
def test_the_values_of_the_upper_floors_are_those_of_the_wire(
    name: str, ours: type[IntEnum]
) -> None:
    assert {int(value) for value in ours} == set(ENUMS[name].values_by_number)


def test_login_results_of_the_upper_floors_are_on_the_wire() -> None:
    assert {int(value) for value in types.LoginResult} <= set(ENUMS["ResultType"].values_by_number)


def test_the_generated_modules_are_current() -> None:
    assert generate.stale_modules() == []


def test_protobuf_runs_on_upb() -> None:
    assert api_implementation.Type() == "upb"
