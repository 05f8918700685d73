"""The ASGI application: which protocol goes to whom.

"tcp" and "tcp.login" are never wrapped in middleware: the gateway takes the consumer class from
the route and makes one object per connection.
"""

import os
from typing import Any

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "teamtalk_site.settings")
django_application = get_asgi_application()

from channels.routing import ProtocolTypeRouter  # noqa: E402  # Django must be set up first

from im.consumers.client import LoginServerConsumer, TcpConsumer  # noqa: E402
from im.consumers.node import NodeConsumer  # noqa: E402


async def refuse_websocket(scope: Any, receive: Any, send: Any) -> None:
    """Close WebSockets politely: there is no web client to talk to yet."""
    await receive()
    await send({"type": "websocket.close"})


application = ProtocolTypeRouter(
    {
        "http": django_application,
        "websocket": refuse_websocket,
        "tcp": TcpConsumer.as_asgi(),
        "tcp.login": LoginServerConsumer.as_asgi(),
        "lifespan": NodeConsumer.as_asgi(),
    }
)
