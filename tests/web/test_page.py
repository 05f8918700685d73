"""What the page is made of: small, strict, and no text ever becomes HTML."""

import gzip
import re

import pytest

from im.views.chat_assets import DIRECTORY, assets
from tests.e2e.web import ask
from tests.server import Server

MAX_FIRST_LOAD_BYTES = 200 * 1024
# Ways from text to markup or code; `style` as an attribute is what the policy forbids.
DANGEROUS = re.compile(
    r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|\beval\b|new Function|"
    r"setTimeout\([\"'`]|srcdoc|createContextualFragment"
)


def test_no_script_turns_text_into_markup_or_code() -> None:
    found = [
        f"{path.name}:{number}: {line.strip()}"
        for path in DIRECTORY.glob("*.js")
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if DANGEROUS.search(line)
    ]

    assert found == []


def test_the_first_load_is_small(server: Server) -> None:
    page = ask(server.http_port, "/chat", "Connection: close")
    names = set(re.findall(r'/chat/assets/[0-9a-f]+/([\w.]+)"', page.text))

    loaded = [assets().files[name][2] for name in names]

    assert names == set(assets().files)
    assert sum(map(len, loaded)) + len(gzip.compress(page.body)) < MAX_FIRST_LOAD_BYTES


def test_the_page_allows_nothing_but_its_own_files(server: Server) -> None:
    page = ask(server.http_port, "/chat", "Connection: close")
    policy = page.headers["Content-Security-Policy"]

    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\son\w+=|\sstyle=", page.text)


@pytest.mark.parametrize(("version", "caching"), [(None, "immutable"), ("old", "no-cache")])
def test_files_are_kept_for_good_under_the_path_that_names_their_content(
    server: Server, version: str | None, caching: str
) -> None:
    path = f"/chat/assets/{version or assets().version}/main.js"

    plain = ask(server.http_port, path, "Connection: close")
    packed = ask(server.http_port, path, "Connection: close", "Accept-Encoding: gzip")

    assert caching in plain.headers["Cache-Control"]
    assert plain.headers["Content-Type"].startswith("text/javascript")
    assert gzip.decompress(packed.body) == plain.body == (DIRECTORY / "main.js").read_bytes()


@pytest.mark.parametrize("name", ["nothing.js", "..%2Fsettings.py", "main.js%00"])
def test_nothing_else_is_served(server: Server, name: str) -> None:
    assert ask(server.http_port, f"/chat/assets/x/{name}", "Connection: close").status == 404
