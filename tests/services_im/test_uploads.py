"""How much may be uploaded: counted by the day, all or nothing."""

import pytest
from pytest_django.fixtures import Settings

from im.models import UploadCount
from im.services.media import uploads
from im.services.media.uploads import (
    NoRoom,
    TooMuchToday,
    charge,
    limit_of_network,
    limit_of_person,
)
from im.services.monitoring import disk_usage, statistics

pytestmark = pytest.mark.django_db

ADA, BOB = 1, 2
DAY_S = 24 * 3600


@pytest.fixture(autouse=True)
def limits(settings: Settings) -> None:
    settings.IM_UPLOAD_BYTES_PER_PERSON = 100
    settings.IM_UPLOAD_BYTES_PER_ADDRESS = 250


def test_somebody_uploads_up_to_the_limit_and_no_byte_more() -> None:
    charge(60, limit_of_person(ADA))
    charge(40, limit_of_person(ADA))
    charge(100, limit_of_person(BOB))

    with pytest.raises(TooMuchToday):
        charge(1, limit_of_person(ADA))

    assert uploads.bytes_today() == 200


def test_what_is_refused_is_not_counted() -> None:
    with pytest.raises(TooMuchToday):
        charge(101, limit_of_person(ADA))

    charge(100, limit_of_person(ADA))
    assert uploads.bytes_today() == 100


@pytest.mark.parametrize(("people", "limit"), [(1, 100), (2, 200), (3, 250), (300, 250)])
def test_an_address_may_as_much_as_its_people_up_to_a_bound(people: int, limit: int) -> None:
    charge(limit, limit_of_network("192.0.2.1", people))

    with pytest.raises(TooMuchToday):
        charge(1, limit_of_network("192.0.2.1", people))


def test_a_trusted_network_may_the_most() -> None:
    charge(250, limit_of_network("192.0.2.1", None))


def test_yesterday_does_not_count_and_is_forgotten() -> None:
    yesterday = statistics.today() - DAY_S
    UploadCount.objects.create(day=yesterday, who=f"user {ADA}", bytes=100)
    uploads._swept = 0

    charge(100, limit_of_person(ADA))

    assert not UploadCount.objects.filter(day=yesterday).exists()


def test_room_is_measured_where_files_are_stored(settings: Settings) -> None:
    free = disk_usage.free_bytes()

    settings.IM_FREE_DISK_BYTES = 0
    uploads.check_room(free // 2)
    settings.IM_FREE_DISK_BYTES = free
    with pytest.raises(NoRoom):
        uploads.check_room(free // 2)
