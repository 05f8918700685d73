"""The table of commands: complete, true, and as the documentation shows it."""

from io import StringIO

import pytest
from django.core.management import call_command

from im import checks
from im.handlers.execution.registry import HANDLERS, NOT_YET
from im.wire.catalog import Command, Direction, direction_of, reply_of
from tests.conftest import ROOT


def test_the_documentation_shows_what_the_command_prints() -> None:
    printed = StringIO()

    call_command("protocol", stdout=printed)

    assert (ROOT / "docs/protocol.md").read_text() == printed.getvalue(), (
        "run: manage.py protocol > docs/protocol.md"
    )


def test_every_reply_goes_to_the_client() -> None:
    replies = {
        reply_of(command)
        for command in Command
        if Direction.CLIENT_TO_SERVER in direction_of(command)
    } - {None}

    assert all(
        Direction.SERVER_TO_CLIENT in direction_of(reply) for reply in replies if reply is not None
    )
    assert len(replies) > 30


@pytest.mark.parametrize(
    ("command", "reply"),
    [
        (Command.LOGIN_REQ_USERLOGIN, Command.LOGIN_RES_USERLOGIN),
        (Command.BUDDY_LIST_REMOVE_SESSION_REQ, Command.BUDDY_LIST_REMOVE_SESSION_RES),
        (Command.MSG_GET_LATEST_MSG_ID_REQ, Command.MSG_GET_LATEST_MSG_ID_RSP),
        (Command.GROUP_INFO_REQUEST, Command.GROUP_INFO_RESPONSE),
        (Command.MSG_DATA, Command.MSG_DATA_ACK),
        (Command.OTHER_HEARTBEAT, Command.OTHER_HEARTBEAT),
        (Command.MSG_READ_ACK, None),
        (Command.SWITCH_P2P_CMD, None),
        (Command.FILE_ADD_OFFLINE_REQ, None),
    ],
)
def test_names_tell_which_command_answers_which(command: Command, reply: Command | None) -> None:
    assert reply_of(command) is reply


def test_every_client_command_has_a_handler_or_is_known_to_lack_one() -> None:
    found = checks.client_commands_are_handled()

    assert [message.id for message in found if message.is_serious()] == []


def test_the_check_finds_a_command_without_handler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(HANDLERS, Command.MSG_DATA)

    assert [
        message.msg for message in checks.client_commands_are_handled() if message.id == "im.E003"
    ] == ["0x0301 MSG_DATA has no handler"]


def test_the_check_finds_a_handler_that_is_said_to_be_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(checks, "NOT_YET", NOT_YET | {Command.MSG_DATA})

    assert [
        message.msg for message in checks.client_commands_are_handled() if message.id == "im.E004"
    ] == ["0x0301 MSG_DATA has a handler and is in NOT_YET"]
