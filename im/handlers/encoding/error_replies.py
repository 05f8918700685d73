"""Refusals: what a client gets in place of an answer when its wish is not granted or failed.

The one place that knows.  Every reply with a result_code can say so; it then names what the request
named.  Lists have none, and an empty list would be a lie: there the client hears nothing.
"""

from google.protobuf.message import Message

from im.handlers.execution.registry import FAILED
from im.wire.catalog import Command, message_class, reply_of

_RESULT = "result_code"
_CLAIMS = frozenset({"user_id", "from_user_id"})  # of a reply: whose it is


def refusal(user_id: int, command: Command, request: Message) -> Message | None:
    """Return what tells `user_id` that a command was not done; None where nothing can.

    Result code 1, the caller's own id, and the other required fields as in the request.
    """
    reply_command = reply_of(command)
    kind = None if reply_command is None else message_class(reply_command)
    if kind is None or _RESULT not in kind.DESCRIPTOR.fields_by_name:
        return None
    reply = kind()
    for field in kind.DESCRIPTOR.fields:
        if field.name == _RESULT:
            setattr(reply, field.name, FAILED)
        elif field.name in _CLAIMS:
            setattr(reply, field.name, user_id)
        elif field.is_required:  # what the request does not name is empty
            setattr(reply, field.name, getattr(request, field.name, field.default_value))
    return reply
