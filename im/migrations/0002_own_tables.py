"""Our own tables, and the offline-file table that the original uses but does not ship."""

from django.core.management import CommandError
from django.db import migrations, models

from im.fields import (
    TINY1,
    UINT,
    AutoColumn,
    CharColumn,
    IntColumn,
    Reference,
    TableIndex,
)


def _refuse_other_schemas(apps, schema_editor):
    """Look whether the tables that 0001 was faked for are there, before anything is changed.

    Some descriptions of the schema lack columns, or write a table's name in another case, which
    is another table unless the server says otherwise (lower_case_table_names).
    """
    connection = schema_editor.connection
    named = str.lower if connection.features.ignores_table_name_case else str
    tables = set(map(named, connection.introspection.table_names()))
    for model in apps.get_app_config("im").get_models():
        table = model._meta.db_table
        if named(table) not in tables:
            raise CommandError(f"this is not the original's schema: there is no table {table}")
        with connection.cursor() as cursor:
            description = connection.introspection.get_table_description(cursor, table)
        columns = {column.name for column in description}
        for field in model._meta.concrete_fields:
            if field.column not in columns:
                definition, params = schema_editor.column_sql(model, field)
                raise CommandError(
                    f"this is not the original's schema: {table} lacks {field.column} "
                    f"({definition % tuple(map(repr, params))}); add it, then run migrate again"
                )


class Migration(migrations.Migration):
    dependencies = [("im", "0001_initial")]
    operations = [
        migrations.RunPython(_refuse_other_schemas, migrations.RunPython.noop),
        migrations.CreateModel(
            name="IMTransmitFile",
            fields=[
                ("id", AutoColumn(mysql=UINT, primary_key=True, serialize=False)),
                ("from_id", IntColumn(db_column="fromId", mysql=UINT, verbose_name="sender")),
                ("sender", Reference("im.imuser", "from_id", null=True, related_name="+")),
                ("to_id", IntColumn(db_column="toId", mysql=UINT, verbose_name="receiver")),
                ("receiver", Reference("im.imuser", "to_id", null=True, related_name="+")),
                (
                    "file_name",
                    CharColumn(
                        db_column="fileName", default="", max_length=255, verbose_name="file name"
                    ),
                ),
                ("size", IntColumn(default=0, mysql=UINT, verbose_name="size in bytes")),
                (
                    "task_id",
                    CharColumn(
                        db_column="taskId", max_length=64, unique=True, verbose_name="task id"
                    ),
                ),
                ("status", IntColumn(default=0, mysql=TINY1, verbose_name="status")),
                ("created", IntColumn(mysql=UINT, verbose_name="created")),
                ("updated", IntColumn(mysql=UINT, verbose_name="updated")),
            ],
            options={
                "verbose_name": "offline file",
                "verbose_name_plural": "offline files",
                "db_table": "IMTransmitFile",
                "indexes": [
                    TableIndex(
                        fields=["to_id", "status", "created"],
                        name="imtransmitfile_idx_toId_status_created",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Conversation",
            fields=[
                (
                    "relate_id",
                    models.BigIntegerField(
                        primary_key=True, serialize=False, verbose_name="relation"
                    ),
                ),
                (
                    "relation",
                    Reference("im.imrelationship", "relate_id", null=True, related_name="+"),
                ),
                ("small_id", models.BigIntegerField(verbose_name="smaller user id")),
                ("big_id", models.BigIntegerField(verbose_name="larger user id")),
                (
                    "last_msg_id",
                    models.BigIntegerField(db_default=0, default=0, verbose_name="last message"),
                ),
                ("sent_small", models.BigIntegerField(db_default=0, default=0)),
                ("sent_big", models.BigIntegerField(db_default=0, default=0)),
                ("seen_small", models.BigIntegerField(db_default=0, default=0)),
                ("seen_big", models.BigIntegerField(db_default=0, default=0)),
                ("read_msg_id_small", models.BigIntegerField(db_default=0, default=0)),
                ("read_msg_id_big", models.BigIntegerField(db_default=0, default=0)),
                ("read_at_small", models.BigIntegerField(db_default=0, default=0)),
                ("read_at_big", models.BigIntegerField(db_default=0, default=0)),
                ("dense_from", models.BigIntegerField(db_default=1, default=1)),
            ],
            options={
                "verbose_name": "conversation",
                "verbose_name_plural": "conversations",
                "db_table": "im_conversation",
                "indexes": [
                    models.Index(fields=["small_id"], name="im_conversation_small"),
                    models.Index(fields=["big_id"], name="im_conversation_big"),
                ],
            },
        ),
        migrations.CreateModel(
            name="GroupCounter",
            fields=[
                (
                    "group_id",
                    models.BigIntegerField(primary_key=True, serialize=False, verbose_name="group"),
                ),
                ("group", Reference("im.imgroup", "group_id", null=True, related_name="+")),
                (
                    "last_msg_id",
                    models.BigIntegerField(db_default=0, default=0, verbose_name="last message"),
                ),
                ("dense_from", models.BigIntegerField(db_default=1, default=1)),
            ],
            options={
                "verbose_name": "group counter",
                "verbose_name_plural": "group counters",
                "db_table": "im_group_counter",
            },
        ),
        migrations.CreateModel(
            name="GroupPosition",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "user_id",
                        "group_id",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("group_id", models.BigIntegerField(verbose_name="group")),
                ("group", Reference("im.imgroup", "group_id", null=True, related_name="+")),
                ("user_id", models.BigIntegerField(verbose_name="user")),
                ("user", Reference("im.imuser", "user_id", null=True, related_name="+")),
                (
                    "read_msg_id",
                    models.BigIntegerField(db_default=0, default=0, verbose_name="read up to"),
                ),
                (
                    "joined_msg_id",
                    models.BigIntegerField(db_default=0, default=0, verbose_name="joined after"),
                ),
                (
                    "removed_msg_id",
                    models.BigIntegerField(db_default=0, default=0, verbose_name="removed at"),
                ),
                ("read_at", models.BigIntegerField(db_default=0, default=0, verbose_name="read")),
            ],
            options={
                "verbose_name": "group read position",
                "verbose_name_plural": "group read positions",
                "db_table": "im_group_position",
                "indexes": [models.Index(fields=["group_id"], name="im_group_position_group")],
            },
        ),
    ]
