"""What our fields, references and sharded tables promise beyond Django's."""

from collections.abc import Callable

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, models, transaction
from django.test.utils import CaptureQueriesContext

from im.models import (
    Conversation,
    GroupPosition,
    IMDepart,
    IMGroup,
    IMMessage,
    IMUser,
    group_messages,
    messages,
)

pytestmark = pytest.mark.django_db


def make_user(depart_id: int) -> IMUser:
    return IMUser.objects.create(name="ann", depart_id=depart_id, created=1, updated=1)


def make_message(relate_id: int, msg_id: int) -> IMMessage:
    return messages.for_key(relate_id).objects.create(
        relate_id=relate_id, msg_id=msg_id, from_id=1, to_id=2, created=1, updated=1
    )


# --- sharding -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "table"),
    [(0, "IMMessage_0"), (7, "IMMessage_7"), (8, "IMMessage_0"), (27, "IMMessage_3")],
)
def test_a_relation_lives_in_the_table_the_original_would_use(key: int, table: str) -> None:
    assert messages.for_key(key)._meta.db_table == table


def test_every_shard_is_a_model_of_its_own() -> None:
    tables = [model._meta.db_table for model in (*messages.all, *group_messages.all)]

    assert tables == [
        *[f"IMMessage_{number}" for number in range(8)],
        *[f"IMGroupMessage_{number}" for number in range(8)],
    ]


def test_a_message_is_found_in_its_shard_only() -> None:
    make_message(relate_id=27, msg_id=1)

    assert [shard.objects.count() for shard in messages.all] == [0, 0, 0, 1, 0, 0, 0, 0]


def test_a_message_id_is_given_once_per_relation() -> None:
    make_message(relate_id=27, msg_id=1)
    make_message(relate_id=35, msg_id=1)  # of the same shard

    with pytest.raises(IntegrityError), transaction.atomic():
        make_message(relate_id=27, msg_id=1)


# --- references -----------------------------------------------------------------------------


def test_a_reference_joins_what_it_points_to() -> None:
    depart = IMDepart.objects.create(depart_name="sales", parent_id=0, created=1, updated=1)
    make_user(depart.id)

    assert IMUser.objects.get(depart__depart_name="sales").depart == depart
    assert depart.users.get().name == "ann"


@pytest.mark.parametrize("depart_id", [0, 4711])
@pytest.mark.parametrize(
    "read",
    [
        IMUser.objects.all,
        lambda: IMUser.objects.select_related("depart"),
        lambda: IMUser.objects.prefetch_related("depart"),
    ],
    ids=["plain", "select_related", "prefetch_related"],
)
def test_a_reference_to_nothing_reads_as_none_and_hides_no_row(
    read: Callable[[], models.QuerySet[IMUser]], depart_id: int
) -> None:
    make_user(depart_id)

    user = read().get()

    assert user.depart is None
    assert user.depart_id == depart_id


def test_deleting_a_row_leaves_those_that_refer_to_it() -> None:
    depart = IMDepart.objects.create(depart_name="sales", parent_id=0, created=1, updated=1)
    make_user(depart.id)

    depart.delete()

    assert IMUser.objects.count() == 1


# --- columns --------------------------------------------------------------------------------


def test_a_default_is_the_database_s_too() -> None:
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO IMGroup (id) VALUES (1)")

    group = IMGroup.objects.get()

    assert (group.name, group.type, group.status, group.version) == ("", 1, 1, 1)


@pytest.mark.parametrize(
    ("field", "value"),
    [("sex", 256), ("status", -1), ("depart_id", 2**32), ("salt", "12345")],
)
def test_validation_knows_what_mysql_would_refuse(field: str, value: object) -> None:
    user = IMUser(name="ann", depart_id=1, created=1, updated=1)
    setattr(user, field, value)

    with pytest.raises(ValidationError) as refusal:
        user.clean_fields()

    assert field in refusal.value.message_dict


def test_the_largest_unsigned_number_is_stored() -> None:
    make_user(depart_id=2**32 - 1)

    assert IMUser.objects.filter(depart_id=2**32 - 1).exists()


# --- our own tables -------------------------------------------------------------------------


def test_a_new_conversation_counts_from_one_without_gaps() -> None:
    Conversation.objects.create(relate_id=1, small_id=2, big_id=3)

    conversation = Conversation.objects.get()

    assert (conversation.last_msg_id, conversation.dense_from) == (0, 1)


def test_a_read_position_is_written_by_member_and_group_in_one_statement() -> None:
    def write(read_msg_id: int) -> None:
        GroupPosition.objects.bulk_create(
            [GroupPosition(group_id=5, user_id=7, read_msg_id=read_msg_id)],
            update_conflicts=True,
            unique_fields=["user_id", "group_id"],
            update_fields=["read_msg_id"],
        )

    write(1)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        write(2)

    assert GroupPosition.objects.get(pk=(7, 5)).read_msg_id == 2
    assert len([query for query in queries if "im_group_position" in query["sql"]]) == 1
