"""Groups, who is in them, and what is said there."""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from im.fields import SIGNED, TINY3, TINY4, AutoColumn, CharColumn, IntColumn, Reference, TableIndex
from im.models.people import IMUser
from im.sharding import ShardedTable


class IMGroup(models.Model):
    """A group: fixed (type 1) or temporary (2)."""

    id = AutoColumn(mysql=SIGNED)
    name = CharColumn(_("name"), max_length=256, default="")
    avatar = CharColumn(_("avatar"), max_length=256, default="", blank=True)
    creator = IntColumn(_("creator"), default=0)
    creator_user = Reference(IMUser, "creator", null=True, related_name="+")
    type = IntColumn(_("type"), mysql=TINY3, default=1)
    user_cnt = IntColumn(_("members"), db_column="userCnt", default=0)
    status = IntColumn(_("status"), mysql=TINY3, default=1)
    version = IntColumn(_("version"), default=1)
    last_chated = IntColumn(_("last chat"), db_column="lastChated", default=0)
    updated = IntColumn(_("updated"), default=0)
    created = IntColumn(_("created"), default=0)

    class Meta:
        db_table = "IMGroup"
        verbose_name = _("group")
        verbose_name_plural = _("groups")
        indexes: ClassVar = [
            TableIndex(fields=["name"], name="%(class)s_idx_name", mysql_length=191),
            TableIndex(fields=["creator"], name="%(class)s_idx_creator"),
        ]

    def __str__(self) -> str:
        return self.name


class IMGroupMember(models.Model):
    """Somebody who is (status 0) or was in a group."""

    id = AutoColumn(mysql=SIGNED)
    group_id = IntColumn(_("group"), db_column="groupId")
    group = Reference(IMGroup, "group_id", null=True, related_name="members")
    user_id = IntColumn(_("user"), db_column="userId")
    user = Reference(IMUser, "user_id", null=True, related_name="memberships")
    status = IntColumn(_("status"), mysql=TINY4, default=1)
    created = IntColumn(_("created"), default=0)
    updated = IntColumn(_("updated"), default=0)

    class Meta:
        db_table = "IMGroupMember"
        verbose_name = _("group member")
        verbose_name_plural = _("group members")
        indexes: ClassVar = [
            TableIndex(
                fields=["group_id", "user_id", "status"],
                name="%(class)s_idx_groupId_userId_status",
            ),
            TableIndex(
                fields=["user_id", "status", "updated"], name="%(class)s_idx_userId_status_updated"
            ),
            TableIndex(fields=["group_id", "updated"], name="%(class)s_idx_groupId_updated"),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["group_id", "user_id"], name="%(class)s_uniq_member")
        ]

    def __str__(self) -> str:
        return f"{self.group_id}: {self.user_id}"


class IMGroupMessage(models.Model):
    """A message in a group; `msg_id` counts from 1 in the group."""

    id = AutoColumn(mysql=SIGNED)
    group_id = IntColumn(_("group"), db_column="groupId")
    group = Reference(IMGroup, "group_id", null=True, related_name="+")
    user_id = IntColumn(_("sender"), db_column="userId")
    user = Reference(IMUser, "user_id", null=True, related_name="+")
    msg_id = IntColumn(_("message id"), db_column="msgId")
    content = CharColumn(_("content"), max_length=4096, default="")
    type = IntColumn(_("type"), mysql=TINY3, default=2)
    status = IntColumn(_("status"), default=0)
    updated = IntColumn(_("updated"), default=0)
    created = IntColumn(_("created"), default=0)

    objects = models.Manager["IMGroupMessage"]()

    class Meta:
        abstract = True
        verbose_name = _("group messages, shard")
        verbose_name_plural = _("group messages, shard")
        indexes: ClassVar = [
            TableIndex(
                fields=["group_id", "status", "created"],
                name="%(class)s_idx_groupId_status_created",
            ),
            TableIndex(
                fields=["group_id", "msg_id", "status", "created"],
                name="%(class)s_idx_groupId_msgId_status_created",
            ),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["group_id", "msg_id"], name="%(class)s_uniq_message")
        ]

    def __str__(self) -> str:
        return f"{self.group_id}/{self.msg_id}"


group_messages = ShardedTable(IMGroupMessage)  # type: ignore[type-abstract]  # shards are not
