"""Figures by the hour: what is counted, and that nothing is counted twice or lost on the way."""

from collections.abc import Callable, Iterator

import pytest
from django.db import DatabaseError

from im.models import IMUser, Statistic
from im.services.groups.members import create_group
from im.services.identity import login
from im.services.identity.login import Credentials
from im.services.messages import compose
from im.services.monitoring import statistics
from im.services.monitoring.statistics import Kind
from im.storage.writer.requests import Item, NewMessage
from im.storage.writer.writer import Writer
from im.types import GroupType, MsgType
from tests.writer.conftest import ON_MARIADB, PointDjangoAt
from tests.writer.conftest import mariadb_store_url as mariadb_store_url
from tests.writer.conftest import point_django_at as point_django_at
from tests.writer.conftest import sqlite_store_url as sqlite_store_url
from tests.writer.conftest import store_url as store_url

FOREVER = (0, 2**40)


@pytest.fixture(autouse=True)
def _nothing_counted() -> Iterator[None]:
    statistics._taken()
    yield
    statistics._taken()


def totals() -> dict[tuple[int, int], int]:
    return {(row.kind, row.subject): row.value for row in Statistic.objects.all()}


def people(count: int) -> None:
    IMUser.objects.bulk_create(
        IMUser(id=n, name=f"u{n}", depart_id=1, created=1, updated=1) for n in range(1, count + 1)
    )


def text(sender: int, to: int, kind: int = MsgType.SINGLE_TEXT) -> Item:
    return compose.new_text(sender, to, kind, b"text")


@pytest.mark.django_db
def test_stored_messages_are_counted_by_kind_and_by_group() -> None:
    people(3)
    group = create_group(1, "group", "", [1, 2, 3], GroupType.NORMAL).group_id
    before = statistics.stored()

    Writer(on_stored=statistics.count_stored)(
        [
            text(1, 2),
            text(2, 1),
            text(1, 999),  # nobody: not stored
            text(1, group, MsgType.GROUP_TEXT),
            NewMessage(1, 2, MsgType.SINGLE_AUDIO, "7", 1),
        ]
    )
    statistics.flush()

    assert totals() == {
        (Kind.SINGLE, 0): 2,
        (Kind.GROUP, 0): 1,
        (Kind.VOICE, 0): 1,
        (Kind.OF_GROUP, group): 1,
    }
    assert statistics.stored() - before == 4
    assert statistics.top_groups(*FOREVER, 5) == [(group, 1)]


@pytest.mark.django_db(transaction=True)
def test_logins_are_counted_by_how_they_end() -> None:
    people(1)

    login.LoginDesk()([Credentials("u1", "wrong"), Credentials("nobody", "x")])
    statistics.flush()

    assert totals() == {(Kind.FAILED_LOGINS, 0): 2}


@pytest.mark.django_db
def test_a_second_flush_adds_to_sums_and_keeps_the_largest_height() -> None:
    for sum_, height in ((3, 7), (4, 5)):
        statistics.add(Kind.LOGINS, sum_)
        statistics.peak(Kind.ONLINE, height)
        statistics.flush()

    assert totals() == {(Kind.LOGINS, 0): 7, (Kind.ONLINE, 0): 7}


@ON_MARIADB
def test_mariadb_merges_alike(store_url: str, point_django_at: PointDjangoAt) -> None:
    point_django_at(store_url)

    test_a_second_flush_adds_to_sums_and_keeps_the_largest_height()


@pytest.mark.django_db(transaction=True)
def test_what_can_not_be_written_waits_for_the_next_flush(monkeypatch: pytest.MonkeyPatch) -> None:
    statistics.add(Kind.LOGINS, 3)
    statistics.peak(Kind.ONLINE, 2)

    def broken(*args: object, **named: object) -> None:
        raise DatabaseError

    with monkeypatch.context() as patched:
        patched.setattr(statistics, "merge_rows", broken)
        with pytest.raises(DatabaseError):
            statistics.flush()
    statistics.flush()

    assert totals() == {(Kind.LOGINS, 0): 3, (Kind.ONLINE, 0): 2}


@pytest.mark.django_db
def test_percentiles_are_the_bounds_of_the_spans_they_lie_in() -> None:
    for ms, times in ((0.5, 90), (30, 9), (99_999, 1)):
        for _ in range(times):
            statistics.note_latency(ms / 1000)
    statistics.flush()

    spans = statistics.latencies(*FOREVER)

    assert spans == {1: 90, 50: 9, statistics.BEYOND_MS: 1}
    shares = (0.5, 0.95, 0.99, 1.0)
    assert [statistics.percentile(spans, share) for share in shares] == [1, 50, 50, 60_000]
    assert statistics.percentile({}, 0.5) is None


@pytest.mark.django_db
def test_figures_are_read_by_the_hour_within_their_range(
    django_assert_num_queries: Callable[[int], object],
) -> None:
    Statistic.objects.bulk_create(
        Statistic(kind=Kind.LOGINS, hour=hour, subject=0, value=hour) for hour in (3600, 7200, 9000)
    )

    with django_assert_num_queries(1):  # type: ignore[attr-defined]
        found = statistics.by_hour([Kind.LOGINS, Kind.SINGLE], 7200, 9000)

    assert found == {Kind.LOGINS: {7200: 7200}, Kind.SINGLE: {}}
