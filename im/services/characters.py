"""Characters that names must not hold, because nobody sees them or because they mislead.

Login names are strict: two that look alike must be one.  Nicknames and other texts that people
read may hold what joins emoji and letters, but nothing that turns the direction of what follows.
"""

import unicodedata

# Control characters, lone surrogates, line and paragraph separators: nothing a client can show.
UNPRINTABLE = frozenset({"Cc", "Cs", "Zl", "Zp"})
# Invisible, though their category says letter, mark or symbol (Default_Ignorable_Code_Point).
_BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
_SELECTORS = frozenset(
    map(chr, [*range(0x180B, 0x1810), *range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)])
)
# Joiners of emoji and of Indic, Persian and Mongolian letters, and the tags of flags.
_JOINERS = frozenset(map(chr, [0x180E, 0x200C, 0x200D, *range(0xE0020, 0xE0080)]))
_TURNING = frozenset(map(chr, [*range(0x202A, 0x202F), *range(0x2066, 0x206A)]))


def hidden_in(text: str) -> str | None:
    """Return the first character that can't be seen, for names that must not look alike.

    Blanks other than U+0020 count, too: in the middle of a name they look like it.
    """
    if text.isascii() and text.isprintable():
        return None
    return next((char for char in text if _is_hidden(char)), None)


def misleading_in(text: str) -> str | None:
    """Return the first character that texts for people must not hold.

    Those are invisible ones, and what turns the direction of writing, except joiners.
    """
    if text.isprintable():  # none of the categories below is
        return next((char for char in text if char in _BLANK), None) if _any_blank(text) else None
    return next((char for char in text if _is_misleading(char)), None)


def turning_in(text: str) -> str | None:
    """Return the first character that turns the direction of what follows, or a control one.

    For what clients say of themselves: their line breaks are theirs.
    """
    return next((char for char in text if _is_turning(char)), None)


def is_visible(text: str) -> bool:
    """Tell whether there is anything to see in a text."""
    return any(not char.isspace() and not _is_hidden(char) for char in text)


def named(char: str) -> str:
    """Return how a character is looked up: "U+200B ZERO WIDTH SPACE"."""
    return f"U+{ord(char):04X} {unicodedata.name(char, '')}".strip()


def _any_blank(text: str) -> bool:
    return not text.isascii() and not _BLANK.isdisjoint(text)


def _is_hidden(char: str) -> bool:
    category = unicodedata.category(char)
    return (
        category in UNPRINTABLE
        or category in ("Cf", "Cn", "Co")
        or (category == "Zs" and char != " ")
        or char in _BLANK
        or char in _SELECTORS
    )


def _is_misleading(char: str) -> bool:
    category = unicodedata.category(char)
    return (category == "Cf" and char not in _JOINERS) or char in _BLANK or category in UNPRINTABLE


def _is_turning(char: str) -> bool:
    return char in _TURNING or (not char.isspace() and unicodedata.category(char) in ("Cc", "Cs"))
