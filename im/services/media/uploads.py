"""What people upload is bounded: bytes a day, and room on the disk that is kept for messages.

Today's bytes are rows, one per person and one per network that uploads without a cookie, so that
all processes count together and a restart forgets nothing.
"""

from collections.abc import Mapping

from django.conf import settings
from django.db import transaction
from django.db.models import Sum

from im.errors import Refused
from im.models import UploadCount
from im.services.monitoring import disk_usage
from im.services.monitoring.statistics import today
from im.storage.sql import merge_rows

_COLUMNS = ("day", "who", "bytes")
_PERSON = "user "
_NETWORK = "from "

_swept = 0  # the day for which this process has deleted older rows


class NoRoom(Refused):
    """What is left of the disk is kept for messages."""


class TooMuchToday(Refused):
    """Somebody has uploaded as much today as they may."""


def limit_of_person(user_id: int) -> dict[str, int]:
    """Return how much somebody may upload in a day: bytes, by who it is counted for."""
    return {f"{_PERSON}{user_id}": settings.IM_UPLOAD_BYTES_PER_PERSON}


def limit_of_network(network: str, people: int | None) -> dict[str, int]:
    """Return the same for so many people behind one address; None: as for the most."""
    most: int = settings.IM_UPLOAD_BYTES_PER_ADDRESS
    if people is not None:
        most = min(most, people * settings.IM_UPLOAD_BYTES_PER_PERSON)
    return {f"{_NETWORK}{network}": most}


def check_room(size_bytes: int) -> None:
    """Raise NoRoom if a file of this size would take what is kept for messages."""
    if disk_usage.free_bytes() - size_bytes < settings.IM_FREE_DISK_BYTES:
        raise NoRoom("the disk is too full for files")


def charge(size_bytes: int, limits: Mapping[str, int]) -> None:
    """Count an upload for today.  Raises TooMuchToday, with nothing counted, beyond a limit."""
    day = today()
    _sweep(day)
    rows = [(day, who, size_bytes) for who in sorted(limits)]
    with transaction.atomic():
        merge_rows("im_upload_count", _COLUMNS, rows, key=_COLUMNS[:2], keep_largest=False)
        counted = UploadCount.objects.filter(day=day, who__in=limits).values_list("who", "bytes")
        for who, sum_bytes in counted:
            if sum_bytes > limits[who]:
                raise TooMuchToday(f"{who} has uploaded too much today")


def bytes_today() -> int:
    """Return how much was uploaded today."""
    return UploadCount.objects.filter(day=today()).aggregate(sum=Sum("bytes"))["sum"] or 0


def _sweep(day: int) -> None:
    """Delete what was counted on other days, once a day and process."""
    global _swept
    if _swept != day:
        UploadCount.objects.filter(day__lt=day).delete()
        _swept = day
