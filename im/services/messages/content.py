"""What a stored message says: its clear text, cut into words and pictures, or a voice message.

Texts lie in the tables as clients sent them, encrypted with the key all of them have; a picture is
its address between two marks within a text (spec/periphery 3.5).
"""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from django.conf import settings

from im.services.media import small_files
from im.wire import cipher

_PICTURE = re.compile(r"&\$#@~\^@\[\{:(.*?):\}\]&\$~@#@", re.DOTALL)
_MARK = "&$#@~^@[{:"  # how a picture begins; most texts have none
_LINKS = ("http", "https")


@dataclass(frozen=True, slots=True)
class Words:
    """A stretch of plain text."""

    text: str


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture.  `path` is that of a small file of ours, or "" where it lies elsewhere.

    `url` is what the client sent; "" where it is no web address, so that nobody makes a link of it.
    """

    url: str
    path: str


Part = Words | Picture


def clear_texts(contents: Iterable[str]) -> list[str | None]:
    """Return the texts of stored contents; None for what is no text of a client's."""
    return cipher.decrypt_texts(
        (content.encode() for content in contents), settings.IM_AES_KEY.encode()
    )


def parts(text: str) -> list[Part]:
    """Return a clear text as what is read and what is looked at, in order."""
    pieces: list[Part] = []
    for number, piece in enumerate(_PICTURE.split(text)):
        if number % 2:
            pieces.append(_picture(piece))
        elif piece:
            pieces.append(Words(piece))
    return pieces


def searchable(text: str) -> str:
    """Return what words are looked for in: no pictures' addresses, no case, one width."""
    if _MARK in text:
        text = _PICTURE.sub(" ", text)
    return unicodedata.normalize("NFKC", text).casefold()


def _picture(address: str) -> Picture:
    # Whose server it names does not matter: ours are known by a hash that nobody guesses.
    try:
        split = urlsplit(address)
    except ValueError:  # what a client sent may be anything
        return Picture("", "")
    path = unquote(split.path).removeprefix("/")
    is_ours = bool(small_files.extension_of(path))
    return Picture(address if split.scheme in _LINKS else "", path if is_ours else "")
