"""What the form fields that pick a row by a search box have in common."""

from collections.abc import Iterable
from typing import Any

from django.contrib.admin.widgets import AutocompleteMixin


class NumberedChoices(AutocompleteMixin):
    """Shows a form again whatever was sent in place of rows' ids."""

    def optgroups(self, name: str, value: Any, attrs: Any = None) -> Any:  # Any: as inherited
        """Return the chosen rows as options; what is no id is none."""
        return super().optgroups(name, list(_numbers(value)), attrs)


def _numbers(values: Iterable[Any]) -> Iterable[str]:
    texts = map(str, values)
    return (text for text in texts if text.isascii() and text.isdecimal() and len(text) < 20)
