"""How clients reach this server, where no setting says so: at the address that they asked."""

from inspect import iscoroutinefunction
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils.decorators import sync_and_async_middleware

from im import addresses


def host_asked(request: HttpRequest) -> str:
    """Return our own address that a request came to, without brackets."""
    name = str(request.META.get("SERVER_NAME") or "")
    return addresses.ip_of(name) or name


def public_url(request: HttpRequest) -> str:
    """Return the address of the web, without a slash at its end."""
    return str(settings.IM_PUBLIC_URL) or _url_asked(request)


def url_said(request: HttpRequest) -> str:
    """Return the address of the web in the words of this client; others will use it, too.

    Of the scheme that the client speaks: an https address on a plain port would open nowhere.
    """
    host = request.META.get("HTTP_HOST", "")
    public = urlsplit(settings.IM_PUBLIC_URL)
    if host and host == public.netloc:  # a web server in front may not say which scheme it was
        return str(settings.IM_PUBLIC_URL)
    if addresses.is_named(host):
        return f"{request.scheme}://{host}"
    return str(settings.IM_PUBLIC_URL) if public.scheme == request.scheme else _url_asked(request)


def _url_asked(request: HttpRequest) -> str:
    port = int(request.META.get("SERVER_PORT") or 80)
    return addresses.url(str(request.scheme), host_asked(request), port)


@sync_and_async_middleware
def named_host(get_response: Any) -> Any:
    """Refuse HTTP/1.1 without a Host; original clients are answered before."""

    async def asynchronous(request: HttpRequest) -> HttpResponseBase:
        return _unnamed() if _lacks_host(request) else await get_response(request)

    def synchronous(request: HttpRequest) -> HttpResponseBase:
        return _unnamed() if _lacks_host(request) else get_response(request)

    return asynchronous if iscoroutinefunction(get_response) else synchronous


def _lacks_host(request: HttpRequest) -> bool:
    version = getattr(request, "scope", {}).get("http_version")
    return version == "1.1" and not request.META.get("HTTP_HOST")


def _unnamed() -> HttpResponse:
    return HttpResponse("HTTP/1.1 needs a Host\n", status=400, content_type="text/plain")


@sync_and_async_middleware
def strict_transport(get_response: Any) -> Any:
    """Tell browsers that the host of an https IM_PUBLIC_URL is never to be asked without TLS."""

    def told(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        public = urlsplit(settings.IM_PUBLIC_URL)
        is_public = request.META.get("HTTP_HOST", "") == public.netloc or request.is_secure()
        if public.scheme == "https" and is_public and settings.IM_HSTS_SECONDS:
            response.headers.setdefault(
                "Strict-Transport-Security", f"max-age={settings.IM_HSTS_SECONDS}"
            )
        return response

    async def asynchronous(request: HttpRequest) -> HttpResponseBase:
        return told(request, await get_response(request))

    def synchronous(request: HttpRequest) -> HttpResponseBase:
        return told(request, get_response(request))

    return asynchronous if iscoroutinefunction(get_response) else synchronous
