"""Begin the conversations of an adopted database where its messages end.

The original kept the last message id of each pair in Redis; here it is a row.  An adopted
conversation goes on behind its highest stored id and is dense from there; nothing is unread.
"""

from django.db import migrations, models

SHARDS = 8
ROWS_PER_STEP = 2_000


def _begin_conversations(apps, schema_editor):
    alias = schema_editor.connection.alias
    conversation = apps.get_model("im", "Conversation")
    relations = apps.get_model("im", "IMRelationShip").objects.using(alias).order_by("id")
    begun = 0
    while step := list(
        relations.filter(id__gt=begun).values_list("id", "small_id", "big_id")[:ROWS_PER_STEP]
    ):
        last = _last_ids(apps, alias, "IMMessage", "relate_id", [row[0] for row in step])
        conversation.objects.using(alias).bulk_create(
            [
                conversation(
                    relate_id=relate_id,
                    small_id=small_id,
                    big_id=big_id,
                    last_msg_id=last.get(relate_id, 0),
                    dense_from=last.get(relate_id, 0) + 1,
                )
                for relate_id, small_id, big_id in step
            ],
            ignore_conflicts=True,
        )
        begun = step[-1][0]


def _begin_groups(apps, schema_editor):
    alias = schema_editor.connection.alias
    counter = apps.get_model("im", "GroupCounter")
    group_ids = list(
        apps.get_model("im", "IMGroup").objects.using(alias).values_list("id", flat=True)
    )
    for start in range(0, len(group_ids), ROWS_PER_STEP):
        step = group_ids[start : start + ROWS_PER_STEP]
        last = _last_ids(apps, alias, "IMGroupMessage", "group_id", step)
        counter.objects.using(alias).bulk_create(
            [
                counter(
                    group_id=group_id,
                    last_msg_id=last.get(group_id, 0),
                    dense_from=last.get(group_id, 0) + 1,
                )
                for group_id in step
            ],
            ignore_conflicts=True,
        )


def _last_ids(apps, alias, table, key, owners):
    """Return the highest msg_id by owner (relation or group)."""
    last = {}
    for shard in range(SHARDS):
        mine = [owner for owner in owners if owner % SHARDS == shard]
        rows = apps.get_model("im", f"{table}_{shard}").objects.using(alias)
        last |= dict(
            rows.filter(**{f"{key}__in": mine})
            .values_list(key)
            .annotate(models.Max("msg_id"))
            .order_by()
        )
    return last


class Migration(migrations.Migration):
    dependencies = [("im", "0004_sync_indexes")]
    operations = [
        migrations.RunPython(_begin_conversations, migrations.RunPython.noop),
        migrations.RunPython(_begin_groups, migrations.RunPython.noop),
    ]
