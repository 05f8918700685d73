"""docs/operations.md lists the settings that there are, with the defaults that they have."""

import ast
import re

from django.conf import settings

from tests.conftest import ROOT

ROW = re.compile(r"^\| `(\w+)` \| (.+?) \|", re.MULTILINE)


def documented() -> dict[str, str]:
    """Return the default of each setting as the tables name it."""
    return dict(ROW.findall((ROOT / "docs" / "operations.md").read_text(encoding="utf-8")))


def read_from_environment() -> dict[str, ast.expr | None]:
    """Return what settings.py asks the environment for, each with the default it gives."""
    source = (ROOT / "teamtalk_site" / "settings.py").read_text(encoding="utf-8")
    found = {}
    for call in ast.walk(ast.parse(source)):
        match call:
            case ast.Call(
                func=ast.Attribute(value=ast.Name("env")), args=[ast.Constant(str(name)), *_]
            ):
                defaults = [word.value for word in call.keywords if word.arg == "default"]
                found[name] = defaults[0] if defaults else None
    return found


def test_every_setting_is_documented_and_none_that_is_gone() -> None:
    assert documented().keys() == read_from_environment().keys()


def test_the_defaults_are_those_of_the_code() -> None:
    of_code = {
        name: f"`{getattr(settings, name)}`"
        for name, default in read_from_environment().items()
        if isinstance(default, ast.Constant | ast.BinOp) and ast.unparse(default) != "''"
    }

    assert {name: documented()[name] for name in of_code} == of_code


def test_no_setting_is_obligatory() -> None:
    without = [name for name, default in read_from_environment().items() if default is None]

    assert without == []
