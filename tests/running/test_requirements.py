"""The requirement files pin everything, so that tomorrow's installation is the one tested today."""

import re
from importlib.metadata import requires

from packaging.requirements import Requirement

from tests.conftest import ROOT

LINE = re.compile(r"^([a-z0-9-]+)==[\w.]+\s+# \w")


def pinned(name: str) -> set[str]:
    """Return the packages a file pins; every line must pin one and say why."""
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    entries = [line for line in lines if line and not line.startswith(("#", "-r "))]
    matches = [(line, LINE.match(line)) for line in entries]
    assert [line for line, match in matches if not match] == []
    names = [match[1] for _, match in matches if match]
    assert [name for name in names if names.count(name) > 1] == []
    return set(names)


def needed_by(package: str, extra: str = "") -> set[str]:
    """Return what a package needs on this Python, directly and in turn."""
    needed: set[str] = set()
    for text in requires(package) or ():
        requirement = Requirement(text)
        if requirement.marker is None or requirement.marker.evaluate({"extra": extra}):
            needed.add(re.sub(r"[-_.]+", "-", requirement.name.lower()))
            for wanted in requirement.extras:
                needed |= needed_by(requirement.name, wanted)
    return needed


def test_what_the_server_needs_is_pinned() -> None:
    names = pinned("requirements.txt")

    assert set().union(*map(needed_by, names)) <= names


def test_what_the_tests_need_is_pinned() -> None:
    names = pinned("requirements.txt") | pinned("requirements-dev.txt")

    assert set().union(*map(needed_by, names)) <= names


def test_every_pin_has_its_hashes() -> None:
    lines = (ROOT / "requirements.hashes").read_text().splitlines()
    hashed = [line.split()[0] for line in lines]
    pins = {
        line.split()[0]
        for name in ("requirements.txt", "requirements-dev.txt", "requirements-mysql.txt")
        for line in (ROOT / name).read_text(encoding="utf-8").splitlines()
        if "==" in line
    }

    assert hashed == sorted(pins), "run: .venv/bin/python bin/hashes"
    assert all(re.fullmatch(r"\S+( --hash=sha256:[0-9a-f]{64})+", line) for line in lines)
