"""Files from one user to another: offers, and what waits for a receiver who was away.

Contents are moved by a file server at an address of its own; a task, made with each offer, says who
may move what there.
"""

import re
import time
import uuid

from django.conf import settings
from django.db.models import Q
from django.db.transaction import atomic

from im.errors import Refused
from im.models import FileTask, IMTransmitFile, IMUser
from im.types import FileMode, FileUploaded, OfferedFile, RowStatus

MAX_FILE_BYTES = 2**31 - 1  # what clients count sizes and offsets in
MAX_NAME_CHARS = 255
MAX_PATH_CHARS = 4096  # Windows sends the whole path
FORGOTTEN_AT_ONCE = 100  # old tasks per offer: more than come, and no long transaction

_TASK_ID = re.compile(r"[0-9A-Za-z_-]{1,64}", re.ASCII)  # what was given out is one


@atomic(savepoint=False)
def offer(sender_id: int, receiver_id: int, path: str, size: int, mode: FileMode) -> OfferedFile:
    """Make a task for a file of `size` bytes that the sender has under `path`.

    Raises Refused when there is no file server, nobody of that id, nothing to move or too much of
    it, or when the sender has IM_FILE_TASKS tasks of the last IM_FILE_TASK_SECONDS.
    """
    if not settings.IM_FILE_SERVERS:
        raise Refused("there is no file server")
    name = _checked_name(path)
    _check(receiver_id, size)
    now = int(time.time())
    _forget_tasks_before(now - settings.IM_FILE_TASK_SECONDS)
    if FileTask.objects.filter(from_id=sender_id).count() >= settings.IM_FILE_TASKS:
        raise Refused(f"user {sender_id} has {settings.IM_FILE_TASKS} file transfers already")
    task = FileTask.objects.create(
        task_id=str(uuid.uuid4()),
        from_id=sender_id,
        to_id=receiver_id,
        file_name=name,
        size=size,
        mode=mode,
        created=now,
    )
    return OfferedFile(task.task_id, sender_id, receiver_id, name, size)


@atomic(savepoint=False)
def add_offline(
    sender_id: int, receiver_id: int, task_id: str, path: str, size: int
) -> FileUploaded:
    """Note that the sender has uploaded a file, for the receiver to fetch when he comes.

    A task is its sender's, for its receiver.  Raises Refused for somebody else's task, one that
    nobody was given or whose time is over, a file that waits already, and when
    IM_OFFLINE_FILES_PER_SENDER files of the sender wait for the receiver.
    """
    name = _checked_name(path)
    _check(receiver_id, size)
    task = _task(task_id)
    if (task.from_id, task.to_id) != (sender_id, receiver_id):
        raise Refused(f"the task is not user {sender_id}'s for user {receiver_id}")
    waiting = IMTransmitFile.objects.filter(to_id=receiver_id, status=RowStatus.SHOWN)
    limit = settings.IM_OFFLINE_FILES_PER_SENDER
    # Two gateways that count at once may let in one more, which harms nobody.
    if waiting.filter(from_id=sender_id).count() >= limit:
        raise Refused(f"{limit} files of user {sender_id} wait for user {receiver_id}")
    now = int(time.time())
    row, is_new = IMTransmitFile.objects.get_or_create(
        task_id=task_id,
        defaults={
            "from_id": sender_id,
            "to_id": receiver_id,
            "file_name": name,
            "size": size,
            "status": RowStatus.SHOWN,
            "created": now,
            "updated": now,
        },
    )
    if not is_new:
        raise Refused("this file waits already")
    return FileUploaded(_offered(row))


def waiting_for(receiver_id: int) -> list[OfferedFile]:
    """Return the files that wait for a user, oldest first, at most IM_OFFLINE_FILES."""
    rows = IMTransmitFile.objects.filter(to_id=receiver_id, status=RowStatus.SHOWN)
    return [_offered(row) for row in rows.order_by("created", "id")[: settings.IM_OFFLINE_FILES]]


def delete_offline(user_id: int, task_id: str) -> None:
    """Take a file off its receiver's list, on behalf of him or of its sender.

    Raises Refused when there is no such file of theirs.
    """
    of_user = Q(to_id=user_id) | Q(from_id=user_id)
    deleted, _ = IMTransmitFile.objects.filter(of_user, task_id=task_id).delete()
    if not deleted:
        raise Refused(f"no such file of user {user_id}'s")


def _task(task_id: str) -> FileTask:
    """Return a transfer that can still be made."""
    valid_since = int(time.time()) - settings.IM_FILE_TASK_SECONDS
    tasks = FileTask.objects.filter(created__gte=valid_since)
    task = tasks.filter(task_id=task_id).first() if _TASK_ID.fullmatch(task_id) else None
    if task is None or task.task_id != task_id:  # MariaDB does not look at case
        raise Refused("there is no such file transfer")
    return task


def _checked_name(path: str) -> str:
    """Return a file's own name; where it lies on its sender's disk is nobody's business."""
    name = re.split(r"[/\\]", path)[-1]
    if len(path) > MAX_PATH_CHARS or not 0 < len(name) <= MAX_NAME_CHARS:
        raise Refused(f"a file's name has 1 to {MAX_NAME_CHARS} characters")
    if not name.isprintable():
        raise Refused("a file's name has no control characters")
    return name


def _check(receiver_id: int, size: int) -> None:
    if not 0 < size <= MAX_FILE_BYTES:
        raise Refused(f"a file has 1 to {MAX_FILE_BYTES} bytes")
    if not IMUser.objects.filter(id=receiver_id).exists():
        raise Refused(f"there is no user {receiver_id}")


def _forget_tasks_before(created: int) -> None:
    old = FileTask.objects.filter(created__lt=created).order_by("created")
    ids = sorted(old.values_list("task_id", flat=True)[:FORGOTTEN_AT_ONCE])
    if ids:
        FileTask.objects.filter(task_id__in=ids).delete()


def _offered(row: IMTransmitFile) -> OfferedFile:
    return OfferedFile(row.task_id, row.from_id, row.to_id, row.file_name, row.size)
