"""The web behind a real nginx, configured as the page on operations says."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests import services
from tests.conftest import ROOT, manage, require
from tests.e2e.test_console import PASSWORD, Console
from tests.people import People
from tests.ports import free_port
from tests.server import Server
from tests.web.conftest import Sockets

BLOCK = re.compile(r"^    location / \{\n.*?^    \}\n", re.MULTILINE | re.DOTALL)


class Site(NamedTuple):
    """nginx, and the server behind it."""

    nginx: services.Nginx
    server: Server


@pytest.fixture
def site(own_database_url: str, tmp_path: Path) -> Iterator[Site]:
    require(services.missing_for_nginx())
    page = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    block = BLOCK.search(page)
    assert block
    http_port = free_port()
    nginx = services.Nginx(block[0].replace("127.0.0.1:8080", f"127.0.0.1:{http_port}"))
    server = Server(
        own_database_url,
        tmp_path / "var",
        IM_HTTP_PORT=http_port,
        IM_TRUSTED_PROXIES="127.0.0.1",
        IM_PUBLIC_URL=f"http://127.0.0.1:{nginx.port}",
    ).start()
    yield Site(nginx, server)
    server.kill()
    nginx.stop()


async def test_the_chat_connects_through_nginx_on_any_port(site: Site, people: People) -> None:
    [ada] = people(1)
    async with Sockets(site.nginx.port) as sockets:
        page = f"http://127.0.0.1:{site.nginx.port}"

        client = await sockets.connect(origin=page)

        assert (await client.log_in(ada.name)).user_id == ada.id


def test_operators_log_in_through_nginx_and_have_their_own_address(
    site: Site, own_database_url: str
) -> None:
    made = "from admin_ui.models import Operator; "
    made += f"Operator.objects.create_superuser('behind', password={PASSWORD!r})"
    manage("shell", "-c", made, database_url=own_database_url)
    asked = "from admin_ui.models import AuditEntry; "
    asked += "print(AuditEntry.objects.order_by('number').last().address)"

    # As another proxy, before nginx, says it.
    console = Console(site.nginx.port, ("X-Forwarded-For", "203.0.113.7:51234"))
    site.server.wait_for("ready")
    page = console.post("/login/", username="behind", password=PASSWORD)

    assert "behind" in page
    shown = manage("shell", "-v0", "-c", asked, database_url=own_database_url)
    assert shown.splitlines()[-1] == "203.0.113.7"
