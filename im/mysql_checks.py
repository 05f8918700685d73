"""System checks of a MySQL database, run by `migrate` and `check --database`."""

from collections.abc import Sequence
from typing import Any

from django.core.checks import CheckMessage, Error, Tags, register
from django.db import connections

from im.fields import is_mysql


@register(Tags.database)
def mysql_fits(
    app_configs: Any,  # Any: Django passes it to every check, and we ignore it
    databases: Sequence[str] | None = None,
    **kwargs: Any,
) -> list[CheckMessage]:
    """Look whether new tables take every character and every transaction.

    The original's database has three-byte utf8 as its default: the console could not log an edit
    of somebody with an emoji in the nickname, nor look for an operator of such a name.
    """
    errors: list[CheckMessage] = []
    for connection in filter(is_mysql, map(connections.__getitem__, databases or [])):
        with connection.cursor() as cursor:
            cursor.execute("SELECT @@character_set_database, @@default_storage_engine")
            charset, engine = cursor.fetchone()
        if charset != "utf8mb4":
            name = connection.ops.quote_name(connection.settings_dict["NAME"])
            errors.append(
                Error(
                    f"the default charset of the database is {charset}, not utf8mb4",
                    hint=f"Run ALTER DATABASE {name} CHARACTER SET utf8mb4; (tables keep theirs).",
                    id="im.E010",
                )
            )
        if engine != "InnoDB":
            errors.append(
                Error(
                    f"the default storage engine is {engine}, which has no transactions",
                    hint="Set default_storage_engine=InnoDB in the server's configuration.",
                    id="im.E011",
                )
            )
    return errors
