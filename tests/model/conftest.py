"""The writer's database, for the model too."""

from tests.writer.conftest import (
    mariadb_store_url,
    point_django_at,
    sqlite_store_url,
    store_url,
    users,
    writer,
)

__all__ = [
    "mariadb_store_url",
    "point_django_at",
    "sqlite_store_url",
    "store_url",
    "users",
    "writer",
]
