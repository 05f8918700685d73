"""The check that the durability tests rest on finds what is wrong, and nothing else."""

from subprocess import CalledProcessError

import pytest

from im.storage.writer.writer import Writer
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


def test_a_broken_promise_is_found(store: Store, backend: str) -> None:
    [relate_id] = store.relation_ids(ADA, BOB)
    shard = f"IMMessage_{relate_id % 8}"
    damages = {
        f"UPDATE {shard} SET content = 'other' WHERE msgId = 3": "acknowledged but not there",
        f"UPDATE {shard} SET content = 'one' WHERE msgId = 3": "stored 2 times",
        "UPDATE im_conversation SET read_msg_id_big = 0": "user 2 has read 1 up to 1",
    }

    for damage, finding in damages.items():
        with store.undone(shard, "im_conversation", "IMRecentSession"):
            store.change(damage)
            with pytest.raises(AssertionError, match=finding):
                assert_consistent(backend, TOLD, READ)

    with store.undone("im_conversation"):
        store.change("UPDATE im_conversation SET sent_small = 3")
        with pytest.raises(CalledProcessError):  # the audit's finding
            assert_consistent(backend, TOLD, READ)
    assert_consistent(backend, TOLD, READ)
