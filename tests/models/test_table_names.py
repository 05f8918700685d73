"""A server that ignores the case of tables' names, as on Windows or by lower_case_table_names."""

from collections.abc import Iterator

import pytest

from tests import services
from tests.conftest import manage, require
from tests.models.catalogue import original_ddl

LOOK = """
from im.services.setup import first_run
first_run.check_tables()
"""


@pytest.fixture(scope="module")
def caseless() -> Iterator[services.MariaDB]:
    """A MariaDB that stores names in lower case."""
    require(services.missing_for_mariadb())
    server = services.MariaDB("--lower-case-table-names=1")
    yield server
    server.stop()


def test_an_empty_database_gets_its_tables_and_is_found_in_order(
    caseless: services.MariaDB,
) -> None:
    url = caseless.create_database("Empty")

    manage("migrate", database_url=url)
    manage("shell", "-v0", "-c", LOOK, database_url=url)
    manage("seed_demo", "--users", "3", "--password", "x", database_url=url)
    said = manage("audit", database_url=url)

    assert "nothing is wrong" in said


def test_a_database_of_the_original_is_adopted(caseless: services.MariaDB) -> None:
    url = caseless.create_database("Adopted")
    connection = caseless.connect("Adopted")
    for statement in original_ddl():
        connection.query(statement)
    connection.close()

    manage("migrate", "--fake", "im", "0001", database_url=url)
    manage("migrate", database_url=url)
    manage("shell", "-v0", "-c", LOOK, database_url=url)
