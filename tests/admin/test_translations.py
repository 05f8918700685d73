"""Both languages throughout: every text of ours has its Chinese, and the switch works."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import polib
import pytest
from django.test import Client
from django.utils.translation.template import templatize

from tests.admin.conftest import Company
from tests.admin.pages import text_of
from tests.conftest import ROOT

FILES = [
    ROOT / "locale/zh_Hans/LC_MESSAGES/django.po",
    ROOT / "locale/theme/zh_Hans/LC_MESSAGES/django.po",
]
FUNCTIONS = {"_", "gettext", "gettext_lazy", "ngettext"}


def texts_of_code(source: str) -> Iterator[str]:
    """Return what a module hands to gettext."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Call(func=ast.Name(id=name), args=[ast.Constant(value=text), *_]):
                if name in FUNCTIONS:
                    yield str(text)


def texts_of_template(source: str) -> Iterator[str]:
    """Return what a template has translated."""
    found = re.findall(r"gettext\(u?('(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\")", templatize(source))
    yield from (str(ast.literal_eval(text)) for text in found)


def our_texts() -> set[str]:
    texts: set[str] = set()
    for top in ("im", "admin_ui", "tcpgateway", "teamtalk_site"):
        for path in (ROOT / top).rglob("*.py"):
            if "migrations" not in path.parts and not path.stem.endswith("_pb2"):
                texts.update(texts_of_code(path.read_text(encoding="utf-8")))
    for path in (ROOT / "templates").rglob("*.html"):
        texts.update(texts_of_template(path.read_text(encoding="utf-8")))
    return texts


def test_every_text_of_ours_has_its_chinese() -> None:
    po = polib.pofile(str(FILES[0]))
    translated = {entry.msgid for entry in po.translated_entries()}

    assert sorted(our_texts() - translated) == []
    assert [entry.msgid for entry in po.untranslated_entries() + po.fuzzy_entries()] == []


@pytest.mark.parametrize("path", FILES, ids=["ours", "theme"])
def test_the_compiled_form_is_up_to_date(path: Path) -> None:
    po, mo = polib.pofile(str(path)), polib.mofile(str(path.with_suffix(".mo")))

    def content(file: polib.POFile | polib.MOFile) -> dict[tuple[str, str], object]:
        return {
            (e.msgctxt or "", e.msgid): e.msgstr or e.msgstr_plural for e in file if not e.obsolete
        }

    assert content(mo) == content(po)


@pytest.mark.parametrize("path", FILES, ids=["ours", "theme"])
def test_placeholders_are_the_same_in_both_languages(path: Path) -> None:
    wrong = [
        entry.msgid
        for entry in polib.pofile(str(path))
        if not entry.obsolete
        and placeholders(entry.msgid)
        != placeholders(entry.msgstr or next(iter(entry.msgstr_plural.values())))
    ]

    assert wrong == []


def placeholders(text: str) -> list[str]:
    return sorted(re.findall(r"%(?:\(\w+\))?[sd]", text))


def test_the_language_is_switched_in_the_header(console: Client, company: Company) -> None:
    page = "/admin/im/imuser/"
    assert "Sales" in text_of(console.get(page))
    assert 'value="zh-hans" lang="zh-hans"' in text_of(console.get(page))

    console.post("/admin/language/setlang/", {"language": "zh-hans", "next": page})

    chinese = text_of(console.get(page))
    assert "登录名" in chinese
    assert "部门" in chinese
    assert re.search(r'lang="en"[^>]*>English<', chinese)


def test_who_prefers_chinese_gets_the_login_page_in_it() -> None:
    page = text_of(Client().get("/admin/login/", headers={"accept-language": "zh-CN,zh;q=0.9"}))

    assert "一次性验证码" in page
