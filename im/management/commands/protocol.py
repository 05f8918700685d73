"""`manage.py protocol`: the table of commands as Markdown; docs/protocol.md is its output."""

from collections.abc import Iterable, Iterator
from typing import Any

from django.core.management.base import BaseCommand

from im import handlers
from im.handlers.execution.registry import HANDLERS
from im.wire import catalog
from im.wire.catalog import Direction

assert handlers  # importing the package is what fills HANDLERS

INTRODUCTION = """\
# Commands

What clients send and what becomes of it, as `manage.py protocol` prints it; the messages stand in
`im/wire/proto/`. A command that is *not yet* handled is dropped, counted, and the connection stays.
"""
_DIRECTIONS = {
    Direction.CLIENT_TO_SERVER: "to the server",
    Direction.SERVER_TO_CLIENT: "to the client",
    Direction.BOTH: "both ways",
}
NOT_YET = "*not yet*"


class Command(BaseCommand):
    """Prints what catalog and registry hold, so that the documentation can't be wrong."""

    help = "Print the table of commands, in Markdown."
    requires_system_checks = ()  # it shows what checks complain of

    def handle(self, *args: Any, **options: Any) -> None:  # Any: Django's own signature
        self.stdout.write(document())


def document() -> str:
    """Return the whole document."""
    return "\n".join([INTRODUCTION, *_from_clients(), "", *_unasked()])


def _from_clients() -> Iterator[str]:
    yield "## What clients send\n"
    yield _row("command", "name", "direction", "request", "reply", "handler", "lane", "anonymous")
    yield _row(*["---"] * 8)
    for command in catalog.Command:
        if Direction.CLIENT_TO_SERVER in catalog.direction_of(command):
            yield _row(*_request(command))


def _request(command: catalog.Command) -> Iterable[str]:
    handler = HANDLERS.get(command)
    reply = catalog.reply_of(command)
    yield from (f"0x{command:04x}", command.name)
    yield _DIRECTIONS[catalog.direction_of(command)]
    yield from (_message(command), "–" if reply is None else f"0x{reply:04x} {_message(reply)}")
    if handler is None:
        yield from (NOT_YET, "", "")
        return
    module = handler.run.__module__.rpartition(".")[2]
    yield from (f"{module}.{handler.run.__name__}", handler.lane.name)
    yield "yes" if handler.anonymous else "no"


def _unasked() -> Iterator[str]:
    """Yield the table of what only the server sends and what answers nothing."""
    replies = {catalog.reply_of(command) for command in catalog.Command}
    yield "## What the server sends unasked\n"
    yield _row("command", "name", "direction", "message")
    yield _row(*["---"] * 4)
    for command in catalog.Command:
        direction = catalog.direction_of(command)
        if direction is Direction.SERVER_TO_CLIENT and command not in replies:
            named = (f"0x{command:04x}", command.name)
            yield _row(*named, _DIRECTIONS[direction], _message(command))


def _message(command: catalog.Command) -> str:
    kind = catalog.message_class(command)
    assert kind is not None
    return kind.__name__


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"
