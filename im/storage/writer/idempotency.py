"""Exactly once: what senders' clients call their messages, looked up and kept by the writer.

A row is written in the message's transaction and never deleted, so that a repetition is known for
ever.  Messages that are called nothing cost nothing here.
"""

import time
from collections.abc import Iterable

from django.db import IntegrityError
from django.db.models import Q

from im.models import ClientMessage
from im.storage.sql import insert_rows, look_up
from im.storage.writer.requests import AnyMessage, Contradicted, Repeated

Sent = tuple[str, int]  # digest, message id
_Name = tuple[int, str]  # sender, client id

_COLUMNS = ("sender_id", "client_id", "digest", "msg_id", "stored_at")


class Overtaken(Exception):
    """Another process has stored a message called like one of these; look again."""


class ClientKeys:
    """The client ids of one transaction's messages.

    Call `find` when the rows that messages are numbered by are locked: whoever sends the same to
    the same place has been waited for then.
    """

    def __init__(self) -> None:
        self._sent: dict[_Name, Sent] = {}
        self._new: list[_Name] = []

    def find(self, items: Iterable[AnyMessage]) -> None:
        """Look which of the messages have been stored before."""
        wanted = {_name(item) for item in items if item.key}
        if not wanted:
            return
        rows = look_up(
            ClientMessage.objects.all(),
            wanted,
            lambda name: Q(sender_id=name[0], client_id=name[1]),
        )
        self._sent = {(row.sender_id, row.client_id): (row.digest, row.msg_id) for row in rows}

    def answer(self, item: AnyMessage) -> Repeated | Contradicted | None:
        """Return what a repetition gets; None for what is new, or called nothing."""
        if item.key is None:
            return None
        digest, msg_id = self._sent.get(_name(item), ("", 0))
        if not msg_id:
            return None
        return Repeated(msg_id) if digest == item.key.digest else Contradicted()

    def add(self, item: AnyMessage, msg_id: int) -> None:
        """Note the id that a message gets."""
        if item.key is not None:
            self._sent[_name(item)] = (item.key.digest, msg_id)
            self._new.append(_name(item))

    def store(self) -> None:
        """Write the rows of the new messages.  Raises Overtaken when one of them is there."""
        if not self._new:
            return
        now = int(time.time())
        try:
            insert_rows(
                ClientMessage._meta.db_table,
                _COLUMNS,
                [(*name, *self._sent[name], now) for name in sorted(self._new)],
            )
        except IntegrityError as error:
            raise Overtaken(str(error)) from error


def _name(item: AnyMessage) -> _Name:
    assert item.key is not None
    return item.sender_id, item.key.client_id
