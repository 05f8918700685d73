"""The console's site: who gets in, and the pages that belong to no table.

A page of its own is a view under `@console_page`; `admin_ui.navigation` puts it in the sidebar.
"""

from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.urls import URLPattern, URLResolver, path
from django.utils.translation import gettext_lazy as _

from admin_ui import audit_log, navigation
from admin_ui.models import Operator
from admin_ui.sign_in import SignInForm
from admin_ui.theme import Site

View = Callable[..., HttpResponseBase]

# Pictures and voice lie where clients put them.  The theme's scripts are attributes of the pages,
# which Alpine compiles ("unsafe-eval"), and it writes style attributes; a script that somebody got
# into a page does not run.
POLICY = (
    "default-src 'self'; img-src 'self' data: http: https:; media-src 'self' http: https:; "
    "style-src 'self' 'unsafe-inline'; script-src 'self' 'unsafe-eval'; "
    "object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'self'"
)

_pages: list[tuple[str, View, str]] = []  # route, view, url name


def console_page(route: str, *, name: str, permission: str = "") -> Callable[[View], View]:
    """Make a view a page of the console: `admin:NAME`, for operators with `permission`.

    `permission` is written as in `admin_ui.roles`, e.g. "admin_ui.view_live"; empty: all of them.
    Decorate at import time, in a module that `admin_ui.admin` imports.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if permission and not request.user.has_perm(permission):
                raise PermissionDenied
            return view(request, *args, **kwargs)

        _pages.append((route, guarded, name))
        return guarded

    return decorate


class ConsoleSite(Site):  # type: ignore[misc]  # the theme's class has no type
    """The console."""

    login_form = SignInForm
    login_template = "admin_ui/login.html"
    site_header = "TeamTalk"
    site_title = "TeamTalk"
    index_title = _("Console")
    site_url = None  # there is no other site to view

    def has_permission(self, request: HttpRequest) -> bool:
        """Tell whether the console is open to whoever asks.

        That takes an active account with a role; one with a second factor must have shown it in
        this session, also if the session is older than the factor.
        """
        user: Any = request.user  # Any: an operator, with what django_otp adds
        if not (user.is_active and getattr(user, "role", "")):
            return False
        return bool(user.is_verified() or not user.has_second_factor)

    def index(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponseRedirect:
        """Lead to where this operator starts."""
        return HttpResponseRedirect(navigation.home(request))

    def login(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Log an operator in, and record it."""
        response: HttpResponse = super().login(request, extra_context)
        response.headers["Content-Security-Policy"] = POLICY
        if request.method == "POST" and response.status_code == HTTPStatus.FOUND:
            _record(request, "log in")
        return response

    def logout(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Log an operator out, and record it."""
        if request.method == "POST" and request.user.is_authenticated:
            _record(request, "log out")
        response: HttpResponse = super().logout(request, extra_context)
        return response

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        """Guard a view as Django does, and tell the browser to load nothing from elsewhere."""
        guarded = super().admin_view(view, cacheable)

        @wraps(guarded)
        def with_policy(*args: Any, **kwargs: Any) -> HttpResponseBase:
            response: HttpResponseBase = guarded(*args, **kwargs)
            response.headers.setdefault("Content-Security-Policy", POLICY)
            return response

        return with_policy

    def autocomplete_view(self, request: HttpRequest) -> HttpResponse:
        """Answer nobody: the search boxes of our forms have addresses of their own.

        Django's view fails for the references of our tables, which are no foreign keys to it.
        """
        raise Http404

    def get_urls(self) -> list[URLPattern | URLResolver]:
        """Return the pages of our own, then those of the tables."""
        own = [path(route, self.admin_view(view), name=name) for route, view, name in _pages]
        return [*own, *super().get_urls()]

    def page_context(self, request: HttpRequest, title: Any, **context: Any) -> dict[str, Any]:
        """Return what a page's template needs: `title` above it, and what the page adds."""
        return {**self.each_context(request), "title": title, **context}


def _record(request: HttpRequest, action: str) -> None:
    """Record that an operator came or went."""
    operator = request.user
    assert isinstance(operator, Operator)
    audit_log.record(operator, action, operator, address=audit_log.address_of(request))
