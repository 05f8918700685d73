"""The pages of people."""

import html
import re
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from admin_ui.models import AuditEntry, Operator
from im.models import IMDepart, IMGroup, IMUser
from im.services.directory import users
from im.services.directory.users import UserCard
from im.services.identity import passwords
from im.services.messages import announcements
from im.types import UserStatus
from im.wire import cipher
from tests.admin.conftest import LONG_AGO, Company
from tests.admin.pages import choose, errors, listed, shown_values, submit, text_of
from tests.reading import page

LIST = "/admin/im/imuser/"
ADD = "/admin/im/imuser/add/"


def change_page(user_id: int) -> str:
    return f"/admin/im/imuser/{user_id}/change/"


def password_page(user_id: int) -> str:
    return f"/admin/im/imuser/{user_id}/password/"


def new_person(company: Company, **fields: object) -> dict[str, object]:
    return {
        "name": "wuxia",
        "nick": "吴霞",
        "depart": company.sales,
        "password": "a good one",
        "password_again": "a good one",
        **fields,
    }


def test_the_list_shows_people_with_department_and_readable_date(
    console: Client, company: Company
) -> None:
    page = text_of(console.get(LIST))

    assert "李娜" in page
    assert "服务器组" in page
    assert "13800000004" in page
    assert "2023-11-14 22:13" in page


@pytest.mark.parametrize("people", [2, 30])
def test_the_list_takes_as_many_queries_for_many_people_as_for_few(
    console: Client,
    company: Company,
    people: int,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    for number in range(people - 2):
        card = UserCard(f"u{number}", "x", company.sales)
        users.create_user(card, "whatever else")

    # session, operator, second factor, departments of the filter, count, page
    with django_assert_num_queries(6):
        response = console.get(LIST)

    assert len(listed(response)) == people


@pytest.mark.parametrize("words", ["lina", "LINA", "李娜", "0000004", "in"])
def test_people_are_found_by_parts_of_what_is_known_of_them(
    console: Client, company: Company, words: str
) -> None:
    assert listed(console.get(LIST, {"q": words})) == [company.lina]


def test_people_are_found_by_their_mail_address(console: Client, company: Company) -> None:
    assert listed(console.get(LIST, {"q": "tom@starriver"})) == [company.tom]


def test_the_department_filter_includes_what_the_department_contains(
    console: Client, company: Company
) -> None:
    assert listed(console.get(LIST, {"department": company.top})) == [company.lina, company.tom]
    assert listed(console.get(LIST, {"department": company.sales})) == [company.tom]


def test_people_are_filtered_by_status_and_sex(console: Client, company: Company) -> None:
    users.mark_left([company.tom])

    assert listed(console.get(LIST, {"status": "3"})) == [company.tom]
    assert listed(console.get(LIST, {"sex": "2"})) == [company.lina]


@pytest.mark.parametrize("query", ["department=x", "department=999", "status=77", "sex=a"])
def test_nonsense_in_a_filter_does_not_break_the_list(
    console: Client, company: Company, query: str
) -> None:
    assert console.get(f"{LIST}?{query}").status_code == 200


@pytest.mark.parametrize("column", range(1, 10))
def test_the_list_sorts_by_each_column(console: Client, company: Company, column: int) -> None:
    assert len(listed(console.get(LIST, {"o": column}))) == 2


def test_a_person_who_has_no_department_is_listed(console: Client, company: Company) -> None:
    IMUser.objects.filter(pk=company.tom).update(depart_id=4711)

    assert company.tom in listed(console.get(LIST))


def test_a_new_person_can_log_in_with_the_password_given(console: Client, company: Company) -> None:
    response = submit(console, ADD, **new_person(company))

    row = IMUser.objects.get(name="wuxia")
    assert response.status_code == 302
    assert passwords.matches(passwords.wire_password("a good one"), row.password, row.salt)
    assert re.fullmatch(r"\d{4}", row.salt)
    assert (row.status, row.depart_id, row.nick) == (UserStatus.NORMAL, company.sales, "吴霞")
    assert row.created == row.updated > LONG_AGO


def test_the_login_name_stands_in_for_a_missing_phonetic_name(
    console: Client, company: Company
) -> None:
    submit(console, ADD, **new_person(company, domain=""))

    assert IMUser.objects.get(name="wuxia").domain == "wuxia"


def test_a_taken_login_name_is_refused(console: Client, company: Company) -> None:
    response = submit(console, ADD, **new_person(company, name="lina"))

    assert errors(response) == {"name": [f"This login name is taken by 李娜 (id {company.lina})."]}
    assert IMUser.objects.count() == 2


def test_the_name_of_someone_who_left_stays_taken(console: Client, company: Company) -> None:
    users.mark_left([company.lina])

    response = submit(console, ADD, **new_person(company, name="lina"))

    assert "name" in errors(response)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", "n" * 33),
        ("nick", "吴" * 33),
        ("domain", "d" * 33),
        ("phone", "1" * 12),
        ("phone", "call me"),
        ("email", "not an address"),
        ("email", "a" * 60 + "@b.cn"),
        ("sign_info", "吴" * 43),  # 129 bytes
        ("name", "wu\x07xia"),
        ("name", ""),
        ("nick", "  "),
        ("sex", "3"),
        ("status", "5"),
        ("depart", "4711"),
        ("depart", ""),
        ("password", "short"),
        ("password_again", "another one"),
    ],
)
def test_what_the_table_can_not_hold_is_refused_beside_its_field(
    console: Client, company: Company, field: str, value: str
) -> None:
    response = submit(console, ADD, **new_person(company, **{field: value}))

    assert errors(response).keys() & {field, "password_again"}
    assert IMUser.objects.count() == 2


def test_an_edit_is_stored_and_raises_the_stamp_clients_sync_by(
    console: Client, company: Company
) -> None:
    response = submit(console, change_page(company.lina), nick="李小娜", status="2", sex="0")

    row = IMUser.objects.get(pk=company.lina)
    assert response.status_code == 302
    assert (row.nick, row.status, row.sex) == ("李小娜", UserStatus.REGULAR, 0)
    assert row.updated > LONG_AGO
    assert row.created == LONG_AGO


def test_two_edits_in_one_second_have_two_stamps(console: Client, company: Company) -> None:
    submit(console, change_page(company.lina), nick="a")
    first = IMUser.objects.get(pk=company.lina).updated

    submit(console, change_page(company.lina), nick="b")

    assert IMUser.objects.get(pk=company.lina).updated > first


def test_saving_without_a_change_leaves_the_stamp(console: Client, company: Company) -> None:
    response = submit(console, change_page(company.lina))

    assert response.status_code == 302
    assert IMUser.objects.get(pk=company.lina).updated == LONG_AGO


def test_an_edit_does_not_touch_the_password(console: Client, company: Company) -> None:
    submit(console, change_page(company.lina), nick="a", password="x", salt="1", created="5")

    row = IMUser.objects.get(pk=company.lina)
    assert passwords.matches(passwords.wire_password("first-password"), row.password, row.salt)
    assert row.created == LONG_AGO


def test_renaming_to_a_taken_name_is_refused(console: Client, company: Company) -> None:
    response = submit(console, change_page(company.tom), name="lina")

    assert "name" in errors(response)
    assert IMUser.objects.get(pk=company.tom).name == "tom"


def test_an_edit_on_an_outdated_page_is_refused(console: Client, company: Company) -> None:
    outdated = shown_values(console, change_page(company.lina))
    submit(console, change_page(company.lina), nick="by someone else")

    response = console.post(change_page(company.lina), outdated | {"nick": "mine"})

    assert "Someone else changed this" in errors(response)["__all__"][0]
    assert IMUser.objects.get(pk=company.lina).nick == "by someone else"


def test_a_row_that_breaks_the_rules_already_stays_editable(
    console: Client, company: Company
) -> None:
    IMUser.objects.filter(pk=company.tom).update(name="lina", phone="ask Lina")

    submit(console, change_page(company.tom), nick="Tommy")

    assert IMUser.objects.get(pk=company.tom).nick == "Tommy"


def test_a_new_password_verifies_and_the_old_one_does_not(
    console: Client, company: Company
) -> None:
    typed = {"password": "quite new", "password_again": "quite new", "reason": "she forgot it"}

    response = console.post(password_page(company.lina), typed)

    row = IMUser.objects.get(pk=company.lina)
    assert response.status_code == 302
    assert passwords.matches(passwords.wire_password("quite new"), row.password, row.salt)
    assert not passwords.matches(passwords.wire_password("first-password"), row.password, row.salt)
    assert row.updated > LONG_AGO


def told(user_id: int) -> list[str]:
    """Return what the system's user has written to somebody."""
    sender = announcements.sender()
    if sender is None:
        return []
    key = settings.IM_AES_KEY.encode()
    return [cipher.decrypt_text(one.content, key) for one in page(user_id, sender.pk)]


def test_who_sets_a_password_says_why_and_its_owner_hears_of_it(
    console: Client, company: Company
) -> None:
    typed = {"password": "quite new", "password_again": "quite new", "reason": "she forgot it"}

    console.post(password_page(company.lina), typed)

    [entry] = AuditEntry.objects.filter(action="password")
    assert (entry.target, entry.reason) == (f"im.imuser:{company.lina}", "she forgot it")
    [message] = told(company.lina)
    assert "Your password was set by olga at 20" in message
    assert "您的密码" in message
    assert told(company.tom) == []


def test_a_random_password_is_told_of_too(console: Client, company: Company) -> None:
    response = console.post(password_page(company.lina), {"reason": "first day"})

    assert "New password" in text_of(response)
    assert len(told(company.lina)) == 1


@pytest.mark.parametrize(
    ("password", "again", "reason"),
    [
        ("quite new", "quite other", "why not"),
        ("short", "short", "why not"),
        ("13800000004", "13800000004", "it is her phone"),
        ("quite new", "quite new", " "),
    ],
)
def test_a_bad_new_password_or_one_without_a_reason_changes_nothing(
    console: Client, company: Company, password: str, again: str, reason: str
) -> None:
    before = IMUser.objects.get(pk=company.lina).password

    response = console.post(
        password_page(company.lina),
        {"password": password, "password_again": again, "reason": reason},
    )

    assert response.status_code == 200
    assert "errorlist" in text_of(response)
    assert IMUser.objects.get(pk=company.lina).password == before
    assert told(company.lina) == []


def test_the_password_page_of_nobody_is_missing(console: Client, company: Company) -> None:
    assert console.get(password_page(4711)).status_code == 404


def test_no_page_holds_a_password_or_its_stored_form(console: Client, company: Company) -> None:
    typed = {"password": "quite new", "password_again": "quite other"}
    IMUser.objects.filter(pk=company.lina).update(salt="\u2603")
    row = IMUser.objects.get(pk=company.lina)

    pages = [
        text_of(response)
        for response in (
            console.get(LIST),
            console.get(change_page(company.lina)),
            console.get(f"/admin/im/imuser/{company.lina}/history/"),
            console.get(password_page(company.lina)),
            console.post(password_page(company.lina), typed),
            submit(console, ADD, **new_person(company, **typed)),
        )
    ]

    secrets = (row.password, row.salt, "first-password", "quite new", "quite other")
    assert not [secret for page in pages for secret in secrets if secret in page]


def test_marking_people_as_left_raises_their_stamps(console: Client, company: Company) -> None:
    response = choose(console, LIST, "leave", company.lina, company.tom)

    rows = IMUser.objects.all()
    assert {row.status for row in rows} == {UserStatus.LEFT}
    assert all(row.updated > LONG_AGO for row in rows)
    assert "2 people are marked as left." in text_of(response)
    assert AuditEntry.objects.filter(action="leave").count() == 2


def test_marking_someone_as_left_again_changes_nothing(console: Client, company: Company) -> None:
    users.mark_left([company.lina])
    before = IMUser.objects.get(pk=company.lina).updated

    choose(console, LIST, "leave", company.lina)

    assert IMUser.objects.get(pk=company.lina).updated == before


def test_nobody_can_be_deleted(console: Client, company: Company) -> None:
    assert console.get(f"/admin/im/imuser/{company.lina}/delete/").status_code == 403
    choose(console, LIST, "delete_selected", company.lina)
    assert IMUser.objects.count() == 2


def test_an_edit_of_someone_who_is_gone_is_answered_with_the_list(
    console: Client, company: Company
) -> None:
    values = shown_values(console, change_page(company.lina))
    IMUser.objects.filter(pk=company.lina).delete()

    response = console.post(change_page(company.lina), values, follow=True)

    assert response.status_code == 200
    assert "exist" in text_of(response)


# --- headings -----------------------------------------------------------------------------------


def headings(response: Any) -> list[str]:  # Any: the test client's response
    """Return the parts of a page's line of headings."""
    found = re.findall(r'truncate tracking-tight">\s*(.*?)\s*</(?:a|span)>', text_of(response))
    return [html.unescape(one) for one in found]


def test_login_names_are_shown_as_they_are_with_the_nickname(
    console: Client, company: Company
) -> None:
    new = new_person(company, name="u<1>", nick="吴霞", password="", password_again="")
    pages = [
        console.get(change_page(company.lina)),
        console.get(password_page(company.lina)),
        console.post(password_page(company.lina), {"reason": "first day"}),
        console.get(f"/admin/im/imuser/{company.lina}/history/"),
    ]

    assert [headings(page)[-1] for page in pages] == 4 * ["李娜 (lina)"]
    assert headings(submit(console, ADD, **new))[-1] == "吴霞 (u<1>)"
    assert headings(pages[0])[-2] == "Users"


def test_names_of_groups_departments_and_operators_keep_their_first_letter(
    console: Client, operator: Operator, company: Company
) -> None:
    IMDepart.objects.filter(pk=company.sales).update(depart_name="eBay team")
    group = IMGroup.objects.create(name="iPhone", creator=company.lina, created=1, updated=1)
    pages = [
        f"/admin/im/imdepart/{company.sales}/change/",
        f"/admin/im/imgroup/{group.pk}/change/",
        f"/admin/admin_ui/operator/{operator.pk}/change/",
        f"/admin/admin_ui/operator/{operator.pk}/password/",
    ]

    shown = [headings(console.get(page))[-1] for page in pages]

    assert shown == ["eBay team", "iPhone", "olga", "olga"]
