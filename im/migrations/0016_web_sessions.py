"""Browsers' sessions as rows that end, and the login tokens that were used."""

from django.db import migrations, models

from im.fields import CharColumn, Reference


class Migration(migrations.Migration):
    dependencies = [("im", "0015_upload_count")]
    operations = [
        migrations.CreateModel(
            name="WebSession",
            fields=[
                (
                    "key",
                    CharColumn(
                        max_length=64, primary_key=True, serialize=False, verbose_name="key"
                    ),
                ),
                ("user_id", models.BigIntegerField(verbose_name="user")),
                ("user", Reference("im.imuser", "user_id", null=True, related_name="+")),
                (
                    "password_mark",
                    CharColumn(max_length=32, verbose_name="mark of the password"),
                ),
                ("created", models.BigIntegerField(verbose_name="created")),
                ("expires", models.BigIntegerField(verbose_name="expires")),
                ("ended", models.BigIntegerField(default=0, verbose_name="ended")),
            ],
            options={
                "verbose_name": "browser's session",
                "verbose_name_plural": "browsers' sessions",
                "db_table": "im_web_session",
                "indexes": [
                    models.Index(fields=["user_id"], name="im_web_session_user"),
                    models.Index(fields=["expires"], name="im_web_session_expires"),
                    models.Index(fields=["ended"], name="im_web_session_ended"),
                ],
            },
        ),
        migrations.CreateModel(
            name="UsedToken",
            fields=[
                (
                    "number",
                    CharColumn(
                        max_length=32, primary_key=True, serialize=False, verbose_name="number"
                    ),
                ),
                ("claim", CharColumn(max_length=32, verbose_name="claim")),
                ("expires", models.BigIntegerField(verbose_name="expires")),
            ],
            options={
                "verbose_name": "used token",
                "verbose_name_plural": "used tokens",
                "db_table": "im_used_token",
                "indexes": [models.Index(fields=["expires"], name="im_used_token_expires")],
            },
        ),
    ]
