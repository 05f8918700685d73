"""The tables: TeamTalk's own under their names and columns, then ours (lower case).

Times are unix seconds.  References are integer columns that may hold 0 or the id of a row that is
gone; each has a `Reference` beside it for joins.  Reads are QuerySets, writes are services.
"""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from im.fields import (
    SIGNED,
    TINY1,
    TINY2,
    TINY3,
    TINY4,
    AutoColumn,
    CharColumn,
    IntColumn,
    Reference,
    TableIndex,
)
from im.sharding import ShardedTable

# --- who there is ------------------------------------------------------------------------------


class IMAdmin(models.Model):
    """An operator of the original's console; kept so that he can log in to ours."""

    id = AutoColumn(mysql="mediumint(6) unsigned")
    uname = CharColumn(_("name"), max_length=40, mysql_collation="utf8_general_ci")
    pwd = CharColumn(
        _("password hash"), max_length=32, fixed=True, mysql_collation="utf8_general_ci"
    )
    status = IntColumn(_("status"), mysql=TINY2, default=0)
    created = IntColumn(_("created"), default=0)
    updated = IntColumn(_("updated"), default=0)

    class Meta:
        db_table = "IMAdmin"
        verbose_name = _("operator of the old console")
        verbose_name_plural = _("operators of the old console")

    def __str__(self) -> str:
        return self.uname


class IMDepart(models.Model):
    """A department; `parent_id` 0 is the top."""

    id = AutoColumn()
    depart_name = CharColumn(_("name"), db_column="departName", max_length=64, default="")
    priority = IntColumn(_("priority"), default=0)
    parent_id = IntColumn(_("parent department"), db_column="parentId")
    parent = Reference("self", "parent_id", null=True, related_name="children")
    status = IntColumn(_("status"), default=0)
    created = IntColumn(_("created"))
    updated = IntColumn(_("updated"))

    class Meta:
        db_table = "IMDepart"
        verbose_name = _("department")
        verbose_name_plural = _("departments")
        indexes: ClassVar = [
            TableIndex(fields=["depart_name"], name="%(class)s_idx_departName"),
            TableIndex(fields=["priority", "status"], name="%(class)s_idx_priority_status"),
            TableIndex(fields=["updated"], name="%(class)s_idx_updated"),  # ours, for syncs
        ]

    def __str__(self) -> str:
        return self.depart_name


class IMUser(models.Model):
    """A person who can use a client.  `name` is what he logs in with."""

    id = AutoColumn()
    sex = IntColumn(_("sex"), mysql=TINY1, default=0)
    name = CharColumn(pgettext_lazy("of a person", "name"), max_length=32, default="")
    domain = CharColumn(_("phonetic name"), max_length=32, default="", blank=True)
    nick = CharColumn(_("nickname"), max_length=32, default="", blank=True)
    password = CharColumn(_("password hash"), max_length=32, default="")
    salt = CharColumn(_("salt"), max_length=4, default="", blank=True)
    phone = CharColumn(_("phone"), max_length=11, default="", blank=True)
    email = CharColumn(_("email"), max_length=64, default="", blank=True)
    avatar = CharColumn(_("avatar"), max_length=255, default="", blank=True, null=True)
    depart_id = IntColumn(_("department"), db_column="departId")
    depart = Reference(IMDepart, "depart_id", null=True, related_name="users")
    status = IntColumn(_("status"), mysql=TINY2, default=0, null=True)
    created = IntColumn(_("created"))
    updated = IntColumn(_("updated"))
    push_shield_status = IntColumn(_("push shield"), mysql=TINY1, default=0)
    sign_info = CharColumn(_("signature"), max_length=128, default="", blank=True)

    class Meta:
        db_table = "IMUser"
        verbose_name = _("user")
        verbose_name_plural = _("users")
        indexes: ClassVar = [
            TableIndex(fields=["domain"], name="%(class)s_idx_domain"),
            TableIndex(fields=["name"], name="%(class)s_idx_name"),
            TableIndex(fields=["phone"], name="%(class)s_idx_phone"),
            TableIndex(fields=["updated"], name="%(class)s_idx_updated"),  # ours, for syncs
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def full_name(self) -> str:
        """Return the name as pages show it: nickname and login name."""
        return f"{self.nick} ({self.name})" if self.nick else self.name


class IMDiscovery(models.Model):
    """A link on the clients' discovery page."""

    id = AutoColumn()
    item_name = CharColumn(_("name"), db_column="itemName", max_length=64, default="")
    item_url = CharColumn(_("URL"), db_column="itemUrl", max_length=64, default="")
    item_priority = IntColumn(_("priority"), db_column="itemPriority")
    status = IntColumn(_("status"), default=0)
    created = IntColumn(_("created"))
    updated = IntColumn(_("updated"))

    class Meta:
        db_table = "IMDiscovery"
        verbose_name = _("discovery link")
        verbose_name_plural = _("discovery links")
        indexes: ClassVar = [TableIndex(fields=["item_name"], name="%(class)s_idx_itemName")]

    def __str__(self) -> str:
        return self.item_name


# --- what two people say, and the list of conversations each user sees ---------------------------


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


# --- groups, who is in them, and what is said there ---------------------------------------------


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


# --- ours: where each conversation stands and how far each user has read it ----------------------
#
# BIGINT signed, because counts are subtracted and MariaDB refuses unsigned differences below zero.


class Conversation(models.Model):
    """Counters of one relation: message ids, and what each of the two has read.

    Unread of the smaller id's user = sent_big - seen_small; the UPDATE of `last_msg_id` gives out
    the next message id.  From `dense_from` on no id is missing.
    """

    relate_id = models.BigIntegerField(_("relation"), primary_key=True)
    relation = Reference(IMRelationShip, "relate_id", null=True, related_name="+")
    small_id = models.BigIntegerField(_("smaller user id"))
    big_id = models.BigIntegerField(_("larger user id"))
    last_msg_id = models.BigIntegerField(_("last message"), default=0, db_default=0)
    sent_small = models.BigIntegerField(default=0, db_default=0)
    sent_big = models.BigIntegerField(default=0, db_default=0)
    seen_small = models.BigIntegerField(default=0, db_default=0)
    seen_big = models.BigIntegerField(default=0, db_default=0)
    read_msg_id_small = models.BigIntegerField(default=0, db_default=0)
    read_msg_id_big = models.BigIntegerField(default=0, db_default=0)
    read_at_small = models.BigIntegerField(default=0, db_default=0)
    read_at_big = models.BigIntegerField(default=0, db_default=0)
    dense_from = models.BigIntegerField(default=1, db_default=1)

    class Meta:
        db_table = "im_conversation"
        verbose_name = _("conversation")
        verbose_name_plural = _("conversations")
        # Without the counters: with them, finding the unread among 2,000 conversations of one user
        # takes 0.6 ms instead of 11, but every message stored 9 µs more than 45 (MariaDB 10.11).
        indexes: ClassVar = [
            models.Index(fields=["small_id"], name="im_conversation_small"),
            models.Index(fields=["big_id"], name="im_conversation_big"),
        ]

    def __str__(self) -> str:
        return f"{self.small_id}–{self.big_id}"


class GroupCounter(models.Model):
    """The message ids of one group; from `dense_from` on none is missing."""

    group_id = models.BigIntegerField(_("group"), primary_key=True)
    group = Reference(IMGroup, "group_id", null=True, related_name="+")
    last_msg_id = models.BigIntegerField(_("last message"), default=0, db_default=0)
    dense_from = models.BigIntegerField(default=1, db_default=1)

    class Meta:
        db_table = "im_group_counter"
        verbose_name = _("group counter")
        verbose_name_plural = _("group counters")

    def __str__(self) -> str:
        return f"{self.group_id}: {self.last_msg_id}"


class GroupPosition(models.Model):
    """How far a member has read his group: unread = the group's last_msg_id - read_msg_id.

    `joined_msg_id` is the group's last id when he joined; his session is hidden while the last id
    is not beyond `removed_msg_id`.
    """

    pk = models.CompositePrimaryKey("user_id", "group_id")  # a user's rows lie together
    group_id = models.BigIntegerField(_("group"))
    group = Reference(IMGroup, "group_id", null=True, related_name="+")
    user_id = models.BigIntegerField(_("user"))
    user = Reference(IMUser, "user_id", null=True, related_name="+")
    read_msg_id = models.BigIntegerField(_("read up to"), default=0, db_default=0)
    joined_msg_id = models.BigIntegerField(_("joined after"), default=0, db_default=0)
    removed_msg_id = models.BigIntegerField(_("removed at"), default=0, db_default=0)
    is_shielded = models.BooleanField(_("no push"), default=False, db_default=False)
    read_at = models.BigIntegerField(_("read"), default=0, db_default=0)

    class Meta:
        db_table = "im_group_position"
        verbose_name = _("group read position")
        verbose_name_plural = _("group read positions")
        indexes: ClassVar = [models.Index(fields=["group_id"], name="im_group_position_group")]

    def __str__(self) -> str:
        return f"{self.group_id}: {self.user_id}"


class FileTask(models.Model):
    """A transfer of one file that was offered: who may move what at the file server."""

    task_id = models.CharField(_("task id"), primary_key=True, max_length=36)
    from_id = models.BigIntegerField(_("sender"))
    sender = Reference(IMUser, "from_id", null=True, related_name="+")
    to_id = models.BigIntegerField(_("receiver"))
    receiver = Reference(IMUser, "to_id", null=True, related_name="+")
    file_name = models.CharField(_("file name"), max_length=255)
    size = models.BigIntegerField(_("size in bytes"))
    mode = models.PositiveSmallIntegerField(_("mode"))
    created = models.BigIntegerField(_("created"))

    class Meta:
        db_table = "im_file_task"
        verbose_name = _("file transfer")
        verbose_name_plural = _("file transfers")
        indexes: ClassVar = [
            models.Index(fields=["from_id", "created"], name="im_file_task_sender"),
            models.Index(fields=["created"], name="im_file_task_created"),
        ]

    def __str__(self) -> str:
        return self.file_name


class DeviceToken(models.Model):
    """What a user's phone is reached by while no connection is open; one phone per user."""

    user_id = models.BigIntegerField(_("user"), primary_key=True)
    user = Reference(IMUser, "user_id", null=True, related_name="+")
    token = models.CharField(_("token"), max_length=255, unique=True)
    client_type = models.PositiveSmallIntegerField(_("client type"))
    updated = models.BigIntegerField(_("updated"))

    class Meta:
        db_table = "im_device_token"
        verbose_name = _("device token")
        verbose_name_plural = _("device tokens")

    def __str__(self) -> str:
        return str(self.user_id)  # not the token: who has it can push


class Statistic(models.Model):
    """A figure of one hour: what happened in all processes together, counted as it did.

    `kind` is one of im.services.monitoring.statistics; `hour` when it began, unix seconds;
    `subject` what it is about where a kind has several: a group, the upper bound of a span.
    """

    pk = models.CompositePrimaryKey("kind", "hour", "subject")
    kind = models.SmallIntegerField(_("kind"))
    hour = models.BigIntegerField(_("hour"))
    subject = models.BigIntegerField(_("subject"), default=0)
    value = models.BigIntegerField(_("value"), default=0)

    class Meta:
        db_table = "im_stat"
        verbose_name = _("figure")
        verbose_name_plural = _("figures")

    def __str__(self) -> str:
        return f"{self.kind}/{self.subject} at {self.hour}: {self.value}"


class Announcement(models.Model):
    """A text to everybody online, stored as a message to each of them, by user id.

    It has come up to `last_user_id`; whoever goes on does so behind that.
    """

    sender_id = models.BigIntegerField(_("sender"))
    text = models.TextField(_("text"))
    begun_by = models.CharField(_("begun by"), max_length=150)
    created = models.BigIntegerField(_("created"))
    last_user_id = models.BigIntegerField(default=0)
    sent = models.BigIntegerField(_("sent"), default=0)
    finished = models.BigIntegerField(_("finished"), default=0)

    class Meta:
        db_table = "im_announcement"
        verbose_name = _("announcement")
        verbose_name_plural = _("announcements")

    def __str__(self) -> str:
        return self.text[:40]


class ClientMessage(models.Model):
    """What a sender's client calls a message it sent: sent again, it is not stored again.

    `digest` tells whether it is the same message.  Rows stay for ever.
    """

    pk = models.CompositePrimaryKey("sender_id", "client_id")
    sender_id = models.BigIntegerField(_("sender"))
    sender = Reference(IMUser, "sender_id", null=True, related_name="+")
    client_id = CharColumn(_("client's id"), max_length=64)
    digest = CharColumn(_("digest"), max_length=32)
    msg_id = models.BigIntegerField(_("message"))
    stored_at = models.BigIntegerField(_("stored"))  # unix seconds

    class Meta:
        db_table = "im_client_message"
        verbose_name = _("message known to a client")
        verbose_name_plural = _("messages known to clients")

    def __str__(self) -> str:
        return f"{self.sender_id}: {self.client_id}"


class UploadCount(models.Model):
    """What somebody has uploaded on a day: bytes of pictures and voice.

    `day` is its midnight, unix seconds; `who` a user or a network, as im.services.media.uploads
    words it.
    """

    pk = models.CompositePrimaryKey("day", "who")
    day = models.BigIntegerField(_("day"))
    who = CharColumn(_("who"), max_length=64)
    bytes = models.BigIntegerField(_("bytes"), default=0)

    class Meta:
        db_table = "im_upload_count"
        verbose_name = _("uploads of a day")
        verbose_name_plural = _("uploads of days")

    def __str__(self) -> str:
        return f"{self.who}: {self.bytes}"


class WebSession(models.Model):
    """A browser that somebody is logged in with.  `key` is a hash of what its cookie holds.

    `ended` 0: not yet; `expires` is pushed on while it is used.  All times are unix seconds.
    """

    key = CharColumn(_("key"), primary_key=True, max_length=64)
    user_id = models.BigIntegerField(_("user"))
    user = Reference(IMUser, "user_id", null=True, related_name="+")
    password_mark = CharColumn(_("mark of the password"), max_length=32)
    created = models.BigIntegerField(_("created"))
    expires = models.BigIntegerField(_("expires"))
    ended = models.BigIntegerField(_("ended"), default=0)

    class Meta:
        db_table = "im_web_session"
        verbose_name = _("browser's session")
        verbose_name_plural = _("browsers' sessions")
        indexes: ClassVar = [
            models.Index(fields=["user_id"], name="im_web_session_user"),
            models.Index(fields=["expires"], name="im_web_session_expires"),
            models.Index(fields=["ended"], name="im_web_session_ended"),
        ]

    def __str__(self) -> str:
        return str(self.user_id)


class UsedToken(models.Model):
    """A login token that was used: whose `claim` stands here did it.  Until it `expires`."""

    number = CharColumn(_("number"), primary_key=True, max_length=32)
    claim = CharColumn(_("claim"), max_length=32)
    expires = models.BigIntegerField(_("expires"))

    class Meta:
        db_table = "im_used_token"
        verbose_name = _("used token")
        verbose_name_plural = _("used tokens")
        indexes: ClassVar = [models.Index(fields=["expires"], name="im_used_token_expires")]

    def __str__(self) -> str:
        return self.number
