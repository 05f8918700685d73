"""Who may see and do what: each role at each page, and a manager's part of the tree."""

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from admin_ui.models import Operator
from admin_ui.roles import Role
from im.models import IMDepart, IMUser
from im.services.directory import discovery_links
from im.services.directory.discovery_links import ItemCard
from im.services.groups import members
from im.services.identity import passwords
from im.types import GroupType
from tests.admin.conftest import Company
from tests.admin.pages import choose, listed, submit, text_of

USERS = "/admin/im/imuser/"
DEPARTMENTS = "/admin/im/imdepart/"

# Page -> who may open it; first letters of owner, operator, auditor, manager, personnel.
PAGES = {
    USERS: "oOamp",
    USERS + "add/": "oOmp",
    USERS + "import/": "oOmp",
    USERS + "export/": "oOamp",
    USERS + "{tom}/change/": "oOamp",
    USERS + "{tom}/password/": "oOm",
    USERS + "{tom}/history/": "oOamp",
    DEPARTMENTS: "oOamp",
    DEPARTMENTS + "add/": "oOmp",
    DEPARTMENTS + "{sales}/change/": "oOamp",
    DEPARTMENTS + "{sales}/history/": "oOamp",
    "/admin/im/imgroup/": "oOa",
    "/admin/im/imgroup/add/": "oO",
    "/admin/im/imgroup/{group}/change/": "oOa",
    "/admin/im/imgroup/{group}/members/": "oOa",
    "/admin/im/imgroup/{group}/history/": "oOa",
    "/admin/im/imdiscovery/": "oOa",
    "/admin/im/imdiscovery/add/": "oO",
    "/admin/im/imdiscovery/{link}/change/": "oOa",
    "/admin/im/imdiscovery/{link}/history/": "oOa",
    "/admin/admin_ui/operator/": "oa",
    "/admin/admin_ui/operator/add/": "o",
    "/admin/admin_ui/auditentry/": "oa",
    "/admin/axes/accessattempt/": "oa",
    "/admin/dashboard/": "oOa",
    "/admin/live/": "oOa",
    "/admin/live/announce/": "oO",
    "/admin/conversations/": "oOa",
    "/admin/blocked/": "oOap",
    "/admin/second-factor/": "oOamp",
}
LETTERS = {
    Role.OWNER: "o",
    Role.OPERATOR: "O",
    Role.AUDITOR: "a",
    Role.MANAGER: "m",
    Role.PERSONNEL: "p",
}


def client_of(role: Role, company: Company) -> Client:
    operator = Operator.objects.create_user("rob", role=role, depart_id=company.sales)
    client = Client()
    client.force_login(operator)
    return client


@pytest.mark.parametrize("role", LETTERS)
def test_each_role_opens_its_pages_and_no_other(role: Role, company: Company) -> None:
    client = client_of(role, company)
    rows = {
        "tom": company.tom,
        "sales": company.sales,
        "group": members.create_group(
            company.tom, "Lunch", "", [company.tom], GroupType.NORMAL
        ).group_id,
        "link": discovery_links.create_item(ItemCard("Canteen", "https://x.example/", 1)).item_id,
    }

    answers = {page: client.get(page.format(**rows)).status_code for page in PAGES}

    allowed = {page: 200 if LETTERS[role] in who else 403 for page, who in PAGES.items()}
    assert answers == allowed


@pytest.mark.parametrize(
    ("role", "page"),
    [
        (Role.OWNER, "/admin/dashboard/"),
        (Role.OPERATOR, "/admin/dashboard/"),
        (Role.AUDITOR, "/admin/dashboard/"),
        (Role.MANAGER, USERS),
        (Role.PERSONNEL, USERS),
    ],
)
def test_each_role_starts_on_the_dashboard_or_its_first_page(
    role: Role, page: str, company: Company
) -> None:
    assert client_of(role, company).get("/admin/")["Location"] == page


def test_personnel_adds_people_whose_passwords_nobody_knows(company: Company) -> None:
    client = client_of(Role.PERSONNEL, company)
    typed = {"password": "their own wish", "password_again": "their own wish"}
    person = {"name": "wuxia", "nick": "吴霞", "depart": company.sales, "status": 0, "sex": 0}

    shown = text_of(client.get(USERS + "add/"))
    response = client.post(USERS + "add/", person | typed)

    row = IMUser.objects.get(name="wuxia")
    assert "password_again" not in shown
    assert response.status_code == 302  # and not a page that shows a password
    assert not passwords.matches(passwords.wire_password("their own wish"), row.password, row.salt)


@pytest.fixture
def manager(company: Company) -> Client:
    """A client of who manages sales, where tom is and lina is not."""
    return client_of(Role.MANAGER, company)


def test_a_manager_sees_his_part_of_the_tree(manager: Client, company: Company) -> None:
    assert listed(manager.get(USERS)) == [company.tom]
    assert listed(manager.get(DEPARTMENTS)) == [company.sales]
    assert listed(manager.get(USERS, {"q": "lina"})) == []
    assert "服务器组" not in text_of(manager.get(USERS))


def test_a_manager_finds_nobody_else_in_search_boxes(manager: Client, company: Company) -> None:
    found = manager.get("/admin/im/imdepart/choices/", {"term": ""}).json()["results"]

    assert [row["id"] for row in found] == [str(company.sales)]


@pytest.mark.parametrize("page", ["change/", "password/", "history/"])
def test_a_manager_opens_no_page_of_others(manager: Client, company: Company, page: str) -> None:
    response = manager.get(f"{USERS}{company.lina}/{page}")

    assert response.status_code in (302, 404)


def test_a_manager_acts_on_nobody_else(manager: Client, company: Company) -> None:
    choose(manager, USERS, "leave", company.lina, company.tom)

    left = IMUser.objects.filter(status=3).values_list("pk", flat=True)
    assert list(left) == [company.tom]


def test_a_manager_puts_nobody_elsewhere(manager: Client, company: Company) -> None:
    page = f"{USERS}{company.tom}/change/"

    submit(manager, page, depart=company.server_team)

    assert IMUser.objects.get(pk=company.tom).depart_id == company.sales


def test_a_manager_adds_departments_in_his_part_only(manager: Client, company: Company) -> None:
    add = DEPARTMENTS + "add/"

    submit(manager, add, depart_name="Everything", parent="")
    submit(manager, add, depart_name="Elsewhere", parent=company.server_team)
    submit(manager, add, depart_name="Abroad", parent=company.sales)

    assert not IMDepart.objects.filter(depart_name__in=["Everything", "Elsewhere"]).exists()
    assert IMDepart.objects.get(depart_name="Abroad").parent_id == company.sales


def test_a_manager_does_not_move_the_department_he_manages(
    manager: Client, company: Company
) -> None:
    response = manager.post(f"{DEPARTMENTS}{company.sales}/change/", {"depart_name": "Mine"})

    assert response.status_code == 403
    assert IMDepart.objects.get(pk=company.sales).depart_name == "Sales"


def test_a_manager_imports_and_exports_his_people_only(manager: Client, company: Company) -> None:
    rows = "name,nick,department\nlina,Hacked,Sales\nnew,New,服务器组\n"
    upload = {"format": "0", "import_file": SimpleUploadedFile("p.csv", rows.encode())}

    page: Any = manager.post(USERS + "import/", upload | {"resource": ""})
    csv = text_of(manager.post(USERS + "export/", {"format": "0", "peopleresource_name": "on"}))

    assert "confirm_form" not in page.context
    assert "李娜" not in text_of(page)
    assert "tom" in csv
    assert "lina" not in csv


def test_an_auditor_is_offered_no_action(company: Company) -> None:
    auditor = client_of(Role.AUDITOR, company)

    choose(auditor, USERS, "leave", company.tom)

    assert not IMUser.objects.filter(status=3).exists()


@pytest.mark.parametrize("column", ["password", "salt"])
def test_the_list_of_people_can_not_be_asked_for_hashes(
    console: Client, company: Company, column: str
) -> None:
    assert console.get(USERS, {f"{column}__startswith": "a"}).status_code == 400
    assert console.get(USERS, {"nick__startswith": "a"}).status_code == 200
