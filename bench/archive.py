"""Old messages in bulk: a table of history that grows around one conversation."""

from bench.client import Entrance
from bench.visits import two_who_talked
from im.types import MsgType
from tests.e2e.database import Database, relation_between

SHARDS = 8  # a conversation's table is its relation's id modulo this
PER_CONVERSATION = 100
BLOCK = 10_000  # rows the growth begins with
STEP = 500_000  # rows of one statement, half a minute of work on a slow disk
COLUMNS = "relateId, fromId, toId, msgId, content, type, status, updated, created"
BEGAN = 1_600_000_000  # unix seconds


class Archive:
    """The rows of other people's conversations, in the table that holds those of two people."""

    def __init__(self, database_url: str, one_id: int, two_id: int) -> None:
        self._database = Database(database_url)
        self._relate_id = relation_between(self._database, one_id, two_id)
        self._table = f"IMMessage_{self._relate_id % SHARDS}"
        self._rows = 0

    def grow(self, rows: int) -> None:
        """Fill up to so many rows, a multiple of PER_CONVERSATION."""
        if not self._rows:
            self._begin()
        while self._rows < rows:
            self._copy(min(self._rows, rows - self._rows, STEP))

    def _begin(self) -> None:
        marks = ", ".join(["(%s, 1, 2, %s, %s, %s, 0, %s, %s)"] * PER_CONVERSATION)
        for conversation in range(1, BLOCK // PER_CONVERSATION + 1):
            values: list[int | str] = []
            for msg_id in range(1, PER_CONVERSATION + 1):
                values += (self._relate_id_of(conversation), msg_id, "x" * 64)
                values += (MsgType.SINGLE_TEXT.value, BEGAN + msg_id, BEGAN + msg_id)
            self._database.change(f"INSERT INTO {self._table} ({COLUMNS}) VALUES {marks}", *values)
        self._rows = BLOCK

    def _copy(self, rows: int) -> None:
        """Write the first rows once more, as those of further conversations."""
        have, taken = self._rows // PER_CONVERSATION, rows // PER_CONVERSATION
        self._database.change(
            f"INSERT INTO {self._table} ({COLUMNS}) SELECT relateId + %s, fromId, toId, msgId, "
            f"content, type, status, updated, created FROM {self._table} "
            "WHERE relateId BETWEEN %s AND %s",
            SHARDS * have,
            self._relate_id_of(1),
            self._relate_id_of(taken),
        )
        self._rows += rows

    def _relate_id_of(self, conversation: int) -> int:
        # Far above those that are made while the benchmark runs.
        return self._relate_id + SHARDS * (1_000_000 + conversation)


async def ids_of_two(entrance: Entrance) -> tuple[int, int]:
    """Return the ids of the two people whose page is asked for, once they have talked."""
    one, two = await two_who_talked(entrance)
    one.close()
    two.close()
    return one.user_id, two.user_id
