"""Finding messages in the console: who may, what it shows, and what it leaves in the audit log."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import DjangoAssertNumQueries

from admin_ui.models import AuditEntry, Operator
from admin_ui.roles import Role
from im.models import Conversation, IMAudio
from im.services.groups.members import create_group
from im.services.media import small_files
from im.storage.writer.requests import NewGroupMessage, NewMessage, ReadMark
from im.storage.writer.writer import Writer
from im.types import GroupType, MsgType
from im.wire import cipher
from tests.admin.conftest import Company
from tests.admin.pages import text_of
from tests.files.speex import speex

KEY = b"12345678901234567890123456789012"
AT = 1_700_000_000
REASON = "complaint 17"


def say(sender: int, receiver: int, text: str, created: int = AT) -> NewMessage:
    content = cipher.encrypt_text(text, KEY).decode()
    return NewMessage(sender, receiver, MsgType.SINGLE_TEXT, content, created)


def store(*items: Any) -> None:  # Any: the writer's items
    assert None not in Writer()(items)


def operator_with(role: Role) -> Client:
    operator = Operator.objects.create_user(f"a-{role}", password="x", role=role)
    client = Client()
    client.force_login(operator)
    return client


def fields(**typed: str) -> dict[str, str]:
    day = {"since": "2023-11-14T00:00", "until": "2023-11-16T00:00"}
    return {"user": "", "peer": "", "group": "", "words": "", "reason": REASON, **day, **typed}


def find(client: Client, **typed: str) -> Any:  # Any: the test client's response
    """Fill in the form and follow to the results."""
    return client.post(reverse("admin:conversations"), fields(**typed), follow=True)


def grant_of(response: Any) -> str:  # Any: as above
    grant: str = response.context["grant"]
    return grant


# --- what is found ------------------------------------------------------------------------------


def test_chinese_words_are_found_and_who_said_them(console: Client, company: Company) -> None:
    store(say(company.lina, company.tom, "预算已经批准"), say(company.tom, company.lina, "thanks"))

    page = text_of(find(console, words="预算"))

    assert "预算已经批准" in page
    assert "李娜 (lina)" in page
    assert "thanks" not in page


def test_what_somebody_said_is_no_part_of_the_page(console: Client, company: Company) -> None:
    store(say(company.lina, company.tom, "<script>alert(1)</script>"))

    page = text_of(find(console, user="lina"))

    assert "&lt;script&gt;alert(1)" in page
    assert "<script>alert" not in page


def test_pictures_of_ours_are_shown_and_others_are_links(console: Client, company: Company) -> None:
    ours = small_files.store(b"picture", "_8x8.png")

    def picture(address: str) -> str:
        return "&$#@~^@[{:" + address + ":}]&$~@#@"

    store(
        say(company.lina, company.tom, picture(f"http://old.example:8700/{ours}")),
        say(company.lina, company.tom, picture("http://elsewhere.example/a.png")),
        say(company.lina, company.tom, picture("javascript:alert(1)")),
    )

    page = text_of(find(console, user="lina"))

    assert f'<img src="/{ours}"' in page
    assert 'href="http://elsewhere.example/a.png"' in page
    assert page.count("<img src=") == 1
    assert "javascript:" not in page


def test_voice_is_played_as_wav_under_a_grant_and_recorded(
    console: Client, company: Company
) -> None:
    path = small_files.store(speex(20), ".audio")
    row = IMAudio.objects.create(
        from_id=company.lina, to_id=company.tom, path=path, size=1, duration=1, created=AT
    )
    store(NewMessage(company.lina, company.tom, MsgType.SINGLE_AUDIO, str(row.pk), AT))

    grant = grant_of(find(console, user="tom"))
    url = reverse("admin:voice", args=[row.pk])

    assert console.get(url, {"grant": grant}).content[:4] == b"RIFF"
    assert console.get(url).status_code == 403
    [entry] = AuditEntry.objects.filter(action="hear voice")
    assert (entry.target, entry.reason) == (f"voice:{row.pk}", REASON)


def test_a_search_goes_on_step_by_step(console: Client, company: Company) -> None:
    store(*(say(company.lina, company.tom, f"text {n}", AT + n) for n in range(120)))
    response = find(console, user="lina", peer="tom")

    told = response.context["told"]
    counts = [told["count"]]
    while told["position"]:
        query = {"grant": grant_of(response), "position": told["position"]}
        told = json.loads(console.get(reverse("admin:search_step"), query).content)
        counts.append(told["count"])

    assert counts == [50, 50, 20]
    assert (told["searched"], told["total"]) == (120, 120)


# --- who may, and what is recorded --------------------------------------------------------------


def test_reading_needs_a_reason_and_is_recorded(console: Client, company: Company) -> None:
    store(say(company.lina, company.tom, "hello"))

    refused = find(console, user="lina", reason=" ")
    assert "reason" in refused.context["form"].errors
    assert not AuditEntry.objects.filter(action="read messages").exists()

    found = find(console, user="lina", words="hello")
    context = reverse("admin:conversation", args=[1, _relation(), 1])
    assert "hello" in text_of(console.get(context, {"grant": grant_of(found)}))

    entries = AuditEntry.objects.filter(action__startswith="read").order_by("number")
    assert [(one.action, one.reason, one.operator) for one in entries] == [
        ("read messages", REASON, "olga"),
        ("read conversation", REASON, "olga"),
    ]
    assert json.loads(entries[0].detail)["words"] == "hello"


def _relation() -> int:
    return Conversation.objects.get().relate_id


def test_an_auditor_reads_with_a_reason(company: Company) -> None:
    store(say(company.lina, company.tom, "hello"))

    assert "hello" in text_of(find(operator_with(Role.AUDITOR), user="lina"))


def test_an_operator_sees_that_there_are_messages_but_not_what_they_say(company: Company) -> None:
    store(say(company.lina, company.tom, "hello secret"))
    client = operator_with(Role.OPERATOR)

    response = find(client, user="lina", words="secret")
    page = text_of(response)

    assert "Tom Becker (tom)" in page
    assert "hello" not in page
    context = reverse("admin:conversation", args=[1, _relation(), 1])
    assert client.get(context, {"grant": grant_of(response)}).status_code == 403


@pytest.mark.parametrize("role", [Role.MANAGER, Role.NONE])
def test_others_have_no_such_pages(company: Company, role: Role) -> None:
    client = operator_with(role)
    path = reverse("admin:message_path", args=[1, 1, 1])
    names = ("conversations", "found_messages", "search_step", "suggest")

    codes = {client.get(url).status_code for url in (*map(_url, names), path)}

    assert codes <= {302, 403}


def _url(name: str) -> str:
    return reverse(f"admin:{name}")


def test_a_grant_is_its_operators_alone(console: Client, company: Company) -> None:
    store(say(company.lina, company.tom, "hello"))
    grant = grant_of(find(console, user="lina"))
    other = operator_with(Role.AUDITOR)

    for client, text in ((other, grant), (console, grant[:-2]), (console, "")):
        response = client.get(reverse("admin:found_messages"), {"grant": text})
        assert response.status_code == 403


def test_a_position_of_another_search_is_refused(console: Client, company: Company) -> None:
    store(*(say(company.lina, company.tom, f"text {n}", AT + n) for n in range(60)))
    one = find(console, user="lina")
    two = find(console, user="tom", reason="another")

    query = {"grant": grant_of(two), "position": one.context["told"]["position"]}

    assert console.get(reverse("admin:search_step"), query).status_code == 403


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"user": "nobody"}, "user"),
        ({"peer": "lina"}, "peer"),
        ({"group": "no such group"}, "group"),
        ({"until": "2023-11-13T00:00"}, "until"),
        ({"until": "2024-01-13T00:00"}, "since"),
        ({"since": "soon"}, "since"),
        ({"user": "#99999999999999999999"}, "user"),
    ],
)
def test_what_can_not_be_searched_for_is_said(
    console: Client, company: Company, typed: dict[str, str], field: str
) -> None:
    assert field in find(console, **typed).context["form"].errors


# --- where it went ------------------------------------------------------------------------------


def test_the_readers_of_a_message_are_listed(console: Client, company: Company) -> None:
    store(say(company.lina, company.tom, "one"), say(company.lina, company.tom, "two"))
    store(ReadMark(company.tom, company.lina, 2, AT + 60))

    first, second = (
        text_of(console.get(reverse("admin:message_path", args=[1, _relation(), number])))
        for number in (1, 2)
    )

    read_at = datetime.fromtimestamp(AT + 60, UTC).strftime("%Y-%m-%d %H:%M:%S")
    assert f"by {read_at}" in first
    assert f"<td>{read_at}</td>" in second
    assert "one" not in second.split("im-facts-list")[1].split("</dl>")[0]


def test_a_group_message_names_who_has_and_who_has_not_read_it(
    console: Client, company: Company
) -> None:
    group = create_group(
        company.lina, "team", "", [company.lina, company.tom], GroupType.NORMAL
    ).group_id
    content = cipher.encrypt_text("hi", KEY).decode()
    store(NewGroupMessage(company.lina, group, MsgType.GROUP_TEXT, content, AT))

    page = text_of(console.get(reverse("admin:message_path", args=[2, group, 1])))

    assert "0 of 1" in page
    assert "Tom Becker (tom)" in page
    assert console.get(reverse("admin:message_path", args=[2, group, 2])).status_code == 404


def test_a_page_of_results_costs_few_queries(
    console: Client, company: Company, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    store(*(say(company.lina, company.tom, f"text {n}", AT + n) for n in range(120)))
    grant = grant_of(find(console, user="lina", peer="tom"))

    with django_assert_max_num_queries(9):  # session, operator, second factor; then 6 of its own
        console.get(reverse("admin:found_messages"), {"grant": grant})


def test_names_are_offered_by_their_beginning(console: Client, company: Company) -> None:
    def offered(**query: str) -> Any:
        return json.loads(console.get(reverse("admin:suggest"), query).content)["offered"]

    assert offered(kind="user", q="李") == [["lina", "李娜"]]
    assert offered(kind="user", q="") == []
