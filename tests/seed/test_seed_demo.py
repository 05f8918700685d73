"""manage.py seed_demo."""

import threading
import time
from itertools import pairwise
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from im.management.commands import seed_demo
from im.models import GroupCounter, GroupPosition, IMDepart, IMGroup, IMGroupMember, IMUser
from im.services.directory import sync, users
from im.services.directory.users import DepartmentCard, UserCard
from im.services.identity import passwords
from im.services.setup import seed_people
from im.services.setup.seed_people import SPREAD_S


def seed(users: int, **options: object) -> None:
    call_command("seed_demo", users=users, **{"password": "pass", **options})


@pytest.mark.django_db
def test_people_are_numbered_and_log_in_with_the_password() -> None:
    seed(12)

    rows = list(IMUser.objects.order_by("pk"))
    wire = passwords.wire_password("pass")
    assert [row.name for row in rows] == [f"u{n:05d}" for n in range(1, 13)]
    assert [row.pk for row in rows] == list(range(rows[0].pk, rows[0].pk + 12))
    assert all(passwords.matches(wire, row.password, row.salt) for row in rows)
    assert len({row.salt for row in rows}) > 1


@pytest.mark.django_db
def test_a_person_looks_as_expected_of_test_data() -> None:
    seed(3)

    row = IMUser.objects.get(name="u00002")
    assert (row.sex, row.nick, row.domain) == (row.pk % 3, f"nick{row.pk}", f"domain{row.pk}")
    assert (row.phone, row.email) == (f"138{row.pk:08d}", "u00002@example.test")
    assert (row.sign_info, row.status) == (f"sign {row.pk}", 0)
    assert row.created == row.updated > 0


@pytest.mark.django_db
def test_ids_are_in_a_row_where_there_are_others() -> None:
    depart_id = users.create_department(DepartmentCard("Real")).depart_id
    other = users.create_user(UserCard("real", "Real", depart_id), "whatever else").user_id

    seed(5)
    seed(5, prefix="v")

    ids = IMUser.objects.filter(name__startswith="v").order_by("pk").values_list("pk", flat=True)
    assert list(ids) == list(range(other + 6, other + 11))


@pytest.mark.django_db
def test_someone_added_meanwhile_takes_none_of_the_ids() -> None:
    depart_ids = seed_people.add_departments("u", range(1, 2), [], seed_people.department_times(1))
    crowd = seed_people.reserve_crowd("u", 20, depart_ids, "pass")

    stranger = users.create_user(UserCard("x", "x", depart_ids[0]), "whatever else").user_id
    seed_people.add_people(crowd, range(1, 21), "pass")

    ids = IMUser.objects.filter(name__startswith="u").order_by("pk").values_list("pk", flat=True)
    assert list(ids) == list(crowd.user_ids)
    assert stranger not in crowd.user_ids


@pytest.mark.django_db
def test_departments_are_a_tree_that_people_are_spread_over() -> None:
    seed(30, departments=12)

    departments = {row.pk: row for row in IMDepart.objects.all()}
    assert len(departments) == 12
    assert sum(row.parent_id == 0 for row in departments.values()) == 1
    assert all(row.parent_id in {0, *departments} for row in departments.values())
    assert set(IMUser.objects.values_list("depart_id", flat=True)) == set(departments)


@pytest.mark.django_db
def test_a_tree_made_in_several_chunks_hangs_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seed_demo, "ROWS_PER_CHUNK", 3)

    seed(30, departments=23)

    above = dict(IMDepart.objects.values_list("pk", "parent_id"))
    assert len(above) == 23
    assert [parent_id for parent_id in above.values() if parent_id not in above] == [0]
    assert all(parent_id < depart_id for depart_id, parent_id in above.items())


@pytest.mark.django_db
@pytest.mark.parametrize("model", [IMUser, IMDepart])
def test_the_company_grew_over_two_years(model: type[IMUser] | type[IMDepart]) -> None:
    seed(1000, departments=100)

    times = sorted(model.objects.values_list("updated", flat=True))
    steps = {later - earlier for earlier, later in pairwise(times)}
    assert times[0] == pytest.approx(time.time() - SPREAD_S, abs=60)
    assert times[-1] <= time.time() - SPREAD_S / len(times) / 2
    assert max(steps) - min(steps) <= 1


@pytest.mark.django_db
def test_clients_who_come_in_the_meantime_find_everybody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seed_demo, "ROWS_PER_CHUNK", 5)
    add_people, known, stamp = seed_people.add_people, set[int](), 0

    def add_and_sync(*arguments: Any) -> None:
        nonlocal stamp
        add_people(*arguments)
        changes = sync.users_since(stamp)
        known.update(person.user_id for person in changes.rows)
        stamp = changes.stamp

    monkeypatch.setattr(seed_people, "add_people", add_and_sync)
    seed(23)
    seed(7, prefix="v")

    assert len(known) == 30


@pytest.mark.django_db
def test_where_somebody_was_changed_just_now_all_are_new() -> None:
    depart_id = users.create_department(DepartmentCard("Real")).depart_id
    other = users.create_user(UserCard("real", "Real", depart_id), "whatever else")

    seed(50, departments=50)

    times = IMUser.objects.exclude(pk=other.user_id).values_list("updated", flat=True)
    assert other.updated <= min(times) <= max(times) <= time.time()


@pytest.mark.django_db
def test_groups_have_members_and_the_rows_that_messages_need(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(seed_demo, "ROWS_PER_CHUNK", 4)

    seed(20, groups=3, members=10)

    groups = list(IMGroup.objects.all())
    assert [(group.type, group.status, group.version, group.user_cnt) for group in groups] == [
        (1, 0, 1, 10)
    ] * 3
    members = list(IMGroupMember.objects.filter(status=0).values_list("group_id", "user_id"))
    assert len(members) == 30
    assert set(members) == set(GroupPosition.objects.values_list("group_id", "user_id"))
    assert GroupCounter.objects.count() == 3
    assert all((group.pk, group.creator) in members for group in groups)


@pytest.mark.django_db
def test_there_are_no_groups_unless_asked_for() -> None:
    seed(3)

    assert not IMGroup.objects.exists()


@pytest.mark.django_db
def test_names_that_exist_are_refused_before_anything_is_written() -> None:
    seed(3)
    departments = IMDepart.objects.count()

    with pytest.raises(CommandError, match="3 of the 5 names exist already, the first is u00001"):
        seed(5)

    assert IMUser.objects.count() == 3
    assert IMDepart.objects.count() == departments


@pytest.mark.django_db
@pytest.mark.parametrize(
    "options",
    [
        {"users": 0},
        {"users": 5, "groups": 1, "members": 6},
        {"users": 5, "groups": -1},
        {"users": 5, "departments": 0},
        {"users": 5, "prefix": "p" * 28},
        {"users": 5, "prefix": " p"},
        {"users": 5, "password": ""},
    ],
)
def test_what_can_not_be_done_is_refused_in_one_line(options: dict[str, object]) -> None:
    with pytest.raises(CommandError) as refusal:
        call_command("seed_demo", **{"password": "pass", **options})

    assert "\n" not in str(refusal.value)
    assert not IMUser.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_running_server_gets_its_turn_between_the_chunks() -> None:
    waits: list[float] = []
    done = threading.Event()

    def write_again_and_again() -> None:
        try:
            while not done.wait(0.01):
                started = time.monotonic()
                with transaction.atomic():
                    IMGroup.objects.create(name="by the server")
                waits.append(time.monotonic() - started)
        finally:
            connection.close()

    server = threading.Thread(target=write_again_and_again)
    server.start()
    seed(3000)
    done.set()
    server.join()

    assert IMGroup.objects.count() == len(waits) > 5
    assert max(waits) < 2  # a chunk takes 30 ms; machines that run tests may be slow
