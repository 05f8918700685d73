"""One logical table kept as several physical ones, as the TeamTalk schema keeps its messages."""

from typing import Any, Generic, TypeVar, cast

from django.db import models
from django.utils.text import format_lazy

_SHARDS = 8  # the original's number: the shards of an existing database are these

_Row = TypeVar("_Row", bound=models.Model)


class ShardedTable(Generic[_Row]):
    """The models of one sharded table, made from an abstract model named like the table.

    `all` has them in order; the shard of a row is its key modulo their number.
    """

    def __init__(self, template: type[_Row]) -> None:
        self.all: tuple[type[_Row], ...] = tuple(_shard(template, n) for n in range(_SHARDS))

    def for_key(self, key: int) -> type[_Row]:
        """Return the model of the shard that has the rows of `key`."""
        return self.all[key % _SHARDS]


def _shard(template: type[_Row], number: int) -> type[_Row]:
    name = f"{template.__name__}_{number}"
    parent: Any = template  # Any: an abstract model keeps its Meta, the stubs don't know
    meta = type(
        "Meta",
        (parent.Meta,),
        {
            "db_table": name,
            "verbose_name": format_lazy("{} {}", template._meta.verbose_name, number),
            "verbose_name_plural": format_lazy("{} {}", template._meta.verbose_name_plural, number),
        },
    )
    shard = type(name, (template,), {"__module__": template.__module__, "Meta": meta})
    return cast(type[_Row], shard)
