"""What operators do in the console reaches people who are connected."""

import re
from collections.abc import AsyncIterator
from http.cookiejar import CookieJar
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, build_opener

import pytest
from asgiref.sync import sync_to_async

from im.types import LoginResult
from im.wire.proto import buddy_pb2
from tests.client import Client
from tests.conftest import manage
from tests.people import People
from tests.server import Server

PASSWORD = "a console password"


class Console:
    """A browser of an operator, as far as forms go."""

    def __init__(self, port: int, *headers: tuple[str, str]) -> None:
        self._base = f"http://127.0.0.1:{port}/admin"
        self._browser = build_opener(HTTPCookieProcessor(CookieJar()))
        self._browser.addheaders += headers

    def get(self, path: str) -> str:
        with self._browser.open(self._base + path) as answer:
            return str(answer.read().decode())

    def post(self, path: str, **fields: str) -> str:
        """Send the form of a page with some fields changed; return the page that follows."""
        page = self.get(path)
        values = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page))
        for tag in re.findall(r'<input type="(?:text|email)"[^>]*>', page):
            name = re.search(r'name="(\w+)"', tag)
            value = re.search(r'value="([^"]*)"', tag)
            if name:
                values[name[1]] = value[1] if value else ""
        for name, options in re.findall(r'<select name="(\w+)"(.*?)</select>', page, re.S):
            chosen = re.search(r'value="(\d+)"[^>]*selected', options)
            if chosen:
                values[name] = chosen[1]
        with self._browser.open(self._base + path, urlencode(values | fields).encode()) as answer:
            return str(answer.read().decode())


@pytest.fixture(scope="module")
def console(server: Server, database_url: str) -> Console:
    code = (
        "from admin_ui.models import Operator; "
        f"Operator.objects.create_superuser('chief', password={PASSWORD!r})"
    )
    manage("shell", "-c", code, database_url=database_url)
    console = Console(server.http_port)
    console.post("/login/", username="chief", password=PASSWORD)
    return console


@pytest.fixture
async def guest(server: Server) -> AsyncIterator[Client]:
    async with await Client.connect(server.port) as client:
        yield client


async def test_who_is_set_to_left_is_disconnected_and_stays_out(
    server: Server, people: People, console: Console, guest: Client
) -> None:
    [ada] = people(1)
    await guest.log_in(ada.name)

    await sync_to_async(console.post)(f"/im/imuser/{ada.id}/change/", status="3")

    assert await guest.closed()
    async with await Client.connect(server.port) as again:
        answer = await again.try_log_in(ada.name)
        assert answer.result_code == int(LoginResult.VALIDATE_FAILED)


async def test_a_new_password_ends_the_sessions_of_the_old_one(
    server: Server, people: People, console: Console, guest: Client
) -> None:
    [ada] = people(1)
    await guest.log_in(ada.name)

    await sync_to_async(console.post)(
        f"/im/imuser/{ada.id}/password/",
        password="brand new",
        password_again="brand new",
        reason="lost",
    )

    assert await guest.closed()
    async with await Client.connect(server.port) as again:
        await again.log_in(ada.name, "brand new")


async def test_a_new_nickname_is_in_the_next_incremental_sync(
    server: Server, people: People, console: Console, guest: Client
) -> None:
    ada, bob = people(2)
    await guest.log_in(bob.name)
    sync = buddy_pb2.IMAllUserReq(user_id=bob.id, latest_update_time=0)
    stamp = (await guest.call(sync, buddy_pb2.IMAllUserRsp)).latest_update_time

    await sync_to_async(console.post)(f"/im/imuser/{ada.id}/change/", nick="阿达")

    sync = buddy_pb2.IMAllUserReq(user_id=bob.id, latest_update_time=stamp)
    answer = await guest.call(sync, buddy_pb2.IMAllUserRsp)
    assert {user.user_id: user.user_nick_name for user in answer.user_list}[ada.id] == "阿达"
