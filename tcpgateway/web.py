"""daphne's HTTP side, with one habit mended: an answer that announces it closes the connection.

Left open, an old client that reads until the end would wait for a minute.
"""

from typing import Any

from daphne import server
from daphne.http_protocol import HTTPFactory, WebRequest


class _Request(WebRequest):  # type: ignore[misc]  # daphne has no types
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
