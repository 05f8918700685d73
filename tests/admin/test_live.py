"""Live and dashboard in the console, with a node in this process as in the embedded form."""

import asyncio
import json
import re
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import DjangoAssertNumQueries, Settings

from admin_ui.models import AuditEntry
from admin_ui.roles import Role
from im import dispatch
from im.delivery.cluster.bus import Bus
from im.delivery.node import Node
from im.models import IMUser, Statistic
from im.services.media import uploads
from im.services.monitoring import statistics
from im.services.monitoring.statistics import Kind
from im.types import ClientType, DeviceClass
from im.wire import cipher
from tests import reading
from tests.admin.conftest import Company
from tests.admin.pages import text_of
from tests.admin.test_conversations import KEY, operator_with
from tests.doubles import RecordingLayer, RecordingLink, session_on
from tests.gateway.connected import GATEWAY
from tests.ports import free_port

# The node's loop is another thread; SQLite's test database is shared by committing.
pytestmark = pytest.mark.django_db(transaction=True)


class Hosted:
    """A node on a loop in a thread of its own, with sessions that have logged in."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.links: dict[int, RecordingLink] = {}
        self.retired: list[bool] = []

    def log_in(self, user_id: int, client_type: int = ClientType.WINDOWS) -> RecordingLink:
        """Return the link of a new session of the user."""
        link = RecordingLink()
        self.on_loop(self._log_in, link, user_id, client_type)
        return link

    def _log_in(self, link: RecordingLink, user_id: int, client_type: int) -> None:
        self.node.log_in(session_on(link, self.node), user_id, client_type)

    def on_loop(self, function: Any, *arguments: Any) -> Any:
        """Run something where the node lives."""

        async def run() -> Any:
            return function(*arguments)

        return asyncio.run_coroutine_threadsafe(run(), self.node.loop).result(10)


@pytest.fixture
def hosted() -> Iterator[Hosted]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    async def start() -> Node:
        node = dispatch.open_node(Bus(RecordingLayer(), "channel"), replace(GATEWAY, started=1))
        await node.start()
        return node

    node = asyncio.run_coroutine_threadsafe(start(), loop).result(10)
    hosted = Hosted(node)

    node.retire = lambda: hosted.retired.append(True)
    yield hosted
    asyncio.run_coroutine_threadsafe(node.stop(), loop).result(10)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)
    loop.close()


@pytest.fixture
def system(company: Company) -> IMUser:
    user = IMUser(name="system", nick="系统", depart_id=company.top, created=1, updated=1)
    user.save()
    return user


# --- who is online ------------------------------------------------------------------------------


def test_gateways_and_who_is_online_are_listed(
    console: Client, company: Company, hosted: Hosted
) -> None:
    hosted.log_in(company.lina)
    hosted.log_in(company.tom, ClientType.IOS)

    page = text_of(console.get(reverse("admin:live")))

    assert "127.0.0.1:8000" in page
    assert "李娜 (lina)" in page
    assert "<td>iOS</td>" in page


def test_somebody_online_is_found_by_the_beginning_of_a_name(
    console: Client, company: Company, hosted: Hosted
) -> None:
    hosted.log_in(company.lina)
    hosted.log_in(company.tom)

    page = text_of(console.get(reverse("admin:live"), {"q": "李"}))

    assert "lina" in page
    assert "Tom Becker" not in page


def test_a_long_list_has_pages(
    console: Client, company: Company, hosted: Hosted, monkeypatch: pytest.MonkeyPatch
) -> None:
    from admin_ui import live

    monkeypatch.setattr(live, "USERS", 2)
    for user_id in (901, 902, 903):
        hosted.log_in(user_id)
    seen: list[list[int]] = []
    url = reverse("admin:live")

    for _ in range(2):
        context = console.get(url).context
        seen.append([one.user_id for one in context["connections"]])
        url = reverse("admin:live") + context["next"]

    assert seen == [[901, 902], [903]]


def test_without_a_gateway_the_page_says_so(console: Client, company: Company) -> None:
    assert "No gateway is running" in text_of(console.get(reverse("admin:live")))


def test_the_page_costs_few_queries(
    console: Client,
    company: Company,
    hosted: Hosted,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    for user_id in range(900, 960):
        hosted.log_in(user_id)

    with django_assert_max_num_queries(5):  # session, operator, second factor, names, announcements
        console.get(reverse("admin:live"))


CUT_OFF = "Redis does not answer: what follows is known of this process's own gateway only."


def test_while_the_registry_is_down_the_list_of_users_knows_its_own_connections_only(
    console: Client, company: Company, hosted: Hosted
) -> None:
    hosted.log_in(company.lina)
    mirror = hosted.node.presence.mirror("of another gateway")
    hosted.on_loop(mirror.note, company.tom, ((DeviceClass.PC.value, 1),))
    url = reverse("admin:im_imuser_changelist")

    whole = console.get(url)
    hosted.node.lease.is_down = True
    partial = console.get(url)
    chinese = console.get(url, headers={"accept-language": "zh-CN"})
    of_tom = console.get(reverse("admin:im_imuser_change", args=[company.tom]))

    assert online(whole) == ["PC", "PC"]
    assert "Redis does not answer" not in text_of(whole)
    assert online(partial) == ["PC", "unknown"]
    assert CUT_OFF in text_of(partial)
    assert "Redis 没有应答：以下内容仅来自本进程自己的网关。" in text_of(chinese)
    assert "unknown" in text_of(of_tom)


def test_a_console_without_connections_says_that_redis_is_away(
    console: Client, company: Company, settings: Settings
) -> None:
    settings.REDIS_URL = f"redis://127.0.0.1:{free_port()}/0"

    page = console.get(reverse("admin:im_imuser_changelist"))

    assert online(page) == ["unknown", "unknown"]
    assert "Redis does not answer" in text_of(page)


def online(response: Any) -> list[str]:  # Any: the test client's response
    """Return what the list of users says in its column of who is online."""
    return re.findall(r"<td[^>]*field-online[^>]*>\s*(.*?)\s*</td>", text_of(response), re.S)


# --- what is done about it ----------------------------------------------------------------------


def test_a_connection_is_ended_after_asking(
    console: Client, company: Company, hosted: Hosted
) -> None:
    desk, phone = hosted.log_in(company.tom), hosted.log_in(company.tom, ClientType.IOS)
    session = hosted.node.sessions.of_user(company.tom)[0]
    fields = {"user": str(company.tom), "session": str(session.id), "gateway": GATEWAY.id}
    url = reverse("admin:disconnect")

    asked = text_of(console.get(url, fields))
    assert "Disconnect Tom Becker (tom)?" in asked
    assert [desk.closed_after_s, phone.closed_after_s] == [None, None]
    console.post(url, fields)

    assert [desk.closed_after_s, phone.closed_after_s] == [0, None]
    assert AuditEntry.objects.get(action="disconnect").target == f"im.imuser:{company.tom}"


def test_a_gateway_is_drained_after_asking(
    console: Client, company: Company, hosted: Hosted
) -> None:
    url, fields = reverse("admin:retire_gateway"), {"gateway": GATEWAY.id}

    assert "nobody will be able to log in" in text_of(console.get(url, fields))
    assert hosted.retired == []
    console.post(url, fields)

    assert hosted.retired == [True]
    assert hosted.node.gateway.is_retired
    assert AuditEntry.objects.filter(action="drain").count() == 1
    assert console.get(url, {"gateway": "unknown"}).status_code == 404


def test_an_announcement_reaches_everybody_online_once(
    console: Client, company: Company, hosted: Hosted, system: IMUser
) -> None:
    links = [hosted.log_in(company.lina), hosted.log_in(company.tom)]

    page = console.post(reverse("admin:announce"), {"text": "今晚维护"}, follow=True)
    url = reverse("admin:announce_step", args=[page.context["found"].pk])
    told = [json.loads(console.post(url).content) for _ in range(2)]

    assert [one["is_over"] for one in told] == [True, True]
    for person in (company.lina, company.tom):
        assert len(reading.page(person, system.pk)) == 1
    said = cipher.encrypt_text("今晚维护", KEY)
    deadline = time.monotonic() + 10
    while not all(said in b"".join(link.sent) for link in links) and time.monotonic() < deadline:
        time.sleep(0.01)  # the node's thread delivers it
    assert [b"".join(link.sent).count(said) for link in links] == [1, 1]
    assert AuditEntry.objects.filter(action="announce").count() == 1


def test_without_the_systems_user_nothing_can_be_announced(
    console: Client, company: Company, settings: Settings
) -> None:
    settings.IM_NOTICE_SENDER = "nobody"

    assert "add one of this name first" in text_of(console.get(reverse("admin:announce")))
    response = console.post(reverse("admin:announce"), {"text": "hello"})
    assert "text" in response.context["form"].errors


@pytest.mark.parametrize(
    ("role", "may_see", "may_control"),
    [
        (Role.OPERATOR, True, True),
        (Role.AUDITOR, True, False),
        (Role.MANAGER, False, False),
    ],
)
def test_who_may_see_and_who_may_act(
    company: Company, role: Role, may_see: bool, may_control: bool
) -> None:
    client = operator_with(role)

    def opens(name: str, *args: int) -> bool:
        return client.get(reverse(f"admin:{name}", args=args)).status_code != 403

    assert (opens("live"), opens("dashboard")) == (may_see, may_see)
    acts = ("disconnect", "retire_gateway", "announce")
    assert {opens(name) for name in acts} | {opens("announcement", 1)} == {may_control}


# --- the dashboard ------------------------------------------------------------------------------


def hour(ago: int) -> int:
    now = int(time.time())
    return now - now % 3600 - ago * 3600


def test_bars_have_the_figures_and_lead_to_the_messages_of_their_hour(
    console: Client, company: Company
) -> None:
    Statistic.objects.bulk_create(
        [
            Statistic(kind=Kind.SINGLE, hour=hour(2), value=1234),
            Statistic(kind=Kind.FAILED_LOGINS, hour=hour(2), value=7),
            Statistic(kind=Kind.ONLINE, hour=hour(3), value=42),
            Statistic(kind=Kind.LATENCY, hour=hour(2), subject=20, value=99),
            Statistic(kind=Kind.SINGLE, hour=hour(30), value=1_000_000),
        ]
    )

    day, week = (
        console.get(reverse("admin:dashboard"), {"range": name}) for name in ("day", "week")
    )

    tiles = {str(title): figure for title, figure, _url in day.context["tiles"]}
    assert (tiles["Messages"], tiles["Failed logins"], tiles["Online at most"]) == (
        "1,234",
        "7",
        "42",
    )
    assert tiles["Delivery, half / 99%"] == "≤ 20 / 20 ms"
    assert "1,001,234" in text_of(week)
    [bar] = [one for one in day.context["charts"][0][0].columns if one.pieces]
    form = console.get(bar.url).context["form"]
    since = time.strftime("%Y-%m-%dT%H:%M", time.gmtime(hour(2)))
    assert form["since"].value() == since


def test_uploads_and_a_disk_that_is_too_full_for_them_are_shown(
    console: Client, settings: Settings
) -> None:
    uploads.charge(2048, uploads.limit_of_person(7))
    uploads.charge(1024, uploads.limit_of_network("192.0.2.1", 1))

    def tiles() -> dict[str, str]:
        context = console.get(reverse("admin:dashboard")).context
        return {str(title): str(figure) for title, figure, _url in context["tiles"]}

    assert tiles()["Uploaded today"] == "3.0 KB"
    assert "refused" not in tiles()["Free on the disk"]
    settings.IM_FREE_DISK_BYTES = 1 << 60
    assert "pictures and voice are refused" in tiles()["Free on the disk"]


def test_the_busiest_groups_are_named(console: Client, company: Company) -> None:
    from im.services.groups.members import create_group
    from im.types import GroupType

    group = create_group(company.lina, "团队", "", [company.lina], GroupType.NORMAL).group_id
    today = statistics.today()
    Statistic.objects.create(kind=Kind.OF_GROUP, hour=today, subject=group, value=5)

    page = text_of(console.get(reverse("admin:dashboard"), {"range": "week"}))

    assert "团队" in page


def test_a_month_of_figures_costs_few_queries(
    console: Client, company: Company, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    Statistic.objects.bulk_create(
        Statistic(kind=kind, hour=hour(ago), value=ago)
        for kind in (Kind.SINGLE, Kind.GROUP, Kind.LOGINS)
        for ago in range(700)
    )

    with django_assert_max_num_queries(10):
        console.get(reverse("admin:dashboard"), {"range": "month"})
