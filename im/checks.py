"""Start-up checks: what would otherwise be found out much later.

Those of the database are run by `migrate` and `check --database`, the others by every command.
"""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.db import connections
from google.protobuf.internal import api_implementation

from im import handlers
from im.fields import is_mysql
from im.handlers.execution.registry import HANDLERS, NOT_YET
from im.services.messages.compose import MAX_TEXT_CHARACTERS
from im.services.setup import database_fitness
from im.storage.connections import ENOUGH_BYTES
from im.wire.catalog import Command, Direction, direction_of

assert handlers  # importing the package is what fills HANDLERS

AES_KEY_BYTES = 32
LONGEST_MESSAGE_BYTES = 4 * MAX_TEXT_CHARACTERS + 1024  # as a statement
TOO_SHORT = "; the longest messages can't be stored at all"


@register()
def protobuf_is_compiled(**kwargs: Any) -> list[CheckMessage]:
    """Look for upb: it parses a body in 0.6 µs, pure Python in 130 µs."""
    if api_implementation.Type() == "upb":
        return []
    return [
        Error(
            f"protobuf runs on its {api_implementation.Type()} implementation",
            hint="Unset PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION, or install protobuf from a wheel.",
            id="im.E001",
        )
    ]


@register()
def cipher_key_fits(**kwargs: Any) -> list[CheckMessage]:
    """Look at the length of the key that clients have compiled in."""
    if len(settings.IM_AES_KEY.encode()) == AES_KEY_BYTES:
        return []
    return [Error(f"IM_AES_KEY must have exactly {AES_KEY_BYTES} characters", id="im.E002")]


@register()
def client_commands_are_handled(**kwargs: Any) -> list[CheckMessage]:
    """Look for client commands that nobody answers, and for handlers that NOT_YET denies."""
    sent = {one for one in Command if Direction.CLIENT_TO_SERVER in direction_of(one)}
    missing = sent - HANDLERS.keys() - NOT_YET
    errors: list[CheckMessage] = [
        Error(f"{_named(command)} has no handler", id="im.E003") for command in sorted(missing)
    ]
    errors += [
        Error(
            f"{_named(command)} has a handler and is in NOT_YET",
            hint="Take it out of NOT_YET in im/handlers/execution/registry.py.",
            id="im.E004",
        )
        for command in sorted(NOT_YET & HANDLERS.keys())
    ]
    return errors


def _named(command: int) -> str:
    return f"0x{command:04x} {Command(command).name}"


@register(Tags.database)
def mysql_fits(
    app_configs: Any,  # Any: Django passes it to every check, and we ignore it
    databases: Sequence[str] | None = None,
    **kwargs: Any,
) -> list[CheckMessage]:
    """Look whether tables, old and new, take every character and every transaction.

    The original's database has three-byte utf8 as its default: the console could not log an edit
    of somebody with an emoji in the nickname, nor look for an operator of such a name.
    """
    return [
        Error(problem.text, hint=problem.hint, id=f"im.E{problem.number}")
        if problem.is_fatal
        else Warning(problem.text, hint=problem.hint, id=f"im.W{problem.number}")
        for alias in databases or []
        for problem in database_fitness.problems(connections[alias])
    ]


@register(Tags.database)
def statements_fit(
    app_configs: Any,  # Any: as above
    databases: Sequence[str] | None = None,
    **kwargs: Any,
) -> list[CheckMessage]:
    """Look whether the database takes statements as long as ours are."""
    warnings: list[CheckMessage] = []
    for connection in filter(is_mysql, map(connections.__getitem__, databases or [])):
        with connection.cursor() as cursor:
            cursor.execute("SELECT @@max_allowed_packet")
            (found_bytes,) = cursor.fetchone()
        if found_bytes < ENOUGH_BYTES:
            warnings.append(
                Warning(
                    f"max_allowed_packet is {found_bytes}: messages are stored in small pieces, "
                    "and groups of thousands can't be changed"
                    + (TOO_SHORT if found_bytes < LONGEST_MESSAGE_BYTES else ""),
                    hint=f"Set it to {ENOUGH_BYTES} at least, or leave it at the default.",
                    id="im.W011",
                )
            )
    return warnings
