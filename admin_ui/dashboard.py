"""The dashboard: what goes on, from counters; nothing here looks at messages."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest, HttpResponseBase
from django.template.defaultfilters import filesizeformat
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.timezone import localtime
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from admin_ui.charts import Bar, Chart, chart
from admin_ui.names import names_of
from admin_ui.roles import VIEW_CONVERSATIONS, VIEW_DASHBOARD, VIEW_LIVE
from admin_ui.site import console_page
from im.delivery.remote import control_client
from im.delivery.remote.control_client import Answers
from im.services.media import uploads
from im.services.monitoring import disk_usage, statistics
from im.services.monitoring.statistics import BEYOND_MS, HOUR_S, Kind

GROUPS = 10
SERIES = (*statistics.MESSAGES, Kind.LOGINS, Kind.FAILED_LOGINS, Kind.ONLINE)
_LOCAL = "%Y-%m-%dT%H:%M"


@dataclass(frozen=True, slots=True)
class Range:
    """How much time a dashboard shows; `by_day`: a bar is a day, not an hour."""

    name: str
    title: Any  # translated lazily
    days: int
    by_day: bool


RANGES = (
    Range("day", _("24 hours"), 1, False),
    Range("week", _("7 days"), 7, False),
    Range("month", _("30 days"), 30, True),
)


@dataclass(frozen=True, slots=True)
class Slot:
    """The time of one bar, unix seconds."""

    since: int
    until: int
    label: str
    title: str


@console_page("dashboard/", name="dashboard", permission=VIEW_DASHBOARD)
def dashboard(request: HttpRequest) -> HttpResponseBase:
    """Show figures and charts of a day, a week or a month."""
    chosen = next((one for one in RANGES if one.name == request.GET.get("range")), RANGES[0])
    slots = _slots(chosen)
    since, until = slots[0].since, slots[-1].until
    hours = statistics.by_hour(SERIES, since, until)
    links = _Links(request)
    answers = control_client.gateways()
    groups = statistics.top_groups(since - since % HOUR_S, until, GROUPS)
    site: Any = admin.site
    context = {
        "ranges": RANGES,
        "chosen": chosen,
        "answers": answers,
        "tiles": _tiles(hours, statistics.latencies(since, until), links, _online(answers)),
        "charts": [(one, _key(one)) for one in _charts(slots, hours, links)],
        "latency": (_latency_chart(since, until), ()),
        "groups": _top_groups(groups, links, since, until),
    }
    return TemplateResponse(
        request, "admin_ui/dashboard.html", site.page_context(request, _("Dashboard"), **context)
    )


class _Links:
    """Where bars lead, for an operator who may go there."""

    def __init__(self, request: HttpRequest) -> None:
        self._may_find = request.user.has_perm(VIEW_CONVERSATIONS)
        self._may_see_live = request.user.has_perm(VIEW_LIVE)

    def messages(self, since: int, until: int, **more: str) -> str:
        """Return the search for messages of that time."""
        if not self._may_find:
            return ""
        times = {"since": _local(since).strftime(_LOCAL), "until": _local(until).strftime(_LOCAL)}
        return f"{reverse('admin:conversations')}?{urlencode(times | more)}"

    def live(self) -> str:
        """Return the list of who is online."""
        return reverse("admin:live") if self._may_see_live else ""


def _slots(chosen: Range) -> list[Slot]:
    """Return the times of the bars, oldest first, up to the present hour or day."""
    now = localtime()
    if not chosen.by_day:
        end = now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
        last = int(end.timestamp())
        starts = range(last - chosen.days * 24 * HOUR_S, last, HOUR_S)
        return [_hour_slot(start, with_day=chosen.days > 1) for start in starts]
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    days = [today - timedelta(days=back) for back in range(chosen.days - 1, -2, -1)]
    moments = [int(day.timestamp()) for day in days]  # by the calendar: not all are equally long
    return [
        Slot(start, end, day.strftime("%m-%d"), day.strftime("%Y-%m-%d"))
        for day, start, end in zip(days, moments, moments[1:], strict=False)
    ]


def _hour_slot(start: int, *, with_day: bool) -> Slot:
    at = _local(start)
    label = at.strftime("%H:%M")
    if with_day:
        label = at.strftime("%m-%d") if at.hour == 0 else ""
    return Slot(start, start + HOUR_S, label, at.strftime("%Y-%m-%d %H:%M"))


def _charts(
    slots: Sequence[Slot], hours: dict[Kind, dict[int, int]], links: _Links
) -> Iterable[Chart]:
    def bars(kinds: Sequence[Kind], link: Any) -> list[Bar]:
        return [
            Bar(slot.label, values, _title(slot, values), link(slot))
            for slot in slots
            for values in [[_within(kind, hours[kind], slot) for kind in kinds]]
        ]

    def to_messages(slot: Slot) -> str:
        return links.messages(slot.since, slot.until)

    def to_live(slot: Slot) -> str:
        return links.live()

    yield chart(
        _("Messages"),
        (_("one to one"), _("in groups"), _("voice")),
        bars(statistics.MESSAGES, to_messages),
        (0, 1, 2),
    )
    yield chart(_("Online at most"), (_("users"),), bars((Kind.ONLINE,), to_live), (2,))
    yield chart(_("Logins"), (_("logins"),), bars((Kind.LOGINS,), to_live), (0,))
    failed = bars((Kind.FAILED_LOGINS,), to_live)
    yield chart(_("Failed logins"), (_("failed"),), failed, (3,))


def _within(kind: Kind, hours: dict[int, int], slot: Slot) -> int:
    first = slot.since - slot.since % HOUR_S
    found = (hours.get(hour, 0) for hour in range(first, slot.until, HOUR_S))
    return max(found, default=0) if kind is Kind.ONLINE else sum(found)


def _title(slot: Slot, values: Sequence[int]) -> str:
    return f"{slot.title}: {' + '.join(f'{value:,}' for value in values)}"


def _latency_chart(since: int, until: int) -> Chart:
    spans = statistics.latencies(since, until)
    bounds = (*statistics.LATENCY_BOUNDS_MS, BEYOND_MS)
    bars = [
        Bar(_span(bound), [spans.get(bound, 0)], f"{_span(bound)}: {spans.get(bound, 0):,}")
        for bound in bounds
    ]
    return chart(_("Time until a message is stored and passed on"), (), bars, (0,))


def _span(bound: int) -> str:
    if bound == BEYOND_MS:
        return f"> {statistics.LATENCY_BOUNDS_MS[-1] // 1000} s"
    return f"≤ {bound} ms" if bound < 1000 else f"≤ {bound // 1000} s"


def _key(drawn: Chart) -> list[tuple[Any, int]]:
    return list(zip(drawn.series, drawn.colours, strict=True)) if len(drawn.series) > 1 else []


def _tiles(
    hours: dict[Kind, dict[int, int]], spans: dict[int, int], links: _Links, online: str
) -> list[tuple[Any, str, str]]:
    """Return (what, figure, where it leads)."""
    room = disk_usage.room()
    sent = sum(sum(hours[kind].values()) for kind in statistics.MESSAGES)
    half, slow = (statistics.percentile(spans, share) for share in (0.5, 0.99))
    return [
        (_("Online now"), online, links.live()),
        (_("Online at most"), f"{max(hours[Kind.ONLINE].values(), default=0):,}", links.live()),
        (_("Messages"), f"{sent:,}", ""),
        (_("Logins"), f"{sum(hours[Kind.LOGINS].values()):,}", ""),
        (_("Failed logins"), f"{sum(hours[Kind.FAILED_LOGINS].values()):,}", ""),
        (_("Delivery, half / 99%"), f"≤ {half} / {slow} ms" if half and slow else "–", ""),
        (_("Messages in all"), f"{room.messages:,}", ""),
        (_("Database"), filesizeformat(room.database_bytes), ""),
        (_("Uploaded today"), filesizeformat(uploads.bytes_today()), ""),
        (_("Free on the disk"), _free(room.free_bytes), ""),
    ]


def _online(answers: Answers) -> str:
    """Return how many users are online, as far as it is known."""
    users = sum(one.users for one in answers.gateways)
    if not answers.is_cut_off:
        return f"{users:,}"
    return f"≥ {users:,}" if answers.gateways else "–"


def _free(free_bytes: int) -> str:
    """Say how much is free, and what comes of too little."""
    size = filesizeformat(free_bytes)
    if free_bytes >= settings.IM_FREE_DISK_BYTES:
        return size
    return gettext("%(size)s: pictures and voice are refused") % {"size": size}


def _top_groups(
    found: Sequence[tuple[int, int]], links: _Links, since: int, until: int
) -> list[tuple[str, int, str]]:
    names = names_of((), [group_id for group_id, _count in found])
    return [
        (names.group(group_id), count, links.messages(since, until, group=f"#{group_id}"))
        for group_id, count in found
    ]


def _local(unix_seconds: int) -> datetime:
    return localtime(datetime.fromtimestamp(unix_seconds, UTC))
