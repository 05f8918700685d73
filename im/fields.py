"""Columns, references and indexes that come out on MySQL exactly as the TeamTalk schema has them.

An existing TeamTalk database is adopted by faking the first migration, so the types, collations and
index names of `im.models` are those of the original's SQL file.  SQLite gets its own plain types:
it keeps neither lengths nor ranges, so services validate both (the validators here know them too).
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from django.core.exceptions import EmptyResultSet, ObjectDoesNotExist
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.backends.ddl_references import Statement
from django.db.models.fields.related_descriptors import ForwardManyToOneDescriptor
from django.db.models.lookups import Exact, In

_ST = TypeVar("_ST", contravariant=True)
_GT = TypeVar("_GT", covariant=True)

if TYPE_CHECKING:
    from django.db.models import AutoField, CharField, ForeignObject, IntegerField
else:  # the type checker knows fields as generic classes, Django does not

    def _subscriptable(field):
        return type(
            field.__name__, (field,), {"__class_getitem__": classmethod(lambda cls, _: cls)}
        )

    AutoField, CharField, ForeignObject, IntegerField = map(
        _subscriptable,
        (models.AutoField, models.CharField, models.ForeignObject, models.IntegerField),
    )

# The integer types of the schema, by MySQL's names.
UINT = "int(11) unsigned"
SIGNED = "int(11)"
TINY1 = "tinyint(1) unsigned"
TINY2 = "tinyint(2) unsigned"
TINY3 = "tinyint(3) unsigned"
TINY4 = "tinyint(4) unsigned"

# Largest value of the unsigned type whose MySQL name starts with the key.
_LARGEST = {"tinyint": 2**8 - 1, "mediumint": 2**24 - 1, "int": 2**32 - 1}


def is_mysql(connection: BaseDatabaseWrapper) -> bool:
    """Tell whether the connection leads to MySQL or MariaDB."""
    return connection.vendor == "mysql"


class AutoColumn(AutoField[_ST, _GT]):
    """The row id: counted up by the database, of the given type on MySQL."""

    def __init__(self, *args: Any, mysql: str = UINT, **kwargs: Any) -> None:
        self.mysql = mysql
        super().__init__(*args, **kwargs | {"primary_key": True})

    def deconstruct(self) -> tuple[str, str, Sequence[Any], dict[str, Any]]:
        name, path, args, kwargs = super().deconstruct()
        return name, path, args, kwargs | {"mysql": self.mysql}

    def db_type(self, connection: BaseDatabaseWrapper) -> str | None:
        return (
            f"{self.mysql} AUTO_INCREMENT" if is_mysql(connection) else super().db_type(connection)
        )


class IntColumn(IntegerField[_ST, _GT]):
    """An unsigned integer of the given type on MySQL; a default is the database's default too."""

    def __init__(self, *args: Any, mysql: str = UINT, **kwargs: Any) -> None:
        self.mysql = mysql
        if "default" in kwargs:
            kwargs["db_default"] = kwargs["default"]
        super().__init__(*args, **kwargs)
        self.default_validators = [MinValueValidator(0), MaxValueValidator(self.largest)]

    @property
    def largest(self) -> int:
        """The largest number the column holds on MySQL, and so everywhere."""
        return _LARGEST[self.mysql.partition("(")[0]]

    def get_internal_type(self) -> str:
        return "PositiveIntegerField"  # decides the range that Django lets look-ups ask for

    def db_check(self, connection: BaseDatabaseWrapper) -> None:
        """No CHECK >= 0: the original has none."""

    def deconstruct(self) -> tuple[str, str, Sequence[Any], dict[str, Any]]:
        name, path, args, kwargs = super().deconstruct()
        kwargs.pop("db_default", None)
        return name, path, args, kwargs | {"mysql": self.mysql}

    def db_type(self, connection: BaseDatabaseWrapper) -> str | None:
        return self.mysql if is_mysql(connection) else super().db_type(connection)

    def formfield(self, **kwargs: Any) -> Any:  # Any: as the stubs have it
        return super().formfield(**{"min_value": 0, "max_value": self.largest, **kwargs})


class CharColumn(CharField[_ST, _GT]):
    """A text of bounded length, with the given collation on MySQL.

    `fixed` makes it char(n) there.  A default is the database's default too.
    """

    def __init__(
        self,
        *args: Any,
        mysql_collation: str = "utf8mb4_bin",
        fixed: bool = False,
        **kwargs: Any,
    ) -> None:
        self.mysql_collation = mysql_collation
        self.fixed = fixed
        if "default" in kwargs:
            kwargs["db_default"] = kwargs["default"]
        super().__init__(*args, **kwargs)

    def deconstruct(self) -> tuple[str, str, Sequence[Any], dict[str, Any]]:
        name, path, args, kwargs = super().deconstruct()
        kwargs.pop("db_default", None)
        kwargs["mysql_collation"] = self.mysql_collation
        if self.fixed:
            kwargs["fixed"] = True
        return name, path, args, kwargs

    def db_type(self, connection: BaseDatabaseWrapper) -> str | None:
        if self.fixed and is_mysql(connection):
            return f"char({self.max_length})"
        return super().db_type(connection)

    def db_parameters(self, connection: BaseDatabaseWrapper) -> dict[str, str | None]:
        parameters = super().db_parameters(connection)
        if is_mysql(connection):
            parameters["collation"] = self.mysql_collation
        return parameters


@CharColumn.register_lookup
class _Exact(Exact):
    """Finds nothing where MySQL would fail: no three-byte text equals one with an emoji."""

    def as_sql(self, compiler: Any, connection: BaseDatabaseWrapper) -> Any:  # Any: as the stubs
        is_three_byte = self.lhs.output_field.mysql_collation.startswith("utf8_")
        if is_three_byte and is_mysql(connection) and max(str(self.rhs), default="") > "\uffff":
            raise EmptyResultSet
        return super().as_sql(compiler, connection)


@models.IntegerField.register_lookup
class _IntegerIn(In):
    """Leaves out numbers beyond the column's range, as Django's other look-ups do.

    SQLite's driver refuses any above 64 bits, with an error that is none of the database's.
    """

    def process_rhs(self, compiler: Any, connection: Any) -> Any:  # Any: as the stubs
        if not self.rhs_is_direct_value():
            return super().process_rhs(compiler, connection)
        kind = self.lhs.output_field.get_internal_type()
        smallest, largest = connection.ops.integer_field_range(kind)
        whole = self.rhs
        self.rhs = [
            number
            for number in whole
            if not isinstance(number, int) or smallest <= number <= largest
        ]
        try:
            return super().process_rhs(compiler, connection)
        finally:
            self.rhs = whole


class _MaybeMissing(ForwardManyToOneDescriptor):  # type: ignore[type-arg]  # generic in stubs only
    """Reads as None when the row referred to does not exist."""

    def get_object(self, instance: models.Model) -> Any:  # Any: the stubs know no missing row
        try:
            return super().get_object(instance)
        except ObjectDoesNotExist:
            return None


class Reference(ForeignObject[_ST, _GT]):
    """A join over an integer column, without a constraint: the column may hold 0 or a lost id.

    Joins are LEFT JOINs and a missing row reads as None; an ordinary ForeignKey would hide such
    rows.  The integer column is a field of its own; set that one.  `null=True` is for the type
    checker, which reads it at the call.
    """

    forward_related_accessor_class = _MaybeMissing
    db_constraint = False  # SQLite's schema editor asks when a migration with one is taken back

    def __init__(
        self, to: type[models.Model] | str, from_field: str, *, null: bool, **kwargs: Any
    ) -> None:
        super().__init__(
            to,
            on_delete=models.DO_NOTHING,
            from_fields=[from_field],
            to_fields=["id"],
            null=null,
            **kwargs,
        )

    def deconstruct(self) -> tuple[str, str, Sequence[Any], dict[str, Any]]:
        name, path, args, kwargs = super().deconstruct()
        for fixed in ("on_delete", "from_fields", "to_fields"):
            del kwargs[fixed]
        return name, path, args, kwargs | {"from_field": self.from_fields[0]}


class TableIndex(models.Index):
    """An index whose name on MySQL is the part after the table's name.

    Names are global on SQLite and to Django, but the original uses the same ones in all eight
    shards: write `%(class)s_name`, with a class named like its table.  `mysql_length` indexes only
    the first characters of the (single) column there.
    """

    max_name_length = 64  # MySQL's

    def __init__(
        self, *, fields: Sequence[str], name: str, mysql_length: int | None = None
    ) -> None:
        self.mysql_length = mysql_length
        super().__init__(fields=fields, name=name)

    def create_sql(
        self,
        model: type[models.Model],
        schema_editor: BaseDatabaseSchemaEditor,
        using: str = "",
        **kwargs: Any,
    ) -> Statement:
        statement = super().create_sql(model, schema_editor, using, **kwargs)
        if self.mysql_length and is_mysql(schema_editor.connection):
            columns: Any = statement.parts["columns"]  # Any: the stubs know one kind of part
            columns.col_suffixes = [f"({self.mysql_length})"]
        return self._renamed(statement, model, schema_editor)

    def remove_sql(
        self, model: type[models.Model], schema_editor: BaseDatabaseSchemaEditor, **kwargs: Any
    ) -> Any:  # Any: the stubs say str; Django returns a Statement
        statement: Any = super().remove_sql(model, schema_editor, **kwargs)
        return self._renamed(statement, model, schema_editor)

    def deconstruct(self) -> tuple[str, Sequence[Any], dict[str, Any]]:
        path, args, kwargs = super().deconstruct()
        if self.mysql_length:
            kwargs["mysql_length"] = self.mysql_length
        return path, args, kwargs

    def _renamed(
        self,
        statement: Statement,
        model: type[models.Model],
        schema_editor: BaseDatabaseSchemaEditor,
    ) -> Statement:
        if is_mysql(schema_editor.connection):
            name: Any = schema_editor.quote_name(self.name[len(model._meta.db_table) + 1 :])
            statement.parts["name"] = name  # Any: as above
        return statement
