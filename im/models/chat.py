"""What two people say to each other, and the list of conversations each user sees."""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from im.fields import SIGNED, TINY1, TINY2, AutoColumn, CharColumn, IntColumn, Reference, TableIndex
from im.models.people import IMUser
from im.sharding import ShardedTable


class IMRelationShip(models.Model):
    """A pair of users who ever chatted; its id is the key of their messages."""

    id = AutoColumn(mysql=SIGNED)
    small_id = IntColumn(_("smaller user id"), db_column="smallId")
    small = Reference(IMUser, "small_id", null=True, related_name="+")
    big_id = IntColumn(_("larger user id"), db_column="bigId")
    big = Reference(IMUser, "big_id", null=True, related_name="+")
    status = IntColumn(_("status"), mysql=TINY1, default=0, null=True)
    created = IntColumn(_("created"), default=0)
    updated = IntColumn(_("updated"), default=0)

    class Meta:
        db_table = "IMRelationShip"
        verbose_name = _("relation")
        verbose_name_plural = _("relations")
        indexes: ClassVar = [
            TableIndex(
                fields=["small_id", "big_id", "status", "updated"],
                name="%(class)s_idx_smallId_bigId_status_updated",
            )
        ]
        constraints: ClassVar = [
            # Larger id first: the original's index already begins with the smaller one.
            models.UniqueConstraint(fields=["big_id", "small_id"], name="%(class)s_uniq_pair")
        ]

    def __str__(self) -> str:
        return f"{self.small_id}–{self.big_id}"


class IMRecentSession(models.Model):
    """A conversation in one user's list: with a user (type 1) or in a group (type 2)."""

    id = AutoColumn(mysql=SIGNED)
    user_id = IntColumn(_("user"), db_column="userId")
    user = Reference(IMUser, "user_id", null=True, related_name="recent_sessions")
    peer_id = IntColumn(_("peer"), db_column="peerId")
    peer_user = Reference(IMUser, "peer_id", null=True, related_name="+")  # if type is 1
    peer_group = Reference("im.IMGroup", "peer_id", null=True, related_name="+")  # if type is 2
    type = IntColumn(_("type"), mysql=TINY1, default=0, null=True)
    status = IntColumn(_("status"), mysql=TINY1, default=0, null=True)
    created = IntColumn(_("created"), default=0)
    updated = IntColumn(_("updated"), default=0)

    class Meta:
        db_table = "IMRecentSession"
        verbose_name = _("recent session")
        verbose_name_plural = _("recent sessions")
        indexes: ClassVar = [
            TableIndex(
                fields=["user_id", "peer_id", "status", "updated"],
                name="%(class)s_idx_userId_peerId_status_updated",
            ),
            TableIndex(
                fields=["user_id", "peer_id", "type"], name="%(class)s_idx_userId_peerId_type"
            ),
        ]
        constraints: ClassVar = [
            # Peer first: finds all sessions of a group, which no index of the original does.
            models.UniqueConstraint(
                fields=["peer_id", "type", "user_id"], name="%(class)s_uniq_session"
            )
        ]

    def __str__(self) -> str:
        return f"{self.user_id}: {self.type}/{self.peer_id}"


class IMMessage(models.Model):
    """A message between two users; `msg_id` counts from 1 in its relation."""

    id = AutoColumn(mysql=SIGNED)
    relate_id = IntColumn(_("relation"), db_column="relateId")
    relation = Reference(IMRelationShip, "relate_id", null=True, related_name="+")
    from_id = IntColumn(_("sender"), db_column="fromId")
    sender = Reference(IMUser, "from_id", null=True, related_name="+")
    to_id = IntColumn(_("receiver"), db_column="toId")
    receiver = Reference(IMUser, "to_id", null=True, related_name="+")
    msg_id = IntColumn(_("message id"), db_column="msgId")
    content = CharColumn(_("content"), max_length=4096, default="", null=True)
    type = IntColumn(_("type"), mysql=TINY2, default=1)
    status = IntColumn(_("status"), mysql=TINY1, default=0)
    updated = IntColumn(_("updated"))
    created = IntColumn(_("created"))

    objects = models.Manager["IMMessage"]()

    class Meta:
        abstract = True
        verbose_name = _("messages, shard")
        verbose_name_plural = _("messages, shard")
        indexes: ClassVar = [
            TableIndex(
                fields=["relate_id", "status", "created"],
                name="%(class)s_idx_relateId_status_created",
            ),
            TableIndex(
                fields=["relate_id", "status", "msg_id", "created"],
                name="%(class)s_idx_relateId_status_msgId_created",
            ),
            TableIndex(  # the name is the original's, the columns too
                fields=["from_id", "to_id", "status"], name="%(class)s_idx_fromId_toId_created"
            ),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["relate_id", "msg_id"], name="%(class)s_uniq_message")
        ]

    def __str__(self) -> str:
        return f"{self.relate_id}/{self.msg_id}"


class IMAudio(models.Model):
    """A voice message: its row's content is this id.  `to_id` is a user or a group."""

    id = AutoColumn(mysql=SIGNED)
    from_id = IntColumn(_("sender"), db_column="fromId")
    sender = Reference(IMUser, "from_id", null=True, related_name="+")
    to_id = IntColumn(_("receiver"), db_column="toId")
    path = CharColumn(_("address"), max_length=255, default="", null=True)
    size = IntColumn(_("size in bytes"), default=0)
    duration = IntColumn(_("seconds"), default=0)
    created = IntColumn(_("created"))

    class Meta:
        db_table = "IMAudio"
        verbose_name = _("voice message")
        verbose_name_plural = _("voice messages")
        indexes: ClassVar = [
            TableIndex(fields=["from_id", "to_id"], name="%(class)s_idx_fromId_toId")
        ]

    def __str__(self) -> str:
        return self.path or str(self.id)


class IMTransmitFile(models.Model):
    """A file waiting for a receiver who was offline; used, but not shipped, by the original."""

    id = AutoColumn()
    from_id = IntColumn(_("sender"), db_column="fromId")
    sender = Reference(IMUser, "from_id", null=True, related_name="+")
    to_id = IntColumn(_("receiver"), db_column="toId")
    receiver = Reference(IMUser, "to_id", null=True, related_name="+")
    file_name = CharColumn(_("file name"), db_column="fileName", max_length=255, default="")
    size = IntColumn(_("size in bytes"), default=0)
    task_id = CharColumn(_("task id"), db_column="taskId", max_length=64, unique=True)
    status = IntColumn(_("status"), mysql=TINY1, default=0)
    created = IntColumn(_("created"))
    updated = IntColumn(_("updated"))

    class Meta:
        db_table = "IMTransmitFile"
        verbose_name = _("offline file")
        verbose_name_plural = _("offline files")
        indexes: ClassVar = [
            TableIndex(
                fields=["to_id", "status", "created"], name="%(class)s_idx_toId_status_created"
            )
        ]

    def __str__(self) -> str:
        return self.file_name


messages = ShardedTable(IMMessage)  # type: ignore[type-abstract]  # the shards are concrete
