"""Tasks and offline files: what bounds them."""

import time

import pytest
from django.db.transaction import atomic
from pytest_django.fixtures import Settings

from im.errors import Refused
from im.models import FileTask, IMTransmitFile, IMUser
from im.services.media import file_transfers
from im.types import FileMode

pytestmark = pytest.mark.django_db

OFFLINE = FileMode.OFFLINE


@pytest.fixture
def pair(settings: Settings) -> tuple[int, int]:
    """Two users, where there is a file server."""
    settings.IM_FILE_SERVERS = [("192.0.2.7", 8600)]
    ada, bob = (
        IMUser.objects.create(name=name, depart_id=1, created=1, updated=1)
        for name in ("ada", "bob")
    )
    return ada.id, bob.id


def test_a_sender_has_so_many_tasks_until_the_old_ones_are_forgotten(
    settings: Settings, pair: tuple[int, int]
) -> None:
    settings.IM_FILE_TASKS, settings.IM_FILE_TASK_SECONDS = 2, 60
    for _ in range(2):
        file_transfers.offer(*pair, "a.txt", 1, OFFLINE)

    with pytest.raises(Refused), atomic():
        file_transfers.offer(*pair, "a.txt", 1, OFFLINE)
    FileTask.objects.update(created=1)
    new = file_transfers.offer(*pair, "a.txt", 1, OFFLINE)

    assert list(FileTask.objects.values_list("task_id", flat=True)) == [new.task_id]


def task(sender_id: int, receiver_id: int) -> str:
    """Return the id of a new transfer."""
    return file_transfers.offer(sender_id, receiver_id, "a.txt", 1, OFFLINE).task_id


def test_so_many_files_of_a_sender_wait_for_one_receiver(
    settings: Settings, pair: tuple[int, int]
) -> None:
    settings.IM_OFFLINE_FILES_PER_SENDER = 2
    ada, bob = pair
    for _ in range(2):
        file_transfers.add_offline(ada, bob, task(ada, bob), "a.txt", 1)

    with pytest.raises(Refused), atomic():
        file_transfers.add_offline(ada, bob, task(ada, bob), "a.txt", 1)

    assert file_transfers.add_offline(bob, ada, task(bob, ada), "a.txt", 1).file.receiver_id == ada
    assert IMTransmitFile.objects.count() == 3


def test_the_list_is_bounded_and_begins_with_the_oldest(
    settings: Settings, pair: tuple[int, int]
) -> None:
    settings.IM_OFFLINE_FILES = 2
    ada, bob = pair
    tasks = [task(ada, bob) for _ in range(3)]
    for task_id in tasks:
        file_transfers.add_offline(ada, bob, task_id, "a.txt", 1)

    assert [file.task_id for file in file_transfers.waiting_for(bob)] == tasks[:2]


@pytest.mark.parametrize(
    "task_id",
    ["", "x" * 65, "a b", "../x", "ä", "x\n", "task-1", "62f3c5a4-8f7f-4b6e-9e0d-0f6a3f1b2c3d"],
)
def test_a_task_that_nobody_was_given_adds_no_file(pair: tuple[int, int], task_id: str) -> None:
    with pytest.raises(Refused), atomic():
        file_transfers.add_offline(*pair, task_id, "a.txt", 1)

    assert file_transfers.waiting_for(pair[1]) == []


def test_a_task_is_spelled_as_it_was_given(pair: tuple[int, int]) -> None:
    task_id = task(*pair)

    with pytest.raises(Refused), atomic():
        file_transfers.add_offline(*pair, task_id.upper(), "a.txt", 1)


def test_a_task_whose_time_is_over_adds_no_file(settings: Settings, pair: tuple[int, int]) -> None:
    task_id = task(*pair)
    FileTask.objects.update(created=int(time.time()) - settings.IM_FILE_TASK_SECONDS - 1)

    with pytest.raises(Refused), atomic():
        file_transfers.add_offline(*pair, task_id, "a.txt", 1)


def test_a_known_task_is_its_senders_for_its_receiver(pair: tuple[int, int]) -> None:
    ada, bob = pair
    task_id = file_transfers.offer(ada, bob, "a.txt", 1, OFFLINE).task_id

    for sender_id, receiver_id in ((bob, ada), (bob, bob), (ada, ada)):
        with pytest.raises(Refused), atomic():
            file_transfers.add_offline(sender_id, receiver_id, task_id, "a.txt", 1)

    assert file_transfers.add_offline(ada, bob, task_id, "a.txt", 1).file.task_id == task_id
