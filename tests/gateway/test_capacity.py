"""How many connections of each kind a process can hold, by its open file limit."""

import resource

import pytest
from pytest_django.fixtures import Settings

from tcpgateway.server import RESERVED_DESCRIPTORS, capacity, http_capacity

UNLIMITED = resource.RLIM_INFINITY


@pytest.mark.parametrize(
    ("limit", "http", "clients"),
    [
        (UNLIMITED, 1000, 100_000),
        (200_000, 1000, 100_000),
        (20_000, 1000, 20_000 - 1000 - RESERVED_DESCRIPTORS),
        (1024, 256, 512),
        (300, 75, 1),
    ],
)
def test_http_and_clients_have_descriptors_of_their_own(
    monkeypatch: pytest.MonkeyPatch, settings: Settings, limit: int, http: int, clients: int
) -> None:
    settings.IM_MAX_CONNECTIONS, settings.IM_HTTP_CONNECTIONS = 100_000, 1000
    monkeypatch.setattr(resource, "getrlimit", lambda kind: (limit, limit))
    monkeypatch.setattr(resource, "setrlimit", lambda kind, limits: None)

    assert http_capacity() == http
    assert capacity(with_web=True) == clients


def test_a_gateway_alone_needs_none_for_http(
    monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    settings.IM_MAX_CONNECTIONS = 100_000
    monkeypatch.setattr(resource, "getrlimit", lambda kind: (1024, 1024))
    monkeypatch.setattr(resource, "setrlimit", lambda kind, limits: None)

    assert capacity(with_web=False) == 1024 - RESERVED_DESCRIPTORS
