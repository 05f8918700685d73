"""A member may have no push from a group; and where members of adopted groups stand.

The original knew when a member joined, by the second; here it is the group's last id before that.
What an adopted group says is read, and stays on the list of those who have it there.
"""

from django.db import migrations, models

SHARDS = 8
GROUP_SESSION, SHOWN = 2, 0


def _place_members(apps, schema_editor):
    alias = schema_editor.connection.alias
    member = apps.get_model("im", "IMGroupMember").objects.using(alias)
    position = apps.get_model("im", "GroupPosition")
    session = apps.get_model("im", "IMRecentSession").objects.using(alias)
    last_ids = dict(
        apps.get_model("im", "GroupCounter")
        .objects.using(alias)
        .values_list("group_id", "last_msg_id")
    )
    for group_id, last_id in last_ids.items():
        said = apps.get_model("im", f"IMGroupMessage_{group_id % SHARDS}").objects.using(alias)
        listed = set(
            session.filter(peer_id=group_id, type=GROUP_SESSION, status=SHOWN).values_list(
                "user_id", flat=True
            )
        )
        rows = list(
            member.filter(group_id=group_id, status=SHOWN).values_list("user_id", "updated")
        )
        before = {
            joined: said.filter(group_id=group_id, created__lt=joined).aggregate(
                last=models.Max("msg_id")
            )["last"]
            or 0
            for joined in {updated for _, updated in rows}
        }
        position.objects.using(alias).bulk_create(
            [
                position(
                    user_id=user_id,
                    group_id=group_id,
                    read_msg_id=last_id,
                    joined_msg_id=before[joined],
                    removed_msg_id=0 if user_id in listed else last_id,
                )
                for user_id, joined in rows
            ],
            ignore_conflicts=True,
        )


class Migration(migrations.Migration):
    dependencies = [("im", "0005_adopt_conversations")]
    operations = [
        migrations.AddField(
            "groupposition",
            "is_shielded",
            models.BooleanField(db_default=False, default=False, verbose_name="no push"),
        ),
        migrations.RunPython(_place_members, migrations.RunPython.noop),
    ]
