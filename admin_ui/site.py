"""The console's site: who gets in, and the pages that belong to no table.

A page of its own is a view under `@console_page`; `admin_ui.navigation` puts it in the sidebar.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase
from django.urls import URLPattern, URLResolver, path
from django.utils.translation import gettext_lazy as _

from admin_ui.theme import Site

View = Callable[..., HttpResponseBase]

_pages: list[tuple[str, View, str]] = []  # route, view, url name


def console_page(route: str, *, name: str, permission: str) -> Callable[[View], View]:
    """Make a view a page of the console: `admin:NAME`, for operators with `permission`.

    `permission` is written as in `admin_ui.roles`, e.g. "admin_ui.view_live".  Decorate at import
    time, in a module that `admin_ui.admin` imports.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if not request.user.has_perm(permission):
                raise PermissionDenied
            return view(request, *args, **kwargs)

        _pages.append((route, guarded, name))
        return guarded

    return decorate


class ConsoleSite(Site):  # type: ignore[misc]  # the theme's class has no type
    """The console."""

    site_header = "TeamTalk"
    site_title = "TeamTalk"
    index_title = _("Console")
    site_url = None  # there is no other site to view

    def has_permission(self, request: HttpRequest) -> bool:
        """Tell whether the console is open to whoever asks: an active account with a role."""
        user = request.user
        return bool(user.is_active and getattr(user, "role", ""))

    def get_urls(self) -> list[URLPattern | URLResolver]:
        """Return the pages of our own, then those of the tables."""
        own = [path(route, self.admin_view(view), name=name) for route, view, name in _pages]
        return [*own, *super().get_urls()]

    def page_context(self, request: HttpRequest, title: Any, **context: Any) -> dict[str, Any]:
        """Return what a page's template needs: `title` above it, and what the page adds."""
        return {**self.each_context(request), "title": title, **context}
