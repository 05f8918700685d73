"""The consumer of one WebSocket: the same sessions, inbox and dispatch as over TCP.

A client's first frame says which of two languages it speaks.  Binary: the PDU stream of TCP, cut by
the client as it likes; to it each PDU goes as a message of its own.  Text: JSON, see
im.wire.json_frames.  Whatever it says of itself, it is a web client: a class of its own, that
neither ends a PC's or a phone's session nor is ended by one.
"""

import asyncio
from typing import Any
from urllib.parse import urlsplit

from channels.consumer import AsyncConsumer
from channels.exceptions import StopConsumer
from django.conf import settings
from django.http.request import validate_host

from im import addresses
from im.consumers.inbox import COST_OF_DROPPED, Inbox
from im.consumers.web_link import AGAIN, POLICY, TOO_BIG, UNSUPPORTED, Flow, NoFlow, WebLink
from im.delivery.local.sessions import Door, Session
from im.delivery.node import here
from im.peer_log import PeerLog, address_of
from im.types import ClientType
from im.wire.json_frames import BadFrame, JsonFrames, error_frame, is_quick, values
from im.wire.pdu import Decoder

peer_log = PeerLog(__name__)

VALUES_PER_COST = 8  # of a frame that a thread reads
CHARS_PER_COST = 1024  # of a frame that is no command


class WebConsumer(AsyncConsumer):  # type: ignore[misc]  # channels has no types
    """One client.  `scope["flow"]` is what the server offers beyond ASGI, if anything."""

    channel_layer_alias = "none: the process has one channel, not the connection"
    _session: Session | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve the connection, and end the session however that comes to an end."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._end()

    async def dispatch(self, message: dict[str, Any]) -> None:
        """Call the method of the message's type, without the stock one's hop to a thread."""
        await getattr(self, message["type"].replace(".", "_"))(message)

    async def websocket_connect(self, message: dict[str, Any]) -> None:
        """Begin a session, unless the page comes from elsewhere or there is no room."""
        node = here()
        peer = addresses.place(*(self.scope.get("client") or ("?", 0)))
        if not is_allowed_origin(dict(self.scope["headers"])):
            peer_log.info(address_of(peer), "refused a WebSocket from %s: foreign origin", peer)
        elif node is None or node.is_stopping or node.connections >= node.gateway.capacity:
            peer_log.warning(address_of(peer), "no room for a WebSocket from %s", peer)
        else:
            await self.send({"type": "websocket.accept"})
            self._flow: Flow = self.scope.get("flow") or NoFlow(self.send)
            self._flow.limit(self._longest)
            self._link = WebLink(self.send, self._flow, peer)
            self._session = Session(node, self._link, door=Door.CLIENT, heard_at=node.loop.time())
            self._session.client_type = ClientType.WEB
            self._inbox = Inbox(self._session)
            node.watch(self._session)
            return
        await self.send({"type": "websocket.close", "code": AGAIN})
        raise StopConsumer

    async def websocket_receive(self, message: dict[str, Any]) -> None:
        """Take a frame."""
        try:
            await self._take(message)
        finally:
            self._flow.took()

    async def _take(self, message: dict[str, Any]) -> None:
        session, link = self._session, self._link
        if session is None or link.is_deaf:
            return
        if session.user_id:  # before login only a login keeps a connection alive
            session.heard_at = session.node.loop.time()
        text, data = message.get("text"), message.get("bytes")
        if len(text or data or b"") > self._longest():
            link.close(code=TOO_BIG)
        elif text is not None:
            await self._take_text(session, text)
        elif data:
            self._take_bytes(data)

    async def websocket_disconnect(self, message: dict[str, Any]) -> None:
        """End the session; what it sent before is finished."""
        self._end()
        raise StopConsumer

    def _longest(self) -> int:
        is_known = self._session is not None and self._session.user_id
        longest: int = settings.IM_MAX_PDU_BYTES if is_known else settings.IM_LOGIN_PDU_BYTES
        return longest

    async def _take_text(self, session: Session, text: str) -> None:
        link = self._link
        if link.decoder is not None:
            link.close(code=UNSUPPORTED)
            return
        if link.frames is None:
            link.frames = JsonFrames(settings.IM_AES_KEY.encode())
        try:
            if is_quick(text):
                pdu = link.frames.read(text)
            else:  # the next frame is not taken before: they keep their order
                self._inbox.spend(values(text) // VALUES_PER_COST)
                pdu = await asyncio.to_thread(link.frames.read, text)
        except BadFrame as exc:
            session.node.counters["bad frames"] += 1
            peer_log.info(session.whose, "bad frame of %r: %s", session, exc)
            link.send(error_frame(exc.seq, str(exc)))
            if not session.user_id:
                link.close(code=POLICY)
            self._inbox.spend(COST_OF_DROPPED + len(text) // CHARS_PER_COST)
            return
        link.read.append(pdu)
        self._inbox.arrived()

    def _take_bytes(self, data: bytes) -> None:
        if self._link.frames is not None:
            self._link.close(code=UNSUPPORTED)
            return
        if self._link.decoder is None:
            self._link.decoder = Decoder(settings.IM_MAX_PDU_BYTES)
        self._link.decoder.push(data)
        self._inbox.arrived()

    def _end(self) -> None:
        session, self._session = self._session, None
        if session is None:
            return
        self._link.end()
        self._inbox.close()
        session.node.close(session)


def is_allowed_origin(headers: dict[bytes, bytes]) -> bool:
    """Tell whether a page of this origin may connect: our own host's, or one of IM_WEB_ORIGINS.

    Who names no origin is no browser, and no page in one can be made to do anything.
    """
    host = headers.get(b"host", b"").decode("latin-1")
    origin = headers.get(b"origin", b"").decode("latin-1")
    try:
        name, page_host = urlsplit(f"//{host}").hostname or "", urlsplit(origin).netloc
    except ValueError:  # an address that is none
        return False
    if not validate_host(f"[{name}]" if ":" in name else name, settings.ALLOWED_HOSTS or [name]):
        return False
    return not origin or origin in settings.IM_WEB_ORIGINS or page_host == host
