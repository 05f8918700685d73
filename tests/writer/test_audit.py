"""The audit finds every kind of damage and nothing else, and repairs what can be derived."""

import time
from dataclasses import dataclass
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection

from im.models import IMRecentSession, IMRelationShip
from im.services import consistency
from im.services.consistency.findings import EXAMPLES, Check, Report
from im.storage.writer.writer import Writer
from tests.conftest import manage
from tests.e2e.database import Database
from tests.writer.conftest import PointDjangoAt
from tests.writer.group_store import make, read_group, say
from tests.writer.store import Store, read, text

ADA, BOB, CLEO, NOBODY = 1, 2, 3, 99  # ADA and BOB talk, CLEO is in the group too
LOCK_WAIT_S = 20  # how long our connections wait for who writes to SQLite
TABLES = (
    "im_conversation",
    "im_group_counter",
    "im_group_position",
    "IMAudio",
    "IMGroup",
    "IMGroupMember",
    "IMRecentSession",
    "IMRelationShip",
)


@dataclass(frozen=True, slots=True)
class Place:
    """A conversation of three messages and a group of three, the last of each a voice message."""

    store: Store
    relate_id: int
    group_id: int

    @property
    def singles(self) -> str:
        return f"IMMessage_{self.relate_id % 8}"

    @property
    def groups(self) -> str:
        return f"IMGroupMessage_{self.group_id % 8}"

    def everything(self) -> dict[str, list[tuple[object, ...]]]:
        """Return all rows, but for the ids of sessions that are made anew."""
        rows = {
            table: self.store.rows(f"SELECT * FROM {table} ORDER BY 1, 2")
            for table in (*TABLES, self.singles, self.groups)
        }
        rows["IMRecentSession"] = self.store.rows(
            "SELECT userId, peerId, type, status, updated FROM IMRecentSession ORDER BY 1, 2, 3"
        )
        return rows


@pytest.fixture
def place(backend: str, point_django_at: PointDjangoAt) -> Place:
    """A small healthy company in a database of its own."""
    store = Store(backend)
    store.add_users(3)
    point_django_at(backend)
    store.change(
        "INSERT INTO IMAudio (id, fromId, toId, path, size, duration, created)"
        " VALUES (7, 1, 2, 'g0/x', 1, 1, 1)"
    )
    group_id = make(ADA, BOB, CLEO)
    now = int(time.time())  # not before the group: its members would have come later
    writer = Writer()
    writer([text(ADA, BOB, "one", now), text(BOB, ADA, "two", now)])
    writer([read(BOB, ADA, 1, now)])
    writer([text(ADA, BOB, "7", now)])
    writer([say(ADA, group_id, "one", now), say(BOB, group_id, "two", now)])
    writer([read_group(CLEO, group_id, now), say(ADA, group_id, "7", now)])
    writer.close()
    [relate_id] = store.relation_ids(ADA, BOB)
    place = Place(store, relate_id, group_id)
    store.change(f"UPDATE {place.singles} SET type = 2 WHERE msgId = 3")
    store.change(f"UPDATE {place.groups} SET type = 18 WHERE msgId = 3")
    return place


def findings(report: Report) -> list[str]:
    return [f"{check}: {text}" for check, texts in report.examples.items() for text in texts]


def test_what_the_writer_leaves_is_clean(place: Place) -> None:
    report = consistency.examine()

    assert findings(report) == []
    assert {check.value: report.rows[check] for check in Check} == {
        "unique keys": 19,
        "relations": 1,
        "messages": 3,
        "message ids": 1,
        "messages counted": 1,
        "unread": 1,
        "recent sessions": 2,
        "voice messages": 1,
        "groups": 1,
        "group members": 3,
        "group messages": 3,
        "group message ids": 1,
        "group unread": 3,
        "group voice messages": 1,
    }


@dataclass(frozen=True, slots=True)
class Damage:
    """A statement, and how what is found of it begins."""

    statement: str
    finding: str


def damages_undone(place: Place) -> list[Damage]:
    """Return damages after whose repair every row is as it was."""
    relation, group = place.relate_id, place.group_id
    conversation = f"conversation {relation}:"
    return [
        Damage(
            "UPDATE im_conversation SET last_msg_id = 2",
            f"message ids: {conversation} the highest id is 3, not 2",
        ),
        Damage(
            "UPDATE im_conversation SET dense_from = 9",
            f"message ids: {conversation} dense from 9, but the last is 3",
        ),
        Damage(
            "UPDATE im_conversation SET sent_small = 3",
            f"messages counted: {conversation} 2 and 1 messages, 3 and 1 counted",
        ),
        Damage(
            "UPDATE im_conversation SET seen_big = 0",
            f"unread: {conversation} user 2 has seen 0 of 2",
        ),
        Damage(
            "DELETE FROM IMRelationShip",
            f"relations: {conversation} its relation is not there",
        ),
        Damage(
            "UPDATE IMRelationShip SET status = 1",
            f"relations: {conversation} its relation is marked as removed",
        ),
        Damage(
            f"DELETE FROM IMRecentSession WHERE userId = {ADA}",
            f"recent sessions: {conversation} user 1 has no session",
        ),
        Damage(
            f"UPDATE IMRecentSession SET updated = 5 WHERE userId = {BOB}",
            f"recent sessions: {conversation} user 2 has a session of 5,",
        ),
        Damage(
            f"UPDATE IMGroup SET userCnt = 9 WHERE id = {group}",
            f"groups: group {group}: 3 members, 9 counted",
        ),
        Damage("UPDATE IMGroup SET version = 0", f"groups: group {group}: its version is 0"),
        Damage("UPDATE IMGroup SET lastChated = 5", f"groups: group {group}: its last chat is of"),
        Damage(
            "DELETE FROM im_group_counter",
            f"group message ids: group {group}: it has no counter",
        ),
        Damage(
            "UPDATE im_group_counter SET last_msg_id = 2",
            f"group message ids: group {group}: the highest id is 3, not 2",
        ),
        Damage(
            "UPDATE im_group_counter SET dense_from = 5",
            f"group message ids: group {group}: dense from 5, but the last is 3",
        ),
        Damage(
            f"UPDATE im_group_position SET read_msg_id = 2 WHERE user_id = {ADA}",
            f"group unread: group {group}: 1 messages are unread by who wrote them",
        ),
        Damage(
            f"UPDATE im_group_position SET read_msg_id = 9 WHERE user_id = {ADA}",
            f"group unread: group {group}: 1 positions are not among its messages",
        ),
    ]


def damages_mended(place: Place) -> list[Damage]:
    """Return damages whose repair leaves no finding, but not every row as it was."""
    relation, group = place.relate_id, place.group_id
    return [
        Damage(
            "DELETE FROM im_conversation", f"relations: relation {relation} has no conversation"
        ),
        Damage(
            "UPDATE im_conversation SET seen_small = 2",
            f"unread: conversation {relation}: user 1 has seen 2 of 1",
        ),
        Damage(
            "UPDATE im_conversation SET read_msg_id_small = 9, seen_small = 1",
            f"unread: conversation {relation}: user 1 has read up to 9 of 3",
        ),
        Damage(
            f"DELETE FROM im_group_position WHERE user_id = {CLEO}",
            f"group unread: group {group}: 1 of its members have no position",
        ),
        Damage(
            f"UPDATE im_group_position SET joined_msg_id = 3 WHERE user_id = {BOB}",
            f"group unread: group {group}: 1 have read less than was said before they joined",
        ),
    ]


def damages_for_good(place: Place) -> list[Damage]:
    """Return damages that nothing else tells how to undo."""
    relation, group, singles, groups = (
        place.relate_id,
        place.group_id,
        place.singles,
        place.groups,
    )
    other_single, other_group = (f"IMMessage_{(relation + 1) % 8}", (group + 1) % 8)
    columns = "relateId, fromId, toId, msgId, content, type, status, updated, created"
    return [
        Damage(
            f"DELETE FROM {singles} WHERE msgId = 2",
            f"message ids: conversation {relation}: 2 messages from 1 to 3",
        ),
        Damage(
            f"DELETE FROM {singles} WHERE msgId = 3",
            f"message ids: conversation {relation}: the highest id is 2, not 3",
        ),
        Damage(
            f"UPDATE {singles} SET toId = 3 WHERE msgId = 3",
            f"messages: conversation {relation}: 1 messages are not between its two users",
        ),
        Damage(
            f"UPDATE {singles} SET relateId = 88 WHERE msgId = 3",
            f"message ids: conversation {relation}: the highest id is 2, not 3",
        ),
        Damage(
            f"INSERT INTO {other_single} ({columns})"
            f" SELECT {columns} FROM {singles} WHERE msgId = 1",
            f"messages: 1 messages of relation {relation} lie in {other_single}",
        ),
        Damage(
            f"UPDATE {singles} SET content = '7 o''clock' WHERE msgId = 3",
            f"voice messages: conversation {relation}: 1 voice messages name a sound",
        ),
        Damage(
            "UPDATE im_conversation SET big_id = 3",
            f"relations: conversation {relation}: is of users 1 and 3, its relation of 1 and 2",
        ),
        Damage(
            f"INSERT INTO IMRecentSession (userId, peerId, type, status, created, updated)"
            f" VALUES (3, 1, 1, 0, {int(time.time())}, 1)",
            "recent sessions: user 3 has a session with 1, and nothing was said",
        ),
        Damage(
            f"UPDATE IMGroup SET creator = {NOBODY}",
            f"groups: group {group}: its creator {NOBODY} is not there",
        ),
        Damage("DELETE FROM IMGroup", f"groups: the counter of group {group}, which is not there"),
        Damage(
            f"UPDATE IMGroupMember SET userId = {NOBODY} WHERE userId = {CLEO}",
            f"group members: group {group}: 1 of its members are not there",
        ),
        Damage(
            f"DELETE FROM {groups} WHERE msgId = 1",
            f"group message ids: group {group}: 2 messages from 1 to 3",
        ),
        Damage(
            f"INSERT INTO IMGroupMessage_{other_group}"
            " (groupId, userId, msgId, content, type, status, updated, created)"
            " SELECT groupId, userId, msgId, content, type, status, updated, created"
            f" FROM {groups} WHERE msgId = 1",
            f"group messages: 1 messages of group {group} lie in IMGroupMessage_{other_group}",
        ),
        Damage(
            "DELETE FROM IMAudio", f"group voice messages: group {group}: 1 voice messages name"
        ),
    ]


def assert_found(damage: Damage) -> None:
    found = findings(consistency.examine())
    assert any(text.startswith(damage.finding) for text in found), (damage, found)


def test_damage_is_found_and_repaired(place: Place) -> None:
    healthy = place.everything()

    for damage in damages_undone(place):
        with place.store.undone(*TABLES):
            place.store.change(damage.statement)
            assert_found(damage)
            said = list(consistency.repair())
            assert len(said) == 1, (damage, said)
            assert _without_times(place.everything()) == _without_times(healthy), damage
            assert findings(consistency.examine()) == []


def _without_times(
    rows: dict[str, list[tuple[object, ...]]],
) -> dict[str, list[tuple[object, ...]]]:
    """Leave out when a relation was made or shown again."""
    return rows | {"IMRelationShip": [row[:4] for row in rows["IMRelationShip"]]}


def test_what_can_only_be_made_plausible_is(place: Place) -> None:
    for damage in damages_mended(place):
        with place.store.undone(*TABLES):
            place.store.change(damage.statement)
            assert_found(damage)
            assert list(consistency.repair())
            assert findings(consistency.examine()) == [], damage


def test_what_is_lost_is_found_and_no_message_is_touched(place: Place) -> None:
    others = [f"{kind}_{shard}" for kind in ("IMMessage", "IMGroupMessage") for shard in (1, 2)]
    for damage in damages_for_good(place):
        with place.store.undone(*TABLES, *others):
            place.store.change(damage.statement)
            messages = [place.store.rows(f"SELECT * FROM {table}") for table in others]
            assert_found(damage)
            list(consistency.repair())
            assert_found(damage)
            assert messages == [place.store.rows(f"SELECT * FROM {table}") for table in others]

    assert findings(consistency.examine()) == []


def test_a_conversation_made_anew_goes_on_behind_its_messages_with_nothing_unread(
    place: Place,
) -> None:
    place.store.change("DELETE FROM im_conversation")

    list(consistency.repair())

    made = place.store.conversation(ADA, BOB)
    assert (made.last_msg_id, made.dense_from) == (3, 1)
    assert (made.unread_small, made.unread_big) == (0, 0)


def test_a_position_made_anew_hides_what_was_said_before_and_nothing_since(place: Place) -> None:
    place.store.change(f"UPDATE {place.groups} SET created = 5 WHERE msgId = 1")
    place.store.change(f"DELETE FROM im_group_position WHERE user_id = {CLEO}")

    list(consistency.repair())

    assert place.store.row(
        "SELECT joined_msg_id, read_msg_id, removed_msg_id FROM im_group_position"
        f" WHERE user_id = {CLEO}"
    ) == (1, 1, 1)


def test_a_missing_unique_key_is_found_with_the_rows_it_would_refuse(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    for model in (IMRelationShip, IMRecentSession):
        [constraint] = model._meta.constraints
        with monkeypatch.context() as patched, connection.schema_editor() as editor:
            patched.setattr(model._meta, "constraints", [])  # as a migration's model has it
            editor.remove_constraint(model, constraint)
    place.store.change(
        "INSERT INTO IMRelationShip (smallId, bigId, status, created, updated)"
        " VALUES (1, 2, 0, 1, 1)"
    )

    assert findings(consistency.examine())[:3] == [
        "unique keys: IMRelationShip has no unique key on (bigId, smallId)",
        "unique keys: IMRelationShip: 2 rows with (bigId, smallId) = (2, 1)",
        "unique keys: IMRecentSession has no unique key on (peerId, type, userId)",
    ]


# --- a database that is in use, or was another server's -----------------------------------------


def test_a_writer_in_the_midst_of_a_transaction_is_not_seen_and_not_waited_for(
    place: Place,
) -> None:
    writer = place.store.connect()
    cursor = writer.cursor()
    cursor.execute("UPDATE im_conversation SET last_msg_id = 4")
    began = time.monotonic()

    assert findings(consistency.examine()) == []
    assert time.monotonic() - began < LOCK_WAIT_S
    writer.rollback()
    writer.close()


def test_reads_of_a_snapshot_do_not_see_what_was_committed_since(place: Place) -> None:
    from im.services.consistency.snapshot import select, snapshot

    question = "SELECT last_msg_id FROM im_conversation"
    with snapshot():
        before = select(question)
        place.store.change("UPDATE im_conversation SET last_msg_id = 4")
        during = select(question)

    assert (before, during, select(question)) == ([(3,)], [(3,)], [(4,)])


@pytest.fixture
def adopted(backend: str, point_django_at: PointDjangoAt) -> None:
    """A database of an original server's, with the faults such a one may have."""
    manage("migrate", "im", "0004", database_url=backend)
    database = Database(backend)
    for statement in (
        "INSERT INTO IMUser (id, name, departId, created, updated) VALUES (1, 'ada', 1, 1, 1)",
        # Ids with gaps, somebody else's message, a session without messages.
        "INSERT INTO IMRelationShip (id, smallId, bigId, status, created, updated)"
        " VALUES (1, 1, 2, 0, 1, 1), (2, 1, 3, 1, 1, 1)",
        "INSERT INTO IMMessage_1 (relateId, fromId, toId, msgId, content, type, updated, created)"
        " VALUES (1, 1, 2, 3, 'a', 1, 1, 1), (1, 2, 1, 7, '404', 2, 1, 1), (1, 5, 6, 8, 'b', 1, 1,"
        " 1), (9, 1, 2, 1, 'of no relation', 1, 1, 1)",
        "INSERT INTO IMRecentSession (userId, peerId, type, status, created, updated)"
        " VALUES (1, 44, 1, 0, 1, 1), (1, 9, 2, 0, 1, 1)",
        # A wrong count, a creator and a member who are gone, ids with gaps.
        "INSERT INTO IMGroup (id, name, avatar, creator, type, userCnt, status, version,"
        " lastChated, updated, created) VALUES (9, 'old', '', 77, 2, 4, 0, 0, 30, 1, 1)",
        "INSERT INTO IMGroupMember (groupId, userId, status, created, updated)"
        " VALUES (9, 1, 0, 1, 1), (9, 78, 0, 1, 1), (10, 1, 0, 1, 1)",
        "INSERT INTO IMGroupMessage_1 (groupId, userId, msgId, content, type, status, updated,"
        " created) VALUES (9, 1, 2, '404', 18, 0, 1, 1), (9, 1, 5, 'x', 17, 0, 1, 1),"
        " (17, 1, 1, 'of no group', 17, 0, 1, 1)",
    ):
        database.change(statement)
    manage("migrate", database_url=backend)
    point_django_at(backend)


def test_faults_that_an_original_server_left_are_not_ours(adopted: None) -> None:
    assert findings(consistency.examine()) == []


def test_what_is_said_on_an_adopted_database_is_checked(adopted: None, backend: str) -> None:
    store = Store(backend)
    store.change(
        "INSERT INTO IMUser (id, name, departId, created, updated) VALUES (2, '', 1, 1, 1)"
    )
    writer = Writer()
    now = int(time.time())
    writer([text(1, 2, "new", now), say(1, 9, "new", now)])
    writer.close()

    assert findings(consistency.examine()) == []
    store.change("DELETE FROM IMMessage_1 WHERE msgId = 9")
    store.change("DELETE FROM IMGroupMessage_1 WHERE msgId = 6")
    found = findings(consistency.examine())
    assert "message ids: conversation 1: 0 messages from 9 to 9" in found
    assert "group message ids: group 9: 0 messages from 6 to 6" in found


# --- the command ------------------------------------------------------------------------------


def test_the_command_prints_a_table_and_fails_on_a_finding(place: Place) -> None:
    place.store.change("UPDATE im_conversation SET sent_small = 3")
    out = StringIO()

    with pytest.raises(SystemExit) as ended:
        call_command("audit", stdout=out)

    assert ended.value.code == 1
    lines = out.getvalue().splitlines()
    assert lines[0].split() == ["check", "rows", "findings"]
    assert "messages counted                 1           1" in lines
    assert lines[-2].startswith(f"messages counted: conversation {place.relate_id}: 2 and 1")
    assert lines[-1].startswith("1 finding in ")


def test_the_command_says_what_it_repaired_and_looks_again(place: Place) -> None:
    place.store.change("UPDATE im_conversation SET sent_small = 3")
    out = StringIO()

    call_command("audit", "--repair", stdout=out)

    lines = out.getvalue().splitlines()
    assert lines[0] == f"repaired: conversation {place.relate_id}: sent_small 3 -> 2"
    assert lines[-1].startswith("nothing is wrong in ")


def test_of_many_findings_a_few_are_shown(place: Place) -> None:
    for peer_id in range(50, 60):
        place.store.change(
            "INSERT INTO IMRecentSession (userId, peerId, type, status, created, updated)"
            f" VALUES (1, {peer_id}, 1, 0, {int(time.time())}, 1)"
        )
    report = consistency.examine()

    assert report.findings[Check.SESSIONS] == 10
    assert len(report.examples[Check.SESSIONS]) == EXAMPLES
