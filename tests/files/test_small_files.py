"""The store of small files: names made of contents, and nothing else to be found by any path."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.files.storage import storages
from pytest_django.fixtures import Settings

from im.services.media import small_files


@pytest.fixture(autouse=True)
def root(settings: Settings, tmp_path: Path) -> Iterator[Path]:
    root = tmp_path / "files"
    backend = settings.STORAGES["small_files"]
    settings.STORAGES = settings.STORAGES | {
        "small_files": backend | {"OPTIONS": {"location": root}}
    }
    storages._storages.clear()  # type: ignore[attr-defined]  # Django keeps those of the settings before
    yield root
    storages._storages.clear()  # type: ignore[attr-defined]


def files_in(root: Path) -> list[Path]:
    return [path for path in root.rglob("*") if path.is_file()]


def test_what_is_stored_is_read_back_by_its_path() -> None:
    path = small_files.store(b"content", ".png")

    assert small_files.read(path) == b"content"


def test_the_same_content_lies_on_the_disk_once(root: Path) -> None:
    paths = [small_files.store(b"content", suffix) for suffix in (".png", "_3x4.png", ".png")]

    assert paths[0] == paths[2] != paths[1]
    assert [small_files.read(path) for path in paths] == 3 * [b"content"]
    assert len(files_in(root)) == 1


def test_a_draft_that_is_not_stored_leaves_nothing(root: Path) -> None:
    with small_files.Draft() as draft:
        draft.write(b"x" * 1_000_000)

    assert files_in(root) == []


def test_an_empty_file_is_a_file() -> None:
    assert small_files.read(small_files.store(b"", ".gif")) == b""


def test_a_save_that_fails_leaves_nothing(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_space(source: object, target: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr("os.replace", no_space)

    with pytest.raises(OSError, match="no space"):
        small_files.store(b"content", ".png")
    assert files_in(root) == []


def test_what_a_killed_process_left_half_written_is_swept_when_it_is_old(root: Path) -> None:
    kept = small_files.store(b"content", ".png")
    old, young = root / "new-old", root / "new-young"
    for path in (old, young):
        path.write_bytes(b"half")
    os.utime(old, (1, 1))

    assert small_files.sweep_unfinished(3600) == 1

    assert (old.exists(), young.exists()) == (False, True)
    assert small_files.read(kept) == b"content"


@pytest.mark.parametrize(
    ("name", "suffix"),
    [
        ("a.png", ".png"),
        ("a.png_320x240.png", "_320x240.png"),
        ("照片_8x9999.JPG", "_8x9999.JPG"),
        ("a_0012x034.gif", "_12x34.gif"),
        ("a_12345x1.gif", ".gif"),
        ("a_-1x5.gif", ".gif"),
        ("a_1x2_3x4.gif", "_3x4.gif"),
        ("a_1x2b.gif", ".gif"),
        ("a_1x2.tar.gz", ".gz"),
        ("a./../h", ".h"),
        ("a.p\0h p", ".php"),
    ],
)
def test_a_path_keeps_the_size_of_a_picture_and_the_letters_of_the_extension(
    name: str, suffix: str
) -> None:
    assert small_files.suffix_for(name) == suffix


@pytest.mark.parametrize("name", ["", "a", "a.", "a.照片", "a." + "x" * 16])
def test_a_name_without_a_usable_extension_has_no_suffix(name: str) -> None:
    with pytest.raises(ValueError, match="extension"):
        small_files.suffix_for(name)


def test_files_of_the_original_are_found_under_their_names(root: Path) -> None:
    (root / "000" / "017").mkdir(parents=True)
    (root / "000" / "017" / "1436341234567890_139876543210_320x240.png").write_bytes(b"old")

    found = small_files.read("g0/000/017/1436341234567890_139876543210_320x240.png")

    assert found == b"old"


HASH = 40 * "a"


@pytest.mark.parametrize(
    "path",
    [
        "",
        "g0/",
        "g0/../secret.png",
        f"g0/aa/aa/../aa/{HASH}.png",
        f"g0/aa/aa/{HASH}",
        f"g0/aa/aa/{HASH}.",
        f"g0/aa/aa/{HASH}.png/",
        f"g0/aa/aa/{HASH}.png\n",
        f"g0/aa/aa/{HASH}.png\0",
        f"g0//aa/aa/{HASH}.png",
        f"/g0/aa/aa/{HASH}.png",
        f"g0/aa/ab/{HASH}.png",
        f"g0/aa/aa/{HASH.upper()}.png",
        "g0/000/000/../../teamtalk.sqlite3",
        "g0/000/000/.._1.png",
        "http://127.0.0.1:8700/g0/000/000/1_2.audio",
        "C:\\g0\\a.png",
    ],
)
def test_no_other_path_finds_anything(root: Path, path: str) -> None:
    secret = root / "aa" / "aa" / HASH
    secret.parent.mkdir(parents=True)
    secret.write_bytes(b"secret")

    assert small_files.open_file(path) is None
    assert small_files.read(f"g0/aa/aa/{HASH}.png") == b"secret"
