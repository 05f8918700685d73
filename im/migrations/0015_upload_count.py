"""What people upload, counted by the day."""

from django.db import migrations, models

from im.fields import CharColumn


class Migration(migrations.Migration):
    dependencies = [("im", "0014_client_message")]
    operations = [
        migrations.CreateModel(
            name="UploadCount",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "day",
                        "who",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("day", models.BigIntegerField(verbose_name="day")),
                ("who", CharColumn(max_length=64, verbose_name="who")),
                ("bytes", models.BigIntegerField(default=0, verbose_name="bytes")),
            ],
            options={
                "verbose_name": "uploads of a day",
                "verbose_name_plural": "uploads of days",
                "db_table": "im_upload_count",
            },
        ),
    ]
