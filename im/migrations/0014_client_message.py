"""What clients call the messages they send, so that a repetition is stored once."""

from django.db import migrations, models

from im.fields import CharColumn, Reference


class Migration(migrations.Migration):
    dependencies = [("im", "0010_statistics_and_announcements")]
    operations = [
        migrations.CreateModel(
            name="ClientMessage",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "sender_id",
                        "client_id",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("sender_id", models.BigIntegerField(verbose_name="sender")),
                ("sender", Reference("im.imuser", "sender_id", null=True, related_name="+")),
                ("client_id", CharColumn(max_length=64, verbose_name="client's id")),
                ("digest", CharColumn(max_length=32, verbose_name="digest")),
                ("msg_id", models.BigIntegerField(verbose_name="message")),
                ("stored_at", models.BigIntegerField(verbose_name="stored")),
            ],
            options={
                "verbose_name": "message known to a client",
                "verbose_name_plural": "messages known to clients",
                "db_table": "im_client_message",
            },
        ),
    ]
