"""Phones' tokens for push; the original keeps them in Redis."""

from django.db import migrations, models

from im.fields import Reference


class Migration(migrations.Migration):
    dependencies = [("im", "0006_group_shield")]
    operations = [
        migrations.CreateModel(
            name="DeviceToken",
            fields=[
                (
                    "user_id",
                    models.BigIntegerField(primary_key=True, serialize=False, verbose_name="user"),
                ),
                ("user", Reference("im.imuser", "user_id", null=True, related_name="+")),
                ("token", models.CharField(max_length=255, unique=True, verbose_name="token")),
                ("client_type", models.PositiveSmallIntegerField(verbose_name="client type")),
                ("updated", models.BigIntegerField(verbose_name="updated")),
            ],
            options={
                "verbose_name": "device token",
                "verbose_name_plural": "device tokens",
                "db_table": "im_device_token",
            },
        ),
    ]
