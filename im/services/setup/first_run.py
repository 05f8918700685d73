"""The state of an installation: are its tables up to date, is there anybody to log in as.

`prepare` is what the first start does; repeated, it leaves alone what is there.
"""

import logging
from dataclasses import dataclass
from pathlib import Path

from django.contrib.auth import get_user_model
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from im.models import IMUser
from im.services.setup import database_fitness, password_file
from im.services.setup.demo_company import DemoCompany, load_demo_company

log = logging.getLogger(__name__)

ADMINISTRATOR = "admin"
DEMO_PEOPLE = "demo people"
_ORIGINAL_TABLES = ("im", "0001_initial")  # the migration that makes what the original had


@dataclass(frozen=True, slots=True)
class Preparations:
    """Who can log in since `prepare`; None for whoever was there already."""

    administrator_password: str | None
    demo: DemoCompany | None


def prepare(passwords: Path) -> Preparations:
    """Bring the tables up to date, and fill what is empty: demo people, an administrator.

    The passwords made up for them are added to the file `passwords` before anybody has them.
    Raises ImproperlyConfigured when the database is not one to bring up to date just so, OSError
    when the file can't be written, and what `migrate` and the database raise.
    """
    _migrate()
    return Preparations(
        demo=_load_demo(passwords),
        administrator_password=_make_administrator(passwords),
    )


def check_tables() -> None:
    """Raise ImproperlyConfigured unless the tables are as this version of the code wants them.

    What is wrong with them and loses nothing is a warning in the log.
    """
    missing = len(missing_migrations())
    if missing:
        raise ImproperlyConfigured(
            f"the tables are not up to date: run manage.py migrate (it has {missing} to apply)"
        )
    for problem in database_fitness.problems():
        said = f"{problem.text}. {problem.hint}"
        if problem.is_fatal and not problem.of_new_tables:
            raise ImproperlyConfigured(said)
        log.warning("%s", said)


def missing_migrations() -> list[tuple[str, str]]:
    """Return app and name of the migrations that the database lacks."""
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return [(migration.app_label, migration.name) for migration, _ in plan]


def _migrate() -> None:
    missing = missing_migrations()
    if _ORIGINAL_TABLES in missing and "imuser" in map(
        str.lower, connection.introspection.table_names()
    ):
        raise ImproperlyConfigured(
            "this database holds TeamTalk tables already: name an empty one, or adopt it with "
            "manage.py migrate --fake im 0001 and manage.py migrate (docs/operations.md)"
        )
    if missing:
        call_command("migrate", interactive=False, verbosity=0, skip_checks=False)
    check_tables()


def _load_demo(passwords: Path) -> DemoCompany | None:
    if IMUser.objects.exists():
        return None
    password = password_file.random_password()
    password_file.keep(passwords, DEMO_PEOPLE, password)
    return load_demo_company(password)


def _make_administrator(passwords: Path) -> str | None:
    operators = get_user_model().objects
    if operators.exists():
        return None
    password = password_file.random_password()
    password_file.keep(passwords, ADMINISTRATOR, password)
    operators.create_superuser(ADMINISTRATOR, password=password)
    return password
