"""Indexes that let a sync find what changed, and whether anything did, without reading tables."""

from django.db import migrations

import im.fields


class Migration(migrations.Migration):
    dependencies = [("im", "0003_unique_keys")]
    operations = [
        migrations.AddIndex(
            model, im.fields.TableIndex(fields=["updated"], name=f"{model}_idx_updated")
        )
        for model in ("imdepart", "imuser")
    ]
