"""`/chat`: the page, and what it asks over HTTP: a token for its WebSocket, uploads, a password.

The page never keeps a password.  It gets a token that is good once and for minutes, and its browser
a cookie that no script sees, good for new tokens until the session ends (services/web_sessions).
"""

import asyncio
import json
from functools import cache

from asgiref.sync import sync_to_async
from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.csrf import csrf_exempt, ensure_csrf_cookie
from django.views.decorators.http import require_GET, require_POST

from im import dispatch
from im.delivery.node import here
from im.errors import Overloaded, Refused
from im.handlers.execution.registry import LOGIN_DESK
from im.networks import home_of
from im.services.directory import users
from im.services.identity import passwords, web_sessions
from im.services.identity.login import Admitted, Credentials, LoginDesk, LoginRefusal
from im.services.identity.web_sessions import Pass
from im.services.media import transcoding
from im.storage.db_errors import Outage
from im.views import outage, uploads
from im.views.chat_assets import assets

COOKIE = "im_chat"
PATH = "/chat"
_MAX_BODY_BYTES = 4096

# Nothing but our own scripts and styles, and no place to send anything else to.
_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' blob:",
        "media-src 'self' blob:",
        "connect-src 'self'",
        "manifest-src 'self'",
        "form-action 'none'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)


@require_GET
@ensure_csrf_cookie
def page(request: HttpRequest) -> HttpResponse:
    """Answer with the page; everything on it comes by script."""
    found = assets()
    modules = [name for name in found.files if name.endswith(".js")]
    context = {"version": found.version, "modules": modules}
    response = render(request, "chat/page.html", context)
    response["Content-Security-Policy"] = _POLICY
    response["Referrer-Policy"] = "same-origin"
    response["Cache-Control"] = "no-store"
    return response


# --- who it is --------------------------------------------------------------------------------


@require_POST
async def log_in(request: HttpRequest) -> JsonResponse:
    """Take name and password, answer with a token; wrong ones count as they do elsewhere."""
    wish = _wish(request, "name", "password")
    if wish is None:
        return _problem(400, "bad-request")
    name, password = wish
    try:
        result = await _check(_credentials(request, name, password))
    except Overloaded:
        return _problem(503, "overloaded")
    if result is None:
        return _problem(503, "unavailable", text=outage.text(Outage.AWAY))
    if isinstance(result, LoginRefusal):
        return _problem(403, "refused", text=result.text)
    return await _admit(result.user_id, request)


@require_POST
async def renew(request: HttpRequest) -> HttpResponse:
    """Answer with a new token for the browser's session; with nothing when there is none.

    Every first visit asks: that nobody is logged in is an answer, not an error.
    """
    admitted = await sync_to_async(web_sessions.renew)(_cookie(request))
    return HttpResponse(status=204) if admitted is None else _passed(admitted)


@require_POST
async def log_out(request: HttpRequest) -> JsonResponse:
    """End the browser's session, and the connections that it began, everywhere."""
    await sync_to_async(_end_session)(_cookie(request))
    response = JsonResponse({})
    response.delete_cookie(COOKIE, path=PATH, samesite="Strict")
    return response


@require_POST
async def change_password(request: HttpRequest) -> JsonResponse:
    """Change one's password: every connection and every other browser's session ends."""
    name = await _name(request)
    if name is None:
        return _problem(403, "no-session")
    wish = _wish(request, "old", "new")
    if wish is None:
        return _problem(400, "bad-request")
    try:  # guesses at the old password count like failed logins
        proof = await _check(_credentials(request, name, wish[0]))
    except Overloaded:
        return _problem(503, "overloaded")
    if proof is None:
        return _problem(503, "unavailable", text=outage.text(Outage.AWAY))
    if isinstance(proof, LoginRefusal):
        return _problem(403, "old", text=proof.text)
    try:
        await sync_to_async(_change_password)(proof.user_id, wish[1])
    except Refused as exc:
        return _problem(400, "new", text=str(exc))
    return await _admit(proof.user_id, request)


def _session_for(user_id: int, cookie: str) -> Pass | None:
    going_on = web_sessions.renew(cookie)
    if going_on is not None and going_on.user_id == user_id:
        return going_on  # its end would end the connection of another tab, which would come back
    _end_session(cookie)
    return web_sessions.begin(user_id)


def _end_session(cookie: str) -> None:
    ended = web_sessions.end(cookie)
    if ended is not None:
        dispatch.announce([ended])


def _change_password(user_id: int, new: str) -> None:
    dispatch.announce(users.set_password(user_id, new).events)


# --- pictures ---------------------------------------------------------------------------------


@csrf_exempt  # its check would read the form; forms of other sites come without the cookie
@require_POST
async def upload(request: HttpRequest) -> HttpResponse:
    """Store a picture of somebody who is logged in; the answer is that of the small-file server."""
    user_id = await _user(request)
    if user_id is None:
        return _problem(403, "no-session")
    return await uploads.upload(request, user_id)


@require_POST
async def voice(request: HttpRequest) -> HttpResponse:
    """Answer the sound of a voice message with one that browsers play."""
    user_id = await _user(request)
    if user_id is None:
        return _problem(403, "no-session")
    if _is_longer(request, settings.IM_VOICE_BYTES):
        return _problem(413, "too-long")
    try:
        asked = transcoding.submit(request.body, f"user {user_id}")
        # Others may wait for the same one: who leaves must not call it off.
        sound = await asyncio.shield(asyncio.wrap_future(asked))
    except Refused as exc:
        return _problem(422, "not-playable", text=str(exc))
    except Overloaded:
        return _problem(503, "overloaded")
    return HttpResponse(sound, content_type="audio/wav")


# --- inside -----------------------------------------------------------------------------------


@cache
def _own_desk() -> LoginDesk:
    return LoginDesk()


def _credentials(request: HttpRequest, name: str, password: str) -> Credentials:
    address = home_of(request.META.get("REMOTE_ADDR") or "")
    return Credentials(name, passwords.wire_password(password), address)


async def _check(credentials: Credentials) -> Admitted | LoginRefusal | None:
    """Ask the login desk of this process's node, so that failures by all ways count together.

    None: the database can't be asked.
    """
    node = here()
    if node is not None and not node.is_stopping:
        found: Admitted | LoginRefusal | None = await node.lane(LOGIN_DESK.name).run(credentials)
        return found
    [result] = await sync_to_async(_own_desk())([credentials])
    return result


async def _admit(user_id: int, request: HttpRequest) -> JsonResponse:
    """Go on with the browser's session, or begin one in place of somebody else's."""
    admitted = await sync_to_async(_session_for)(user_id, _cookie(request))
    return _problem(403, "refused") if admitted is None else _passed(admitted)


def _passed(admitted: Pass) -> JsonResponse:
    """Answer with a token, and let the browser keep the session."""
    response = JsonResponse(
        {"user_id": admitted.user_id, "name": admitted.name, "token": admitted.token}
    )
    response.set_cookie(
        COOKIE,
        admitted.cookie,
        max_age=settings.IM_WEB_SESSION_SECONDS,
        path=PATH,
        httponly=True,
        samesite="Strict",
        secure=settings.IM_PUBLIC_URL.startswith("https:"),
    )
    return response


def _cookie(request: HttpRequest) -> str:
    return request.COOKIES.get(COOKIE, "")


@sync_to_async
def _user(request: HttpRequest) -> int | None:
    user = web_sessions.user_of(_cookie(request))
    return None if user is None else user.pk


@sync_to_async
def _name(request: HttpRequest) -> str | None:
    user = web_sessions.user_of(_cookie(request))
    return None if user is None else user.name


def _is_longer(request: HttpRequest, limit_bytes: int) -> bool:
    """Tell whether a body is longer; a chunked one does not announce its length."""
    announced = int(request.META.get("CONTENT_LENGTH") or 0)
    return announced > limit_bytes or len(request.body) > limit_bytes


def _wish(request: HttpRequest, *names: str) -> tuple[str, ...] | None:
    """Return these texts of a JSON body; None when they are not there, or no texts."""
    if _is_longer(request, _MAX_BODY_BYTES):
        return None
    try:
        found = json.loads(request.body)
        texts = tuple(found[name] for name in names)
        "".join(texts).encode()  # JSON can say half a surrogate pair
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return texts


def _problem(status: int, code: str, *, text: str = "") -> JsonResponse:
    return JsonResponse({"error": code, "text": text}, status=status)
