"""The console without unfold: Django's own look, the same pages."""

from pathlib import Path

from tests.conftest import manage

PAGES = """
import os
from django.conf import settings
from django.test import Client
from admin_ui.models import Operator
from im.services.directory import users
from im.services.directory.users import DepartmentCard, UserCard

settings.ALLOWED_HOSTS.append("testserver")
depart = users.create_department(DepartmentCard("Sales")).depart_id
users.create_user(UserCard("tom", "Tom", depart), "whatever else")
client = Client()
client.force_login(Operator.objects.create_superuser("olga", password="op-secret-1"))
for page in (
    "dashboard/",
    "im/imuser/", "im/imuser/1/change/", "im/imuser/1/password/", "im/imuser/1/history/",
    "im/imuser/import/", "im/imdepart/", "im/imdepart/add/", "im/imgroup/", "im/imgroup/add/",
    "im/imdiscovery/", "admin_ui/operator/", "admin_ui/operator/1/change/",
    "admin_ui/auditentry/", "axes/accessattempt/", "second-factor/",
):
    response = client.get(f"/admin/{page}")
    print("page", response.status_code, "unfold" in response.content.decode(), page)
assert "otp_token" in Client().get("/admin/login/").content.decode()
"""


def test_every_page_is_there_in_djangos_own_look(sqlite_template: Path, tmp_path: Path) -> None:
    path = tmp_path / "teamtalk.sqlite3"
    path.write_bytes(sqlite_template.read_bytes())

    shown = manage("shell", "-c", PAGES, database_url=f"sqlite:///{path}", IM_CONSOLE_THEME="stock")

    answers = [line.split()[1:3] for line in shown.splitlines() if line.startswith("page")]
    assert len(answers) == 16
    assert all(answer == ["200", "False"] for answer in answers), shown
