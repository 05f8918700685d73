"""Made-up messages: as many as asked for, and consistent with everything that counts them."""

import subprocess

import pytest

from tests.conftest import manage
from tests.consistency import assert_consistent
from tests.e2e.database import Database


def test_they_agree_with_counters_lists_and_figures(backend: str) -> None:
    manage(
        "seed_demo", "--users", "60", "--password", "pass", "--groups", "4", "--members", "9",
        database_url=backend,
    )  # fmt: skip
    for count in (6_000, 1_500):  # a second run goes on from the first
        manage("seed_messages", "--messages", str(count), "--pairs", "70", database_url=backend)

    assert_consistent(backend, [])
    database = Database(backend)
    singles = sum(database.row(f"SELECT COUNT(*) FROM IMMessage_{n}")[0] for n in range(8))
    for n in range(8):
        assert not database.rows(
            f"SELECT g.groupId FROM IMGroupMessage_{n} g JOIN im_group_counter c "
            "ON c.group_id = g.groupId GROUP BY g.groupId, c.last_msg_id "
            "HAVING COUNT(*) <> c.last_msg_id OR MAX(g.msgId) <> c.last_msg_id"
        )
        times = [row[0] for row in database.rows(f"SELECT created FROM IMMessage_{n} ORDER BY id")]
        assert times == sorted(times)
    in_groups = sum(database.row(f"SELECT COUNT(*) FROM IMGroupMessage_{n}")[0] for n in range(8))
    assert singles + in_groups == 7_500
    counted: dict[int, int] = dict(
        database.rows("SELECT kind, SUM(value) FROM im_stat GROUP BY kind ORDER BY kind")
    )
    assert {kind: int(value) for kind, value in counted.items()} == {
        1: singles,
        2: in_groups,
        8: in_groups,
    }


def test_too_few_people_are_an_error(backend: str) -> None:
    with pytest.raises(subprocess.CalledProcessError) as caught:
        manage("seed_messages", "--messages", "10", database_url=backend)

    assert "two users" in caught.value.stderr
