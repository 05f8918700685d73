"""Phone numbers as people write them, and the column of eleven characters that takes them."""

import re
import unicodedata

from django.utils.translation import gettext as _

MAX_CHARS = 11  # of the column
CHARS = frozenset("0123456789+-() ")
_DASHES = dict.fromkeys(map(ord, "‐‑‒–—―−﹣－"), "-")
_SEPARATORS = re.compile(r"[-\s().]+")
# China's country code, before a mobile number or before an area code without its 0.
_WITH_COUNTRY = re.compile(r"(?:\+|00)86(1[3-9][0-9]{9}|0?[1-9][0-9]{8,10})|86(1[3-9][0-9]{9})")
_FOREIGN = re.compile(r"[\s(]*(?:\+|00)[\s()-]*(?!86)[1-9]")  # with another country's code
_SCIENTIFIC = re.compile(r"[0-9][.,]?[0-9]*[eE]\+?[0-9]+")


def tidy(text: str) -> str:
    """Return a number as the column takes it: narrow digits, without China's country code.

    Separators stay where there is room for them.  What is no such number comes back as it is.
    """
    plain = unicodedata.normalize("NFKC", text).translate(_DASHES)
    # Pasted from contacts, numbers come wrapped in marks of the direction of writing.
    plain = "".join(char for char in plain if unicodedata.category(char) != "Cf").strip()
    digits = _SEPARATORS.sub("", plain)
    with_country = _WITH_COUNTRY.fullmatch(digits)
    if with_country:
        national = with_country[1] or with_country[2]
        is_mobile = len(national) == MAX_CHARS and national[0] == "1"
        return national if is_mobile or national[0] == "0" else f"0{national}"
    if len(plain) > MAX_CHARS and digits.isascii() and digits.isdecimal():
        return digits
    return plain


def problem_of(text: str) -> str:
    """Return why a number can't be stored, with what would fit; empty when nothing is wrong."""
    if _SCIENTIFIC.fullmatch(text.strip()):
        return _(
            "A spreadsheet program has shortened this number to %(text)s. Format the column as "
            "text and enter it again."
        ) % {"text": text}
    if not CHARS.issuperset(text):
        return _("A phone number has digits, +, -, ( ) and spaces only.")
    if len(text) > MAX_CHARS and _FOREIGN.match(text):
        return _(
            "At most %(limit)d characters fit; this has %(length)d. Enter a number of another "
            "country as it is dialled there, like 01701234567: without country code and spaces."
        ) % {"limit": MAX_CHARS, "length": len(text)}
    if len(text) > MAX_CHARS:
        return _(
            "At most %(limit)d characters fit, as in 13800138000 or 02112345678; this has "
            "%(length)d. Leave out the country code 86 and an extension."
        ) % {"limit": MAX_CHARS, "length": len(text)}
    return ""
