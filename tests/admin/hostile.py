"""Requests that nobody's browser sends: every address of the site with values that fit nowhere.

Run by `report()` on an empty, migrated database of either kind.
"""

import json
import logging
import random
import re
import sys
from collections.abc import Iterable, Iterator
from http import HTTPStatus
from itertools import chain
from typing import Any
from urllib.parse import quote, urlencode

from django.apps import apps
from django.contrib import admin
from django.core.signals import got_request_exception
from django.forms import BaseForm
from django.test import Client
from django.test.utils import setup_test_environment
from django.urls import URLPattern, get_resolver

from admin_ui.models import Operator
from admin_ui.roles import Role
from im.models import IMUser
from im.services.directory import users
from im.services.directory.discovery_links import ItemCard, create_item
from im.services.directory.users import DepartmentCard, UserCard
from im.services.groups import members
from im.types import GroupType

HUGE = str(10**30)  # beyond every column
ABOVE_BIGINT = str(2**63)
DIGITS = "9" * 5000  # more than Python turns into a number
NUL = "a\0b"
EMOJI = "\N{GRINNING FACE}"
HALF = "\ud83d"  # of a surrogate pair
NUMBERS = (HUGE, ABOVE_BIGINT, str(2**32), DIGITS, f"-{HUGE}", "-1", "٣", "²", "1.5", "nan")
TEXTS = (NUL, EMOJI, HALF, "%", "'", "[", "x" * 5000, "")
VALUES = (*NUMBERS, *TEXTS)
LOOKUPS = (
    "", "__in", "__gt", "__lte", "__range", "__isnull", "__contains", "__iexact", "__regex",
    "__date", "__year", "__nothing",
)  # fmt: skip
LIST_NAMES = (
    "o", "p", "q", "e", "all", "_popup", "_to_field", "_changelist_filters", "_facets",
    "department", "status", "sex", "type", "action", "role", "updated_from", "updated_to",
    "last_chated_from", "at_from", "at_to",
)  # fmt: skip
PAGE_NAMES = (
    "q", "p", "page", "term", "after", "grant", "position", "have", "kind", "user", "peer",
    "group", "since", "until", "session", "gateway", "days", "begin", "next", "id", "app_label",
)  # fmt: skip

Request = tuple[str, str, bytes, str]  # method, path with query, body, content type
FORM = "application/x-www-form-urlencoded"


def report(share: float = 1.0, seed: int = 1) -> list[str]:
    """Make a small company, send a share of all requests, and return which made the server fail."""
    logging.disable(logging.ERROR)
    setup_test_environment()  # responses know their forms
    client = _console()
    known = addresses()
    kinds = (
        _ids(known), _queries(known), _lists(), _choices(), _forms(client, known), _actions(),
        _bodies(known),
    )  # fmt: skip
    chance = random.Random(seed)
    sent = (request for request in chain(*kinds) if chance.random() < share)
    return [line for request in sent for line in _sent(client, request)]


def addresses() -> list[str]:
    """Return the site's addresses, with {} in place of what varies."""

    def walk(patterns: Iterable[Any], before: str) -> Iterator[str]:
        for pattern in patterns:
            route = before + str(pattern.pattern)
            if isinstance(pattern, URLPattern):
                yield re.sub(r"<[^>]*>", "{}", route)
            else:
                yield from walk(pattern.url_patterns, route)

    return [one for one in walk(get_resolver().url_patterns, "/") if "(?P" not in one]


def _ids(known: Iterable[str]) -> Iterator[Request]:
    for address in known:
        for value in VALUES if "{}" in address else ():
            path = address.replace("{}", _quoted(value))
            yield "GET", path, b"", FORM
            yield "POST", path, b"", FORM


def _queries(known: Iterable[str]) -> Iterator[Request]:
    for address in known:
        path = address.replace("{}", "1")
        for value in VALUES:
            yield "GET", f"{path}?{_encoded(dict.fromkeys(PAGE_NAMES, value))}", b"", FORM
        for name in PAGE_NAMES:
            for value in (HUGE, NUL):
                yield "GET", f"{path}?{_encoded({name: value})}", b"", FORM


def _lists() -> Iterator[Request]:
    """Look for what no column has, by every column and every name a list knows."""
    for model in admin.site._registry:
        path = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
        columns = [field.name for field in model._meta.get_fields()]
        names = [*LIST_NAMES, "pk", *columns, "depart__id", "depart__depart_name"]
        for name in dict.fromkeys(names):
            for lookup in LOOKUPS if name in ("pk", *columns) else ("",):
                for value in VALUES:
                    yield "GET", f"{path}?{_encoded({name + lookup: value})}", b"", FORM
            yield "GET", f"{path}?{_encoded({name + '__in': f'1,{HUGE},{NUL}'})}", b"", FORM
            yield "GET", f"{path}?{_encoded({name + '__range': f'{HUGE},{HUGE}'})}", b"", FORM


def _choices() -> Iterator[Request]:
    """Ask for the choices of every field there is, as the stock search box would."""
    for model in apps.get_models():
        for field in model._meta.get_fields():
            place = {
                "app_label": model._meta.app_label,
                "model_name": model._meta.model_name,
                "field_name": field.name,
            }
            for value in ("", HUGE, NUL):
                query = _encoded({**place, "term": value, "page": value})
                yield "GET", f"/admin/autocomplete/?{query}", b"", FORM


def _forms(client: Client, known: Iterable[str]) -> Iterator[Request]:
    """Fill the fields of every form, one by one and all of them."""
    for address in known:
        path = address.replace("{}", "1")
        if "logout" in path:
            continue
        shown = _shown(client.get(path))
        for value in VALUES:
            yield "POST", path, _encoded(dict.fromkeys(shown, value)).encode(), FORM
            for name in shown:
                yield "POST", path, _encoded(shown | {name: value}).encode(), FORM


def _shown(response: Any) -> dict[str, Any]:
    """Return what the forms of a page would send if nothing was touched."""
    context = getattr(response, "context", None) or {}
    found: dict[str, Any] = {"seen": "1", "remove": "1", "confirmed": "yes", "department": "2"}
    for name in ("form", "adminform"):
        form = context.get(name)
        form = getattr(form, "form", form)
        if isinstance(form, BaseForm):
            found |= {form.add_prefix(field): form[field].value() for field in form.fields}
    return {name: "" if value is None else value for name, value in found.items()}


def _actions() -> Iterator[Request]:
    for model, model_admin in admin.site._registry.items():
        path = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
        names = [
            "nothing",
            "delete_selected",
            NUL,
            *dict.fromkeys(map(str, model_admin.actions or ())),
        ]
        for action in names:
            for value in VALUES:
                for more in (
                    {},
                    {"confirmed": "yes", "target": value, "successor": value, "parent": value},
                    {"select_across": value, "index": value},
                ):
                    body = {"action": action, "_selected_action": value, **more}
                    yield "POST", path, _encoded(body).encode(), FORM


def _bodies(known: Iterable[str]) -> Iterator[Request]:
    """Send bodies that are not what their type says."""
    multipart = "multipart/form-data; boundary=b"
    disposition = b'Content-Disposition: form-data; name="file"; filename="%s"'
    part = b"--b\r\n" + disposition + b"\r\n%s\r\n\r\nx\r\n--b--\r\n"
    kinds = [
        (b"\xff\xfe", FORM),
        (b"\xff\xfe", FORM + "; charset=nonsense"),
        (b"&".join(b"a%d=1" % number for number in range(3000)), FORM),
        (b"", multipart),
        (b"--b\r\n\r\n", multipart),
        (b"x", "multipart/form-data"),
        (b"x", "multipart/form-data; boundary=" + "b" * 500),
        *((part % (name, b"Content-Type: text/plain"), multipart) for name in
          (b"a\0.png", b"\xff.png", b"../../x", b"a." + b"x" * 300, b"", b".", b"/")),
        (part % (b"a.png", b"Content-Transfer-Encoding: base64"), multipart),
        (part % (b"a.png", b"Content-Length: x"), multipart),
        *((body.encode(), "application/json") for body in (
            "", "null", "[]", "1", '"x"', "[" * 100_000, "{", '{"name": 1, "password": null}',
            '{"name": "\\ud83d", "password": "\\ud83d"}', '{"name": "a\\u0000", "password": ""}',
            '{"old": "\\udfff", "new": "x"}', '{"name": ' + DIGITS + ', "password": "x"}',
            json.dumps({"name": HUGE, "password": EMOJI}),
        )),
    ]  # fmt: skip
    for address in [*known, "/msg_server", "/api/discovery", "/g0/x", "/upload/", "/anything"]:
        path = address.replace("{}", "1")
        for body, kind in kinds:
            yield "POST", path, body, kind
        for method in ("PUT", "DELETE", "HEAD", "OPTIONS", "PATCH"):
            yield method, path, b"x", "text/plain"
    for path in ("/msg_server", "/api/discovery", "/g0/000000/", "/static/", "/chat/assets/x/"):
        for value in VALUES:
            yield "GET", f"{path}{_quoted(value)}", b"", FORM
            yield "GET", f"{path}?{_encoded({'x': value})}", b"", FORM


# --- sending ------------------------------------------------------------------------------------


def _sent(client: Client, request: Request) -> Iterator[str]:
    """Send one request; return a line if the server failed."""
    method, path, body, kind = request
    failures: list[str] = []

    def note(**kwargs: object) -> None:
        failures.append(repr(sys.exception())[:200])

    got_request_exception.connect(note)
    try:
        response = client.generic(method, path, body, kind)
        if response.headers.get("Location", "").startswith("/admin/login"):
            _log_in(client)
            response = client.generic(method, path, body, kind)
    finally:
        got_request_exception.disconnect(note)
    if failures or response.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
        yield f"{method} {path[:200]} {body[:100]!r}: {response.status_code} {failures}"


def _console() -> Client:
    depart = users.create_department(DepartmentCard("Top")).depart_id
    users.create_department(DepartmentCard("Sub", parent_id=depart))
    for name in ("ada", "bob"):
        users.create_user(UserCard(name, name, depart, sex=1), "first-password")
    ids = tuple(IMUser.objects.values_list("id", flat=True))
    members.create_group(ids[0], "Lunch", "", ids, GroupType.NORMAL)
    create_item(ItemCard("Home", "http://home.example/"))
    Operator.objects.create_superuser("olga", password="op-secret-1")
    client = Client(raise_request_exception=False, SERVER_NAME="localhost")
    _log_in(client)
    return client


def _log_in(client: Client) -> None:
    """Let the operator in, who may have logged out, or changed themselves, by what was sent."""
    Operator.objects.filter(pk=1).update(username="olga", role=Role.OWNER, is_active=True)
    client.force_login(Operator.objects.get(pk=1), "django.contrib.auth.backends.ModelBackend")


def _quoted(text: str) -> str:
    return quote(text, safe="", errors="surrogatepass")


def _encoded(values: dict[str, Any]) -> str:
    return urlencode(values, errors="surrogatepass", doseq=True)
