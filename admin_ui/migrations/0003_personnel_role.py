"""A role that looks after people without setting passwords."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("admin_ui", "0002_roles_and_audit")]
    operations = [
        migrations.AlterField(
            model_name="operator",
            name="role",
            field=models.CharField(
                blank=True,
                choices=[
                    ("owner", "owner"),
                    ("operator", "operator"),
                    ("auditor", "auditor"),
                    ("personnel", "personnel"),
                    ("manager", "department manager"),
                    ("", "none"),
                ],
                default="",
                max_length=16,
                verbose_name="role",
            ),
        ),
    ]
