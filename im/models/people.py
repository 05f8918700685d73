"""Who there is: users, their departments, and what the old console adds."""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from im.fields import TINY1, TINY2, AutoColumn, CharColumn, IntColumn, Reference, TableIndex


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
        ]

    def __str__(self) -> str:
        return self.depart_name


class IMUser(models.Model):
    """A person who can use a client.  `name` is what he logs in with."""

    id = AutoColumn()
    sex = IntColumn(_("sex"), mysql=TINY1, default=0)
    name = CharColumn(_("name"), max_length=32, default="")
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
        ]

    def __str__(self) -> str:
        return self.name


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
