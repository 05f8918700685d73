"""The consumer of one TCP client connection.

It differs from a stock Channels consumer in how it is driven: the gateway calls it directly
instead of through `await receive()`, and it has no channel of its own (the process has one, see
im.consumers.node).  Measured per PDU: 22 µs like this, 202 µs with the stock dispatch, which also
costs 16 KB per idle connection.

What the gateway calls, in this order: `tcp_connect` once, `tcp_receive` per chunk of bytes,
`tcp_disconnect` once.
"""

import asyncio

from channels.consumer import AsyncConsumer

from im.consumers.inbox import Inbox
from im.delivery.local.sessions import Door, Link, Session
from im.delivery.node import here


class TcpConsumer(AsyncConsumer):  # type: ignore[misc]  # channels has no types
    """One client of the gateway: its session and the commands that wait."""

    door = Door.CLIENT

    def tcp_connect(self, link: Link) -> None:
        """Begin a session over `link`."""
        self._loop = asyncio.get_running_loop()
        node = here()
        if node is None:
            raise RuntimeError("lifespan.startup comes before the first client")
        self._session = Session(node, link, door=self.door, heard_at=self._loop.time())
        self._inbox = Inbox(self._session)
        self._session.node.watch(self._session)

    @property
    def is_known(self) -> bool:
        """Whether the client has logged in."""
        return self._session.user_id != 0

    def tcp_receive(self) -> None:
        """Work on what has come."""
        if self._session.user_id:  # before login only a login keeps a connection alive
            self._session.heard_at = self._loop.time()
        self._inbox.arrived()

    def tcp_disconnect(self) -> None:
        """End the session; what it sent before is finished."""
        self._inbox.close()
        self._session.node.close(self._session)


class LoginServerConsumer(TcpConsumer):
    """One caller of the login server's TCP port, which knows a single command: where to go."""

    door = Door.LOGIN_SERVER
