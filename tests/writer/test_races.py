"""Several writers on one database, as several gateways are: what they store is as if one had."""

import random
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import combinations

from im.storage.writer.requests import Item, Result
from im.storage.writer.writer import Writer
from im.types import MessageStored
from tests.writer.conftest import TakeUsers
from tests.writer.store import Store, read, text

WRITERS = 3
ROUNDS = 5

Answers = list[tuple[Item, Result]]


def _write_at_once(batches: Sequence[Sequence[Sequence[Item]]]) -> Answers:
    """Let one writer per element of `batches` store them, round by round, all at the same time."""
    start = threading.Barrier(len(batches))

    def write(mine: Sequence[Sequence[Item]]) -> Answers:
        writer = Writer()  # its connection belongs to this thread
        try:
            answers: Answers = []
            for items in mine:
                start.wait()
                answers += zip(items, writer(items), strict=True)
            return answers
        finally:
            writer.close()

    with ThreadPoolExecutor(len(batches)) as threads:
        return [answer for answers in threads.map(write, batches) for answer in answers]


def test_writers_that_meet_on_new_pairs_share_one_conversation_per_pair(
    store: Store, writer: Writer, users: TakeUsers
) -> None:
    order = random.Random(7)
    rounds = [list(combinations(users(5), 2)) for _ in range(ROUNDS)]
    batches = [
        [
            [
                text(sender, receiver, f"writer {n}")
                for sender, receiver in (order.sample(pair, 2) for pair in order.sample(pairs, 10))
            ]
            for pairs in rounds
        ]
        for n in range(WRITERS)
    ]

    answers = _write_at_once(batches)

    assert all(isinstance(event, MessageStored) for _, event in answers)
    for one, other in (pair for pairs in rounds for pair in pairs):
        assert len(store.relation_ids(one, other)) == 1
        assert [msg_id for msg_id, _ in store.contents(one, other)] == [1, 2, 3]
        assert store.conversation(one, other).last_msg_id == WRITERS
        assert len(store.sessions(one, other)) == len(store.sessions(other, one)) == 1


def test_writers_that_meet_on_known_pairs_leave_no_gap_and_count_right(
    store: Store, writer: Writer, users: TakeUsers
) -> None:
    order = random.Random(8)
    pairs = list(combinations(users(4), 2))
    writer([text(*pair, "first") for pair in pairs])
    batches = [
        [
            [text(small, big, f"{n}") for small, big in order.sample(pairs, 6) * 4]
            + [read(big, small, 1) for small, big in order.sample(pairs, 3)]
            for _ in range(ROUNDS)
        ]
        for n in range(WRITERS)
    ]

    answers = _write_at_once(batches)

    stored = [event.message.msg_id for _, event in answers if isinstance(event, MessageStored)]
    last = 1 + WRITERS * ROUNDS * 4
    assert sorted(stored) == sorted([*range(2, last + 1)] * len(pairs))
    for small, big in pairs:
        assert [msg_id for msg_id, _ in store.contents(small, big)] == [*range(1, last + 1)]
        assert 0 <= store.conversation(small, big).unread_big <= last


def test_the_answer_names_the_row_that_was_stored(
    store: Store, writer: Writer, users: TakeUsers
) -> None:
    ada, bob = users(2)
    batches = [
        [[text(ada, bob, f"{n}.{turn}.{i}") for i in range(20)] for turn in range(ROUNDS)]
        for n in range(WRITERS)
    ]

    answers = _write_at_once(batches)

    answered = {
        (event.message.msg_id, event.message.content.decode())
        for _, event in answers
        if isinstance(event, MessageStored)
    }
    assert answered == set(store.contents(ada, bob))
