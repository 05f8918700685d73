"""What the chat's views answer when there is too much to do, and whose pages may connect."""

import json
from collections.abc import Awaitable, Callable

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import AsyncRequestFactory
from pytest_django.fixtures import Settings

from im.consumers.web import is_allowed_origin
from im.errors import Overloaded
from im.services.identity.login import Credentials
from im.views import chat

View = Callable[[HttpRequest], Awaitable[HttpResponse]]


@pytest.mark.parametrize("view", [chat.log_in, chat.change_password])
async def test_a_desk_with_too_much_to_do_is_no_failure(
    view: View, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def overloaded(credentials: Credentials) -> None:
        raise Overloaded("too many wait")

    async def name(request: HttpRequest) -> str:
        return "ada"

    monkeypatch.setattr(chat, "_check", overloaded)
    monkeypatch.setattr(chat, "_name", name)
    wish = {"name": "ada", "password": "pass", "old": "pass", "new": "a new password"}

    answer = await view(AsyncRequestFactory().post("/", wish, content_type="application/json"))

    assert answer.status_code == 503
    assert json.loads(answer.content)["error"] == "overloaded"


async def test_a_long_body_is_not_read_though_it_announces_no_length(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("im.views.chat.json.loads", lambda body: pytest.fail("it was read"))
    body = '{"name": [' + "[]," * 10_000 + '[]], "password": "pass"}'
    request = AsyncRequestFactory().post("/", body, content_type="application/json")
    del request.META["CONTENT_LENGTH"]  # as of one that comes in chunks

    answer = await chat.log_in(request)

    assert answer.status_code == 400


@pytest.mark.parametrize(
    ("host", "origin", "is_allowed"),
    [
        (b"chat.example", b"", True),
        (b"chat.example", b"https://chat.example", True),
        (b"chat.example", b"https://chat.example.evil.example", False),
        (b"chat.example", b"null", False),
        (b"chat.example", b"http://[", False),
        (b"[", b"", False),
        (b"evil.example", b"https://evil.example", False),
    ],
)
def test_only_pages_of_our_own_host_may_connect(
    host: bytes, origin: bytes, is_allowed: bool, settings: Settings
) -> None:
    settings.ALLOWED_HOSTS = ["chat.example"]
    settings.IM_WEB_ORIGINS = []

    assert is_allowed_origin({b"host": host, b"origin": origin}) is is_allowed
