"""The page on the original's weaknesses names tests that exist, or says why there is none."""

import ast
import re

from tests.conftest import ROOT

PAGE = ROOT / "docs" / "weaknesses.md"
TEST = re.compile(r"`([\w/]+\.py)::(\w+)`")
WEAKNESSES = 72
Row = tuple[str, str, str]


def rows() -> list[Row]:
    """Return (weakness, what is here, tests) of all tables."""
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    cells = [
        tuple(cell.strip() for cell in line.strip("|").split(" | "))
        for line in lines
        if line.startswith("| ")
    ]
    found = [row for row in cells if row[0] != "weakness of the original"]
    assert {len(row) for row in found} == {3}
    return [(weakness, here, tests) for weakness, here, tests in found]


def names_in(path: str) -> set[str]:
    """Return the names of a file's tests."""
    source = (ROOT / "tests" / path).read_text(encoding="utf-8")
    return {
        node.name
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


def test_every_weakness_is_there_once() -> None:
    names = [weakness for weakness, _here, _tests in rows()]

    assert len(names) == len(set(names)) == WEAKNESSES


def test_every_test_it_names_exists() -> None:
    named = {found for _weakness, _here, tests in rows() for found in TEST.findall(tests)}

    assert {(path, name) for path, name in named if name not in names_in(path)} == set()


def test_what_has_no_test_says_why() -> None:
    without = [here for _weakness, here, tests in rows() if not TEST.search(tests)]

    assert [here for here in without if not here.startswith("**")] == []
