"""Transfers of files that were offered; the original's file server keeps them in its memory."""

from django.db import migrations, models

from im.fields import Reference


class Migration(migrations.Migration):
    dependencies = [("im", "0007_device_token")]
    operations = [
        migrations.CreateModel(
            name="FileTask",
            fields=[
                (
                    "task_id",
                    models.CharField(
                        max_length=36, primary_key=True, serialize=False, verbose_name="task id"
                    ),
                ),
                ("from_id", models.BigIntegerField(verbose_name="sender")),
                ("sender", Reference("im.imuser", "from_id", null=True, related_name="+")),
                ("to_id", models.BigIntegerField(verbose_name="receiver")),
                ("receiver", Reference("im.imuser", "to_id", null=True, related_name="+")),
                ("file_name", models.CharField(max_length=255, verbose_name="file name")),
                ("size", models.BigIntegerField(verbose_name="size in bytes")),
                ("mode", models.PositiveSmallIntegerField(verbose_name="mode")),
                ("created", models.BigIntegerField(verbose_name="created")),
            ],
            options={
                "verbose_name": "file transfer",
                "verbose_name_plural": "file transfers",
                "db_table": "im_file_task",
                "indexes": [
                    models.Index(fields=["from_id", "created"], name="im_file_task_sender"),
                    models.Index(fields=["created"], name="im_file_task_created"),
                ],
            },
        ),
    ]
