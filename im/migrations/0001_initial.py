"""The original's tables and indexes and nothing else; faked where they exist."""

from django.db import migrations

from im.fields import (
    SIGNED,
    TINY1,
    TINY2,
    TINY3,
    TINY4,
    UINT,
    AutoColumn,
    CharColumn,
    IntColumn,
    Reference,
    TableIndex,
    is_mysql,
)

_CHARSETS = dict.fromkeys(
    ["IMAdmin", "IMGroupMember", "IMRecentSession", "IMRelationShip"], ("utf8", "utf8_general_ci")
)


def _messages(shard: int) -> migrations.CreateModel:
    return migrations.CreateModel(
        name=f"IMMessage_{shard}",
        fields=[
            ("id", AutoColumn(mysql=SIGNED, primary_key=True, serialize=False)),
            ("relate_id", IntColumn(db_column="relateId", mysql=UINT, verbose_name="relation")),
            ("relation", Reference("im.imrelationship", "relate_id", null=True, related_name="+")),
            ("from_id", IntColumn(db_column="fromId", mysql=UINT, verbose_name="sender")),
            ("sender", Reference("im.imuser", "from_id", null=True, related_name="+")),
            ("to_id", IntColumn(db_column="toId", mysql=UINT, verbose_name="receiver")),
            ("receiver", Reference("im.imuser", "to_id", null=True, related_name="+")),
            ("msg_id", IntColumn(db_column="msgId", mysql=UINT, verbose_name="message id")),
            ("content", CharColumn(default="", max_length=4096, null=True, verbose_name="content")),
            ("type", IntColumn(default=1, mysql=TINY2, verbose_name="type")),
            ("status", IntColumn(default=0, mysql=TINY1, verbose_name="status")),
            ("updated", IntColumn(mysql=UINT, verbose_name="updated")),
            ("created", IntColumn(mysql=UINT, verbose_name="created")),
        ],
        options={
            "verbose_name": f"messages, shard {shard}",
            "verbose_name_plural": f"messages, shard {shard}",
            "db_table": f"IMMessage_{shard}",
            "indexes": [
                TableIndex(
                    fields=["relate_id", "status", "created"],
                    name=f"immessage_{shard}_idx_relateId_status_created",
                ),
                TableIndex(
                    fields=["relate_id", "status", "msg_id", "created"],
                    name=f"immessage_{shard}_idx_relateId_status_msgId_created",
                ),
                TableIndex(
                    fields=["from_id", "to_id", "status"],
                    name=f"immessage_{shard}_idx_fromId_toId_created",
                ),
            ],
        },
    )


def _group_messages(shard: int) -> migrations.CreateModel:
    return migrations.CreateModel(
        name=f"IMGroupMessage_{shard}",
        fields=[
            ("id", AutoColumn(mysql=SIGNED, primary_key=True, serialize=False)),
            ("group_id", IntColumn(db_column="groupId", mysql=UINT, verbose_name="group")),
            ("group", Reference("im.imgroup", "group_id", null=True, related_name="+")),
            ("user_id", IntColumn(db_column="userId", mysql=UINT, verbose_name="sender")),
            ("user", Reference("im.imuser", "user_id", null=True, related_name="+")),
            ("msg_id", IntColumn(db_column="msgId", mysql=UINT, verbose_name="message id")),
            ("content", CharColumn(default="", max_length=4096, verbose_name="content")),
            ("type", IntColumn(default=2, mysql=TINY3, verbose_name="type")),
            ("status", IntColumn(default=0, mysql=UINT, verbose_name="status")),
            ("updated", IntColumn(default=0, mysql=UINT, verbose_name="updated")),
            ("created", IntColumn(default=0, mysql=UINT, verbose_name="created")),
        ],
        options={
            "verbose_name": f"group messages, shard {shard}",
            "verbose_name_plural": f"group messages, shard {shard}",
            "db_table": f"IMGroupMessage_{shard}",
            "indexes": [
                TableIndex(
                    fields=["group_id", "status", "created"],
                    name=f"imgroupmessage_{shard}_idx_groupId_status_created",
                ),
                TableIndex(
                    fields=["group_id", "msg_id", "status", "created"],
                    name=f"imgroupmessage_{shard}_idx_groupId_msgId_status_created",
                ),
            ],
        },
    )


def _set_charsets(apps, schema_editor):
    """Give the tables the original's default charsets on MySQL; the columns have theirs already."""
    if not is_mysql(schema_editor.connection):
        return
    for model in apps.get_app_config("im").get_models():
        table = model._meta.db_table
        charset, collation = _CHARSETS.get(table, ("utf8mb4", "utf8mb4_bin"))
        schema_editor.execute(
            f"ALTER TABLE {schema_editor.quote_name(table)} "
            f"DEFAULT CHARACTER SET {charset} COLLATE {collation}"
        )


class Migration(migrations.Migration):
    initial = True
    dependencies = []
    operations = [
        migrations.CreateModel(
            name="IMAdmin",
            fields=[
                (
                    "id",
                    AutoColumn(mysql="mediumint(6) unsigned", primary_key=True, serialize=False),
                ),
                (
                    "uname",
                    CharColumn(
                        max_length=40, mysql_collation="utf8_general_ci", verbose_name="name"
                    ),
                ),
                (
                    "pwd",
                    CharColumn(
                        fixed=True,
                        max_length=32,
                        mysql_collation="utf8_general_ci",
                        verbose_name="password hash",
                    ),
                ),
                ("status", IntColumn(default=0, mysql=TINY2, verbose_name="status")),
                ("created", IntColumn(default=0, mysql=UINT, verbose_name="created")),
                ("updated", IntColumn(default=0, mysql=UINT, verbose_name="updated")),
            ],
            options={
                "verbose_name": "operator of the old console",
                "verbose_name_plural": "operators of the old console",
                "db_table": "IMAdmin",
            },
        ),
        migrations.CreateModel(
            name="IMDepart",
            fields=[
                ("id", AutoColumn(mysql=UINT, primary_key=True, serialize=False)),
                (
                    "depart_name",
                    CharColumn(
                        db_column="departName", default="", max_length=64, verbose_name="name"
                    ),
                ),
                ("priority", IntColumn(default=0, mysql=UINT, verbose_name="priority")),
                (
                    "parent_id",
                    IntColumn(db_column="parentId", mysql=UINT, verbose_name="parent department"),
                ),
                (
                    "parent",
                    Reference("im.imdepart", "parent_id", null=True, related_name="children"),
                ),
                ("status", IntColumn(default=0, mysql=UINT, verbose_name="status")),
                ("created", IntColumn(mysql=UINT, verbose_name="created")),
                ("updated", IntColumn(mysql=UINT, verbose_name="updated")),
            ],
            options={
                "verbose_name": "department",
                "verbose_name_plural": "departments",
                "db_table": "IMDepart",
                "indexes": [
                    TableIndex(fields=["depart_name"], name="imdepart_idx_departName"),
                    TableIndex(fields=["priority", "status"], name="imdepart_idx_priority_status"),
                ],
            },
        ),
        migrations.CreateModel(
            name="IMUser",
            fields=[
                ("id", AutoColumn(mysql=UINT, primary_key=True, serialize=False)),
                ("sex", IntColumn(default=0, mysql=TINY1, verbose_name="sex")),
                ("name", CharColumn(default="", max_length=32, verbose_name="name")),
                (
                    "domain",
                    CharColumn(blank=True, default="", max_length=32, verbose_name="phonetic name"),
                ),
                (
                    "nick",
                    CharColumn(blank=True, default="", max_length=32, verbose_name="nickname"),
                ),
                ("password", CharColumn(default="", max_length=32, verbose_name="password hash")),
                ("salt", CharColumn(blank=True, default="", max_length=4, verbose_name="salt")),
                ("phone", CharColumn(blank=True, default="", max_length=11, verbose_name="phone")),
                ("email", CharColumn(blank=True, default="", max_length=64, verbose_name="email")),
                (
                    "avatar",
                    CharColumn(
                        blank=True, default="", max_length=255, null=True, verbose_name="avatar"
                    ),
                ),
                (
                    "depart_id",
                    IntColumn(db_column="departId", mysql=UINT, verbose_name="department"),
                ),
                ("depart", Reference("im.imdepart", "depart_id", null=True, related_name="users")),
                ("status", IntColumn(default=0, mysql=TINY2, null=True, verbose_name="status")),
                ("created", IntColumn(mysql=UINT, verbose_name="created")),
                ("updated", IntColumn(mysql=UINT, verbose_name="updated")),
                (
                    "push_shield_status",
                    IntColumn(default=0, mysql=TINY1, verbose_name="push shield"),
                ),
                (
                    "sign_info",
                    CharColumn(blank=True, default="", max_length=128, verbose_name="signature"),
                ),
            ],
            options={
                "verbose_name": "user",
                "verbose_name_plural": "users",
                "db_table": "IMUser",
                "indexes": [
                    TableIndex(fields=["domain"], name="imuser_idx_domain"),
                    TableIndex(fields=["name"], name="imuser_idx_name"),
                    TableIndex(fields=["phone"], name="imuser_idx_phone"),
                ],
            },
        ),
        migrations.CreateModel(
            name="IMDiscovery",
            fields=[
                ("id", AutoColumn(mysql=UINT, primary_key=True, serialize=False)),
                (
                    "item_name",
                    CharColumn(
                        db_column="itemName", default="", max_length=64, verbose_name="name"
                    ),
                ),
                (
                    "item_url",
                    CharColumn(db_column="itemUrl", default="", max_length=64, verbose_name="URL"),
                ),
                (
                    "item_priority",
                    IntColumn(db_column="itemPriority", mysql=UINT, verbose_name="priority"),
                ),
                ("status", IntColumn(default=0, mysql=UINT, verbose_name="status")),
                ("created", IntColumn(mysql=UINT, verbose_name="created")),
                ("updated", IntColumn(mysql=UINT, verbose_name="updated")),
            ],
            options={
                "verbose_name": "discovery link",
                "verbose_name_plural": "discovery links",
                "db_table": "IMDiscovery",
                "indexes": [TableIndex(fields=["item_name"], name="imdiscovery_idx_itemName")],
            },
        ),
        migrations.CreateModel(
            name="IMRelationShip",
            fields=[
                ("id", AutoColumn(mysql=SIGNED, primary_key=True, serialize=False)),
                (
                    "small_id",
                    IntColumn(db_column="smallId", mysql=UINT, verbose_name="smaller user id"),
                ),
                ("small", Reference("im.imuser", "small_id", null=True, related_name="+")),
                ("big_id", IntColumn(db_column="bigId", mysql=UINT, verbose_name="larger user id")),
                ("big", Reference("im.imuser", "big_id", null=True, related_name="+")),
                ("status", IntColumn(default=0, mysql=TINY1, null=True, verbose_name="status")),
                ("created", IntColumn(default=0, mysql=UINT, verbose_name="created")),
                ("updated", IntColumn(default=0, mysql=UINT, verbose_name="updated")),
            ],
            options={
                "verbose_name": "relation",
                "verbose_name_plural": "relations",
                "db_table": "IMRelationShip",
                "indexes": [
                    TableIndex(
                        fields=["small_id", "big_id", "status", "updated"],
                        name="imrelationship_idx_smallId_bigId_status_updated",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="IMGroup",
            fields=[
                ("id", AutoColumn(mysql=SIGNED, primary_key=True, serialize=False)),
                ("name", CharColumn(default="", max_length=256, verbose_name="name")),
                (
                    "avatar",
                    CharColumn(blank=True, default="", max_length=256, verbose_name="avatar"),
                ),
                ("creator", IntColumn(default=0, mysql=UINT, verbose_name="creator")),
                ("creator_user", Reference("im.imuser", "creator", null=True, related_name="+")),
                ("type", IntColumn(default=1, mysql=TINY3, verbose_name="type")),
                (
                    "user_cnt",
                    IntColumn(db_column="userCnt", default=0, mysql=UINT, verbose_name="members"),
                ),
                ("status", IntColumn(default=1, mysql=TINY3, verbose_name="status")),
                ("version", IntColumn(default=1, mysql=UINT, verbose_name="version")),
                (
                    "last_chated",
                    IntColumn(
                        db_column="lastChated", default=0, mysql=UINT, verbose_name="last chat"
                    ),
                ),
                ("updated", IntColumn(default=0, mysql=UINT, verbose_name="updated")),
                ("created", IntColumn(default=0, mysql=UINT, verbose_name="created")),
            ],
            options={
                "verbose_name": "group",
                "verbose_name_plural": "groups",
                "db_table": "IMGroup",
                "indexes": [
                    TableIndex(fields=["name"], mysql_length=191, name="imgroup_idx_name"),
                    TableIndex(fields=["creator"], name="imgroup_idx_creator"),
                ],
            },
        ),
        migrations.CreateModel(
            name="IMRecentSession",
            fields=[
                ("id", AutoColumn(mysql=SIGNED, primary_key=True, serialize=False)),
                ("user_id", IntColumn(db_column="userId", mysql=UINT, verbose_name="user")),
                (
                    "user",
                    Reference("im.imuser", "user_id", null=True, related_name="recent_sessions"),
                ),
                ("peer_id", IntColumn(db_column="peerId", mysql=UINT, verbose_name="peer")),
                ("peer_user", Reference("im.imuser", "peer_id", null=True, related_name="+")),
                ("peer_group", Reference("im.imgroup", "peer_id", null=True, related_name="+")),
                ("type", IntColumn(default=0, mysql=TINY1, null=True, verbose_name="type")),
                ("status", IntColumn(default=0, mysql=TINY1, null=True, verbose_name="status")),
                ("created", IntColumn(default=0, mysql=UINT, verbose_name="created")),
                ("updated", IntColumn(default=0, mysql=UINT, verbose_name="updated")),
            ],
            options={
                "verbose_name": "recent session",
                "verbose_name_plural": "recent sessions",
                "db_table": "IMRecentSession",
                "indexes": [
                    TableIndex(
                        fields=["user_id", "peer_id", "status", "updated"],
                        name="imrecentsession_idx_userId_peerId_status_updated",
                    ),
                    TableIndex(
                        fields=["user_id", "peer_id", "type"],
                        name="imrecentsession_idx_userId_peerId_type",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="IMGroupMember",
            fields=[
                ("id", AutoColumn(mysql=SIGNED, primary_key=True, serialize=False)),
                ("group_id", IntColumn(db_column="groupId", mysql=UINT, verbose_name="group")),
                ("group", Reference("im.imgroup", "group_id", null=True, related_name="members")),
                ("user_id", IntColumn(db_column="userId", mysql=UINT, verbose_name="user")),
                ("user", Reference("im.imuser", "user_id", null=True, related_name="memberships")),
                ("status", IntColumn(default=1, mysql=TINY4, verbose_name="status")),
                ("created", IntColumn(default=0, mysql=UINT, verbose_name="created")),
                ("updated", IntColumn(default=0, mysql=UINT, verbose_name="updated")),
            ],
            options={
                "verbose_name": "group member",
                "verbose_name_plural": "group members",
                "db_table": "IMGroupMember",
                "indexes": [
                    TableIndex(
                        fields=["group_id", "user_id", "status"],
                        name="imgroupmember_idx_groupId_userId_status",
                    ),
                    TableIndex(
                        fields=["user_id", "status", "updated"],
                        name="imgroupmember_idx_userId_status_updated",
                    ),
                    TableIndex(
                        fields=["group_id", "updated"], name="imgroupmember_idx_groupId_updated"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="IMAudio",
            fields=[
                ("id", AutoColumn(mysql=SIGNED, primary_key=True, serialize=False)),
                ("from_id", IntColumn(db_column="fromId", mysql=UINT, verbose_name="sender")),
                ("sender", Reference("im.imuser", "from_id", null=True, related_name="+")),
                ("to_id", IntColumn(db_column="toId", mysql=UINT, verbose_name="receiver")),
                ("path", CharColumn(default="", max_length=255, null=True, verbose_name="address")),
                ("size", IntColumn(default=0, mysql=UINT, verbose_name="size in bytes")),
                ("duration", IntColumn(default=0, mysql=UINT, verbose_name="seconds")),
                ("created", IntColumn(mysql=UINT, verbose_name="created")),
            ],
            options={
                "verbose_name": "voice message",
                "verbose_name_plural": "voice messages",
                "db_table": "IMAudio",
                "indexes": [
                    TableIndex(fields=["from_id", "to_id"], name="imaudio_idx_fromId_toId")
                ],
            },
        ),
        *[_messages(shard) for shard in range(8)],
        *[_group_messages(shard) for shard in range(8)],
        migrations.RunPython(_set_charsets, migrations.RunPython.noop, atomic=False),
    ]
