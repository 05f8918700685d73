"""The writer's database, for the model too."""

from tests.writer.conftest import point_django_at, store_url, users, writer

__all__ = ["point_django_at", "store_url", "users", "writer"]
