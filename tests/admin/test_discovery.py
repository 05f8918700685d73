"""The pages of discovery links, and what clients get of them."""

import json

import pytest
from django.test import Client

from im.models import IMDiscovery
from im.services.directory import discovery_links
from im.services.directory.discovery_links import ItemCard
from tests.admin.pages import choose, errors, listed, submit

LIST = "/admin/im/imdiscovery/"
ADD = "/admin/im/imdiscovery/add/"
API = "/api/discovery"


def add(name: str, priority: int) -> int:
    card = ItemCard(name, f"https://{priority}.example/", priority)
    return discovery_links.create_item(card).item_id


def test_a_new_link_is_listed(console: Client) -> None:
    submit(console, ADD, item_name="手册", item_url="https://wiki.example/", item_priority="3")

    row = IMDiscovery.objects.get()
    assert (row.item_name, row.item_url, row.item_priority, row.status) == (
        "手册",
        "https://wiki.example/",
        3,
        0,
    )
    assert listed(console.get(LIST)) == [row.pk]


def test_an_edit_raises_the_stamp(console: Client) -> None:
    item_id = add("Wiki", 1)
    before = IMDiscovery.objects.get().updated

    submit(console, f"{LIST}{item_id}/change/", item_name="Handbook")

    row = IMDiscovery.objects.get()
    assert row.item_name == "Handbook"
    assert row.updated > before


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("item_name", "n" * 65),
        ("item_name", ""),
        ("item_url", "https://" + "x" * 57),
        ("item_url", "javascript:alert(1)"),
        ("item_priority", "-1"),
    ],
)
def test_what_clients_can_not_use_is_refused(console: Client, field: str, value: str) -> None:
    typed = {"item_name": "Wiki", "item_url": "https://a.example/", "item_priority": "1"}

    response = submit(console, ADD, **typed | {field: value})

    assert field in errors(response)
    assert not IMDiscovery.objects.exists()


def test_a_hidden_link_is_kept_but_not_handed_out(console: Client) -> None:
    item_id = add("Wiki", 1)
    before = IMDiscovery.objects.get().updated

    choose(console, LIST, "hide", item_id)

    assert IMDiscovery.objects.get().updated > before
    assert json.loads(Client().get(API).content) == []


def test_anyone_gets_the_shown_links_with_all_values_as_strings(db: None) -> None:
    add("second", 2)
    add("第一", 1)

    response = Client().get(API)

    assert json.loads(response.content) == [
        {"itemName": "第一", "itemUrl": "https://1.example/", "itemPriority": "1"},
        {"itemName": "second", "itemUrl": "https://2.example/", "itemPriority": "2"},
    ]
    assert response["Content-Type"].startswith("application/json")


def test_old_clients_get_the_links_under_any_host_name(db: None) -> None:
    response = Client().get(API, headers={"host": "im.of-the-past.example:8080"})

    assert response.status_code == 200
