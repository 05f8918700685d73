"""Phonetic names: what clients sort and search Chinese names by (`IMUser.domain`)."""

import re

MAX_CHARS = 32  # the column's width
_CHINESE = re.compile(r"[\u3400-\u9fff]")


def phonetic_name(text: str) -> str:
    """Return the pinyin of a name without tones, "李娜" -> "lina"; empty if nothing is Chinese."""
    if not _CHINESE.search(text):
        return ""
    # Imported when first needed: its dictionaries take a moment and some memory.
    from pypinyin import lazy_pinyin

    syllables = "".join(lazy_pinyin(text)).lower()
    return re.sub(r"[^a-z0-9]", "", syllables)[:MAX_CHARS]
