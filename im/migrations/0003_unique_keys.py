"""Unique keys where the original has none, because two writers can always race.

Nothing is changed while any table holds rows that a key would refuse: the operator has to decide
which of them is right.
"""

from django.core.management import CommandError
from django.db import migrations, models

_KEYS = [  # model, columns, last part of the key's name
    # Not in the order of the columns of the original's indexes, so that no two are the same and
    # sessions are found by their peer too.
    ("IMRelationShip", ["big_id", "small_id"], "pair"),
    ("IMRecentSession", ["peer_id", "type", "user_id"], "session"),
    ("IMGroupMember", ["group_id", "user_id"], "member"),
    *[(f"IMMessage_{shard}", ["relate_id", "msg_id"], "message") for shard in range(8)],
    *[(f"IMGroupMessage_{shard}", ["group_id", "msg_id"], "message") for shard in range(8)],
]


def _refuse_duplicates(apps, schema_editor):
    for name, fields, _ in _KEYS:
        model = apps.get_model("im", name)
        first = (
            model.objects.using(schema_editor.connection.alias)
            .filter(**{f"{field}__isnull": False for field in fields})  # NULLs never collide
            .values_list(*fields)
            .annotate(rows=models.Count("*"))
            .filter(rows__gt=1)
            .order_by(*fields)
            .first()
        )
        if first:
            columns = ", ".join(model._meta.get_field(field).column for field in fields)
            raise CommandError(
                f"{name} has {first[-1]} rows with ({columns}) = {first[:-1]}, which must be "
                f"unique: remove or correct such rows, then run migrate again"
            )


class _AddUnique(migrations.AddConstraint):
    """AddConstraint that may be repeated: MySQL keeps what was added before a failure."""

    def database_forwards(self, app_label, schema_editor, from_state, to_state):
        table = to_state.apps.get_model(app_label, self.model_name)._meta.db_table
        connection = schema_editor.connection
        with connection.cursor() as cursor:
            existing = connection.introspection.get_constraints(cursor, table)
        if self.constraint.name not in existing:
            super().database_forwards(app_label, schema_editor, from_state, to_state)


class Migration(migrations.Migration):
    dependencies = [("im", "0002_own_tables")]
    operations = [
        migrations.RunPython(_refuse_duplicates, migrations.RunPython.noop),
        *[
            _AddUnique(
                model, models.UniqueConstraint(fields=fields, name=f"{model.lower()}_uniq_{key}")
            )
            for model, fields, key in _KEYS
        ],
    ]
