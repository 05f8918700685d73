"""The address of the web that clients are given, by what they have asked and how."""

import pytest
from django.test import Client, RequestFactory
from pytest_django.fixtures import Settings

from im.views.own_address import public_url, url_said
from tests.conftest import manage

ASKED = {"SERVER_NAME": "10.0.0.5", "SERVER_PORT": "8080"}


@pytest.mark.parametrize(
    ("public", "scheme", "host", "url"),
    [
        ("", "http", "im.example:8080", "http://im.example:8080"),
        ("", "http", "[fd00::10]:8080", "http://[fd00::10]:8080"),
        ("", "http", "", "http://10.0.0.5:8080"),
        ("", "http", "fd00::10:8080", "http://10.0.0.5:8080"),
        ("", "http", "a,b", "http://10.0.0.5:8080"),
        ("http://im.example:8080", "http", "", "http://im.example:8080"),
        ("https://im.example", "http", "10.0.0.5:8080", "http://10.0.0.5:8080"),
        ("https://im.example", "http", "im.example:8080", "http://im.example:8080"),
        ("https://im.example", "http", "", "http://10.0.0.5:8080"),
        ("https://im.example", "http", "im.example", "https://im.example"),
        ("https://im.example", "https", "other.example", "https://other.example"),
        ("https://im.example", "https", "", "https://im.example"),
    ],
)
def test_an_upload_is_named_as_its_client_has_reached_us(
    settings: Settings, public: str, scheme: str, host: str, url: str
) -> None:
    settings.IM_PUBLIC_URL = public
    named = {"HTTP_HOST": host} if host else {}

    request = RequestFactory().post("/", secure=scheme == "https")
    request.META |= ASKED | named

    assert url_said(request) == url


@pytest.mark.parametrize(
    ("server", "url"),
    [
        ("10.0.0.5", "http://10.0.0.5:8080"),
        ("fd00::10", "http://[fd00::10]:8080"),
        ("::ffff:10.0.0.5", "http://10.0.0.5:8080"),
        ("im.example", "http://im.example:8080"),
    ],
)
def test_without_a_setting_the_web_is_where_it_was_asked(
    settings: Settings, server: str, url: str
) -> None:
    settings.IM_PUBLIC_URL = ""

    request = RequestFactory().get("/msg_server")
    request.META |= {"SERVER_NAME": server, "SERVER_PORT": "8080"}

    assert public_url(request) == url


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("public", "host", "is_told"),
    [
        ("https://im.example", "im.example", True),
        ("https://im.example", "10.0.0.5:8080", False),
        ("http://im.example", "im.example", False),
        ("", "im.example", False),
    ],
)
def test_browsers_are_told_to_use_tls_with_the_public_host_alone(
    settings: Settings, public: str, host: str, is_told: bool
) -> None:
    settings.IM_PUBLIC_URL, settings.ALLOWED_HOSTS = public, ["*"]

    for path in ("/admin/login/", "/chat"):
        answer = Client().get(path, headers={"host": host})
        assert ("Strict-Transport-Security" in answer.headers) is is_told


def test_with_https_no_cookie_goes_without_it() -> None:
    show = "from django.conf import settings as s; print([s.SESSION_COOKIE_SECURE, "
    show += "s.CSRF_COOKIE_SECURE, s.LANGUAGE_COOKIE_SECURE, s.CSRF_TRUSTED_ORIGINS])"

    shown = [
        manage("shell", "-v0", "-c", show, database_url="sqlite://:memory:", IM_PUBLIC_URL=url)
        for url in ("https://im.example:8443/", "http://im.example")
    ]

    assert shown[0].splitlines()[-1] == "[True, True, True, ['https://im.example:8443']]"
    assert shown[1].splitlines()[-1] == "[False, False, False, []]"
