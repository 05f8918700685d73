"""Lists and labels with the punctuation of the operator's language."""

from collections.abc import Iterable

from django.utils.translation import pgettext


def listed(items: Iterable[object]) -> str:
    """Return items one after the other, as in a sentence."""
    return pgettext("between the items of a list", ", ").join(map(str, items))


def labelled(label: object, text: object) -> str:
    """Return a text with what it is about in front."""
    return pgettext("a label and its text", "%(label)s: %(text)s") % {"label": label, "text": text}
