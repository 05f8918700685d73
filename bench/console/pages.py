"""How long the console's pages take on the database DATABASE_URL names; it only reads and logs in.

    DATABASE_URL=mysql://… .venv/bin/python -m bench.console.pages

Each page is asked for ROUNDS times by an operator made for it and gone afterwards; printed are the
median and the slowest in milliseconds, and the database queries of the last.
"""

import os
import statistics
import time
from collections.abc import Iterator
from urllib.parse import urlencode

import django

ROUNDS = 7


def main() -> None:
    """Time the pages."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "teamtalk_site.settings")
    django.setup()
    from django.conf import settings
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    from admin_ui.models import Operator

    settings.ALLOWED_HOSTS = ["*"]
    operator = Operator.objects.create_superuser(
        f"bench-{os.getpid()}", password=os.urandom(9).hex()
    )
    client = Client()
    client.force_login(operator)
    try:
        for name, method, url, form in _pages():
            times = []
            for _ in range(ROUNDS):
                connection.queries_log.clear()
                with CaptureQueriesContext(connection) as queries:
                    started = time.perf_counter()
                    ask = client.post if method == "post" else client.get
                    response = ask(url, form, follow=True)
                    times.append((time.perf_counter() - started) * 1000)
            assert response.status_code == 200, (url, response.status_code)
            print(
                f"{name:<46} {statistics.median(times):7.0f} {max(times):7.0f} {len(queries):5d}",
                flush=True,
            )
    finally:
        operator.delete()


def _pages() -> Iterator[tuple[str, str, str, dict[str, str]]]:
    from im.models import Conversation, IMGroup, IMUser

    now = time.time()

    def day(ago: float) -> str:
        return time.strftime("%Y-%m-%dT%H:%M", time.localtime(now - ago * 86_400))

    def found(**fields: str) -> dict[str, str]:
        form = {"since": day(30), "until": day(-1), "reason": "measuring"}
        return form | {"user": "", "peer": "", "group": "", "words": ""} | fields

    busiest = Conversation.objects.order_by("-last_msg_id").first()
    assert busiest is not None
    people = IMUser.objects.in_bulk([busiest.small_id, busiest.big_id])
    one, two = (people[user_id].name for user_id in (busiest.small_id, busiest.big_id))
    group = IMGroup.objects.order_by("-last_chated").first()
    assert group is not None
    yield "users", "get", "/admin/im/imuser/", {}
    yield "users, a search", "get", "/admin/im/imuser/", {"q": "u0500"}
    yield (
        "users, last page",
        "get",
        f"/admin/im/imuser/?{urlencode({'p': IMUser.objects.count() // 50})}",
        {},
    )
    yield "departments", "get", "/admin/im/imdepart/", {}
    yield "groups", "get", "/admin/im/imgroup/", {}
    yield "audit log", "get", "/admin/admin_ui/auditentry/", {}
    yield "dashboard, day", "get", "/admin/dashboard/?range=day", {}
    yield "dashboard, month", "get", "/admin/dashboard/?range=month", {}
    yield "live", "get", "/admin/live/", {}
    yield "find messages, the form", "get", "/admin/conversations/", {}
    url = "/admin/conversations/"
    yield "  newest 50 of all, 30 days", "post", url, found()
    yield "  newest 50 of a user", "post", url, found(user=one, since=day(365))
    yield "  newest 50 of two", "post", url, found(user=one, peer=two, since=day(365))
    yield "  newest 50 of a group", "post", url, found(group=f"#{group.pk}", since=day(365))
    yield "  a word, 50 of all, 30 days", "post", url, found(words="预算")
    place = f"1/{busiest.relate_id}/{busiest.last_msg_id // 2}/"
    yield "where a message went", "get", f"/admin/conversations/path/{place}", {}


if __name__ == "__main__":
    main()
