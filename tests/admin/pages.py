"""Driving the console's forms the way a browser does: with everything a page had in it."""

from typing import Any

from django.forms import BaseForm
from django.test import Client

Fields = dict[str, Any]  # Any: numbers and texts


def shown_values(console: Client, page: str) -> Fields:
    """Return what the form of a page would send if nothing was touched."""
    context: Any = console.get(page).context
    form: BaseForm = context["adminform"].form
    values = {name: form[name].value() for name in form.fields}
    return {name: "" if value is None else value for name, value in values.items()}


def submit(console: Client, page: str, **typed: Any) -> Any:  # Any: the test client's response
    """Open a page, type into its form and send it."""
    return console.post(page, shown_values(console, page) | typed)


def choose(console: Client, page: str, action: str, *ids: int) -> Any:  # Any: as above
    """Tick rows of a list, run an action on them, and say yes if it asks."""
    choice = {"action": action, "_selected_action": ids, "confirmed": "yes"}
    return console.post(page, choice, follow=True)


def errors(response: Any) -> Fields:
    """Return what a page shows beside its fields."""
    form: BaseForm = response.context["adminform"].form
    return {name: [str(text) for text in texts] for name, texts in form.errors.items()}


def listed(response: Any) -> list[int]:
    """Return the ids of a list's rows, in the order shown."""
    return [row.pk for row in response.context["cl"].result_list]


def is_open(client: Client) -> bool:
    """Tell whether the console's door leads inside, and not to the login page."""
    return not client.get("/admin/")["Location"].startswith("/admin/login/")


def text_of(response: Any) -> str:  # Any: the test client's response
    """Return a page's source."""
    source: bytes = response.content
    return source.decode()
