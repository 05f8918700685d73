"""The floors of the project: imports go down only, and neighbours leave each other alone.

Also who may know protobuf, the event loop and the database.  ARCHITECTURE.md says why.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

FLOORS = (  # bottom first
    ("im.addresses",),
    ("im.errors", "im.types", "im.networks", "im.peer_log"),
    ("im.wire",),
    ("im.fields", "im.sharding", "im.sqlite"),
    ("im.models", "im.migrations"),
    ("im.storage",),
    ("im.services", "im.delivery"),
    ("im.handlers",),
    ("im.dispatch",),
    (
        "im.consumers",
        "im.views",
        "im.management",
        "im.checks",
        "tcpgateway",
        "admin_ui",
    ),
    ("im.apps", "teamtalk_site"),
    ("bench.console", "bench"),
)
WITH_TABLES = (
    "im.fields",
    "im.sharding",
    "im.sqlite",
    "im.models",
    "im.migrations",
    "im.storage",
    "im.services",
)
WITH_LOOP = ("im.delivery", "im.dispatch", "im.consumers", "im.views", "tcpgateway", "bench")
OUTSIDE = ("bench", ("bench", "im.wire", "im.types"))  # a client: it may know what clients know
COMMANDS = ("im.management", "tcpgateway.management", "bench.management")
RESERVED = (  # what, and who may import it
    ("google.protobuf", ("im.wire", "im.handlers", "im.checks", "bench")),
    ("im.wire.proto", ("im.wire", "im.handlers", "bench")),
    ("asyncio", WITH_LOOP),
    ("uvloop", WITH_LOOP),
    (
        "im.models",
        ("im.models", "im.storage", "im.services", "im.management", "admin_ui", "bench.console"),
    ),
    ("django.db", (*WITH_TABLES, *COMMANDS, "im.checks", "admin_ui", "bench.console")),
    ("django", [package for floor in FLOORS[3:] for package in floor]),
)
EXCEPTIONS: set[tuple[str, str]] = set()  # importer and imported
PACKAGES = [package for floor in FLOORS for package in floor]
FLOOR_OF = {package: number for number, floor in enumerate(FLOORS) for package in floor}


def violations(root: Path) -> Iterator[str]:
    """Say which module below `root` imports what it must not."""
    for top in sorted({package.partition(".")[0] for package in PACKAGES}):
        for path in sorted((root / top).rglob("*.py")):
            module = ".".join(path.relative_to(root).with_suffix("").parts)
            module = module.removesuffix(".__init__")
            for imported in _imports(path, module):
                if (module, imported) not in EXCEPTIONS:
                    reasons = [*_floor_problem(module, imported), *_reserved(module, imported)]
                    yield from (f"{module} imports {imported}: {reason}" for reason in reasons)


def _imports(path: Path, module: str) -> Iterator[str]:
    """Return the dotted names a module imports, wherever in it."""
    package = module if path.stem == "__init__" else module.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: package.count(".") + 2 - node.level] if node.level else []
            source = ".".join([*above, node.module or ""]).strip(".")
            yield from (f"{source}.{alias.name}" for alias in node.names)


def _is_in(module: str, package: str) -> bool:
    return f"{module}.".startswith(f"{package}.")


def _package(module: str) -> str | None:
    return next((package for package in PACKAGES if _is_in(module, package)), None)


def _floor_problem(module: str, imported: str) -> Iterator[str]:
    if not any(imported.partition(".")[0] == package.partition(".")[0] for package in PACKAGES):
        return
    importer, target = _package(module), _package(imported)
    if importer is None or target is None:
        yield f"{imported if importer else module} is on no floor"
    elif importer != target and FLOOR_OF[importer] == FLOOR_OF[target]:
        yield "it is a neighbour"
    elif FLOOR_OF[importer] < FLOOR_OF[target]:
        yield "it is above"
    elif importer == OUTSIDE[0] and target not in OUTSIDE[1]:
        yield "it is no business of a client's"


def _reserved(module: str, imported: str) -> Iterator[str]:
    for what, allowed in RESERVED:
        if _is_in(imported, what) and not any(_is_in(module, package) for package in allowed):
            yield f"{what} is not for this floor"


def test_imports_go_down_only() -> None:
    assert list(violations(ROOT)) == []


@pytest.mark.parametrize(
    ("path", "source", "complaint"),
    [
        ("im/services/a.py", "from im import dispatch", "im.dispatch: it is above"),
        (
            "im/storage/a.py",
            "from im.services import chat",
            "im.services.chat: it is above",
        ),
        ("im/services/a.py", "def f():\n    import im.handlers.login", "login: it is above"),
        ("im/services/a.py", "from im.delivery import node", "node: it is a neighbour"),
        ("im/views/__init__.py", "from ..consumers import client", "client: it is a neighbour"),
        ("im/views/a.py", "from im.helpers import cut", "im.helpers.cut is on no floor"),
        ("im/helpers.py", "from im import types", "im.helpers is on no floor"),
        ("im/services/a.py", "from im.wire.proto import login_pb2", "im.wire.proto is not for"),
        ("im/dispatch.py", "import google.protobuf.message", "google.protobuf is not for"),
        ("im/handlers/a.py", "import asyncio", "asyncio is not for"),
        ("im/wire/a.py", "from django.conf import settings", "django is not for"),
        ("im/types.py", "from django.conf import settings", "django is not for"),
        ("im/wire/a.py", "import asyncio", "asyncio is not for"),
        ("im/delivery/node.py", "from django.db import models", "django.db is not for"),
        ("im/consumers/a.py", "from im.models import IMUser", "im.models is not for"),
        ("tcpgateway/a.py", "from django.db import connection", "django.db is not for"),
        (
            "bench/a.py",
            "from im.services import chat",
            "im.services.chat: it is no business of",
        ),
        ("im/views/a.py", "from bench import client", "bench.client: it is above"),
    ],
)
def test_what_is_forbidden_is_found(tmp_path: Path, path: str, source: str, complaint: str) -> None:
    (tmp_path / path).parent.mkdir(parents=True)
    (tmp_path / path).write_text(source)

    found = list(violations(tmp_path))

    assert len(found) == 1
    assert complaint in found[0]


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("im/services/a.py", "from im.models import IMUser\nfrom .b import c"),
        ("im/storage/connections.py", "from django.db import connection"),
        ("im/services/a.py", "from im.storage import sql"),
        ("im/consumers/a.py", "from im import dispatch\nfrom im.consumers import inbox"),
        ("tcpgateway/management/commands/a.py", "from django.db import connection"),
    ],
)
def test_what_is_allowed_is_not_complained_about(tmp_path: Path, path: str, source: str) -> None:
    (tmp_path / path).parent.mkdir(parents=True)
    (tmp_path / path).write_text(source)

    assert list(violations(tmp_path)) == []
