"""Discovery's answers that a running server seldom gives, and what the host check spares."""

import json
from collections.abc import AsyncIterator

import pytest
from django.test import AsyncClient, Client
from pytest_django.fixtures import Settings

from im.delivery.cluster.gateway_registry import Gateway, Registry, open_registry
from im.models import IMDiscovery


@pytest.fixture
async def registry() -> AsyncIterator[Registry]:
    """This process's registry, empty before and after."""
    registry = open_registry()
    yield registry
    for gateway in await registry.live():
        await registry.withdraw(gateway.id)


def gateway(name: str, connections: int, capacity: int = 100) -> Gateway:
    return Gateway(name, "", f"{name}.example", "backup.example", 8000, connections, capacity)


async def ask() -> str:
    response = await AsyncClient().get("/msg_server", headers={"host": "whatever.example"})
    assert response.status_code == 200
    return response.content.decode()


async def test_without_a_gateway_the_answer_is_code_1(registry: Registry) -> None:
    assert await ask() == '{\n   "code": 1,\n   "msg": "没有msg_server"\n}\n'


async def test_with_every_gateway_full_the_answer_is_code_2(registry: Registry) -> None:
    await registry.announce(gateway("a", 100))
    await registry.announce(gateway("b", 5, capacity=5))

    assert await ask() == '{\n   "code": 2,\n   "msg": "负载过高"\n}\n'


async def test_the_least_loaded_gateway_is_named(registry: Registry, settings: Settings) -> None:
    settings.IM_PUBLIC_URL = "https://files.example"
    await registry.announce(gateway("a", 7))
    await registry.announce(gateway("b", 6))

    assert json.loads(await ask()) == {
        "backupIP": "backup.example",
        "code": 0,
        "discovery": "https://files.example/api/discovery",
        "msfsBackup": "https://files.example/",
        "msfsPrior": "https://files.example/",
        "msg": "",
        "port": "8000",
        "priorIP": "b.example",
    }


@pytest.mark.django_db
def test_links_are_all_text_in_the_order_of_their_priority() -> None:
    for name, priority, status in (("b", 2, 0), ("hidden", 0, 1), ("a", 1, 0)):
        IMDiscovery.objects.create(
            item_name=name, item_url="https://x/", item_priority=priority, status=status,
            created=1, updated=1,
        )  # fmt: skip

    response = Client().post("/api/discovery?v=1", {"any": "thing"}, headers={"host": "x y"})

    assert response.json() == [
        {"itemName": "a", "itemUrl": "https://x/", "itemPriority": "1"},
        {"itemName": "b", "itemUrl": "https://x/", "itemPriority": "2"},
    ]
    assert response.headers["Content-Length"] == str(len(response.content))


def test_everything_else_does_look_at_the_host_header() -> None:
    response = Client().get("/admin/login/", headers={"host": "evil.example"})

    assert response.status_code == 400


def test_everything_else_does_look_for_the_csrf_token() -> None:
    client = Client(enforce_csrf_checks=True)

    assert client.post("/admin/login/").status_code == 403
