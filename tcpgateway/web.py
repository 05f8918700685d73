"""daphne's HTTP side, with some habits mended.

An answer that announces it closes the connection: left open, an old client that reads until the
end would wait for a minute.  And a body is kept only as far as an upload may be long, and left to
Django: daphne hands all of it over at once, in memory, and twisted would parse it first.
"""

from typing import Any

from daphne import server
from daphne.http_protocol import HTTPFactory, WebRequest
from django.conf import settings


class _Request(WebRequest):  # type: ignore[misc]  # daphne has no types
    def __init__(self, *args: Any, **kwargs: Any) -> None:  # Any: twisted's
        super().__init__(*args, parsePOSTFormSubmission=False, **kwargs)

    def handleContentChunk(self, data: bytes) -> None:  # noqa: N802  # twisted's name
        """Keep a piece of the body; views see by its length that they have not got all."""
        room = settings.IM_SMALL_FILE_BYTES - self.content.tell()
        super().handleContentChunk(data[: max(room, 0)])

    def finish(self) -> None:
        if b"close" in (self.responseHeaders.getRawHeaders(b"connection") or ()):
            self.channel.persistent = False
        super().finish()


class _Factory(HTTPFactory):  # type: ignore[misc]
    def buildProtocol(self, addr: Any) -> Any:  # noqa: N802  # twisted's name; both are twisted's
        channel = super().buildProtocol(addr)
        channel.requestFactory = _Request
        return channel


server.HTTPFactory = _Factory  # Server.run() makes its own, and asks nobody

Server = server.Server
