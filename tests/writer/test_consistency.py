"""The check that the durability tests rest on finds what is wrong, and nothing else."""

import pytest

from im.services.writer import Writer
from tests.consistency import Acked, ReadTold, assert_consistent
from tests.writer.conftest import PointDjangoAt
from tests.writer.store import Store, read, text

ADA, BOB = 1, 2  # small, big
TOLD = [
    Acked(ADA, BOB, 1, "one"),
    Acked(BOB, ADA, 2, "two"),
    Acked(ADA, BOB, 3, "three"),
]
READ = [ReadTold(BOB, ADA, 1)]


@pytest.fixture
def store(backend: str, point_django_at: PointDjangoAt) -> Store:
    """A conversation of which TOLD and READ are true, in a database of its own."""
    store = Store(backend)
    store.add_users(3)
    point_django_at(backend)
    writer = Writer()
    writer([text(ADA, BOB, "one"), text(BOB, ADA, "two")])
    writer([read(BOB, ADA, 1)])
    writer([text(ADA, BOB, "three")])
    writer.close()
    return store


def test_what_the_writer_leaves_is_consistent(store: Store, backend: str) -> None:
    assert_consistent(backend, TOLD, READ)


def test_every_kind_of_damage_is_found(store: Store, backend: str) -> None:
    [relate_id] = store.relation_ids(ADA, BOB)
    shard = f"IMMessage_{relate_id % 8}"
    damages = {
        f"DELETE FROM {shard} WHERE msgId = 2": "acknowledged but not there",
        f"UPDATE {shard} SET msgId = 4 WHERE msgId = 3": "the highest id is 4, not 3",
        f"UPDATE {shard} SET content = 'other' WHERE msgId = 3": "acknowledged but not there",
        f"UPDATE {shard} SET content = 'one' WHERE msgId = 3": "stored 2 times",
        f"UPDATE {shard} SET toId = 3 WHERE msgId = 3": "belongs nowhere",
        "UPDATE im_conversation SET sent_small = 3": "2 and 1 messages, 3 and 1 counted",
        "UPDATE im_conversation SET seen_small = 2": "small has seen 2 of 1",
        "UPDATE im_conversation SET seen_big = 0": "big has seen 0 of 2",
        "UPDATE im_conversation SET read_msg_id_big = 0": "user 2 has read 1 up to 1",
        "UPDATE im_conversation SET big_id = 3": "not that of its relation",
        "DELETE FROM im_conversation": "belongs nowhere",
        f"DELETE FROM IMRecentSession WHERE userId = {ADA}": "small_id has 0 sessions",
    }

    for damage, finding in damages.items():
        with store.undone(shard, "im_conversation", "IMRecentSession"):
            store.change(damage)
            with pytest.raises(AssertionError, match=finding):
                assert_consistent(backend, TOLD, READ)

    assert_consistent(backend, TOLD, READ)
