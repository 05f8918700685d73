"""Databases that an operator brings: what is wrong with them is said before anybody is served."""

import subprocess
from collections.abc import Callable
from contextlib import closing

import pytest

from tests.conftest import manage
from tests.services import MariaDB

START = """
import logging, sys
from im.services.setup import first_run
logging.getLogger().addHandler(logging.StreamHandler(sys.stdout))
first_run.check_tables()
"""
EDIT = """
from django.conf import settings
settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
from django.test import Client
from django.test.utils import setup_test_environment
from admin_ui.models import Operator
from im.models import IMUser
from im.services.directory import users
from im.services.directory.users import DepartmentCard, UserCard

setup_test_environment()
depart = users.create_department(DepartmentCard("Top")).depart_id
user = users.create_user(UserCard("lina", "Lina", depart), "first-password").user_id
BACKEND = "django.contrib.auth.backends.ModelBackend"
client = Client(SERVER_NAME="localhost")
client.force_login(Operator.objects.create_superuser("olga"), BACKEND)
page = f"/admin/im/imuser/{user}/change/"
form = client.get(page).context["adminform"].form
typed = {name: form[name].value() or "" for name in form.fields} | {"nick": "Li\U0001f600na"}
answer = client.post(page, typed)
print(answer.status_code, answer.context["adminform"].form.errors["nick"][0])
print(client.get("/admin/im/imuser/?q=\U0001f600", follow=True).status_code)
print(client.post("/admin/conversations/", {"user": "\U0001f600"}).status_code)
print(IMUser.objects.get().nick)
"""


Broken = Callable[..., str]


@pytest.fixture
def broken(mariadb: MariaDB, mariadb_template: bytes) -> Broken:
    """Change a migrated database by statements; its DATABASE_URL."""

    def change(*statements: str) -> str:
        url = mariadb.load("unfit", mariadb_template)
        with closing(mariadb.connect("unfit")) as connection, closing(connection.cursor()) as run:
            for statement in statements:
                run.execute(statement)
        return url

    return change


def start(url: str) -> str:
    """Look at the tables as every start of a server does; return what is said of them."""
    try:
        return manage("shell", "-v0", "-c", START, database_url=url)
    except subprocess.CalledProcessError as refusal:
        return str(refusal.stderr)


def test_a_migrated_database_is_fit(broken: Broken) -> None:
    assert start(broken()) == ""


def test_a_table_without_transactions_is_refused_with_what_mends_it(
    broken: Broken,
) -> None:
    url = broken("ALTER TABLE IMMessage_3 ENGINE=MyISAM", "ALTER TABLE IMUser ENGINE=MyISAM")

    said = start(url)

    assert "configuration error: tables without transactions: IMMessage_3, IMUser." in said
    assert "ALTER TABLE `IMMessage_3` ENGINE=InnoDB; ALTER TABLE `IMUser` ENGINE=InnoDB;" in said


def test_a_table_that_takes_no_emoji_is_named_with_what_mends_it(
    broken: Broken,
) -> None:
    mend = "ALTER TABLE `IMUser` CONVERT TO CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;"
    url = broken("ALTER TABLE IMUser CONVERT TO CHARACTER SET utf8 COLLATE utf8_general_ci")

    said = start(url)

    assert "mix up capitals: IMUser." in said
    assert mend in said
    assert start(broken(mend)) == ""


def test_a_connection_is_strict_whatever_the_server_is(broken: Broken) -> None:
    url = broken("SET GLOBAL sql_mode = ''")

    try:
        assert start(url) == ""
        assert "strict mode is off" in start(f"{url}?sql_mode=ANSI")
    finally:
        broken("SET GLOBAL sql_mode = DEFAULT")


def test_what_a_table_can_not_store_is_said_beside_the_field(broken: Broken) -> None:
    url = broken("ALTER TABLE IMUser CONVERT TO CHARACTER SET utf8 COLLATE utf8_general_ci")

    *said, nick = manage("shell", "-v0", "-c", EDIT, database_url=url).splitlines()

    assert said == [
        "200 The database can't store \U0001f600 here: its table needs utf8mb4.",
        "200",
        "200",
    ]
    assert nick == "Lina"


def test_a_check_says_it_before_tables_are_made(broken: Broken) -> None:
    url = broken("ALTER TABLE IMUser ENGINE=MyISAM")

    with pytest.raises(subprocess.CalledProcessError) as refusal:
        manage("migrate", database_url=url)

    assert "im.E014" in refusal.value.stderr
    assert "ALTER TABLE `IMUser` ENGINE=InnoDB;" in refusal.value.stderr
