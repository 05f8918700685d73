"""The ASGI application: which protocol goes to whom.

"tcp" and "tcp.login" are never wrapped in middleware: the gateway takes the consumer class from
the route and makes one object per connection.
"""

import os
import sys

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "teamtalk_site.settings")
django_application = get_asgi_application()

from channels.routing import ProtocolTypeRouter  # noqa: E402  # Django must be set up first

from im.consumers.client import LoginServerConsumer, TcpConsumer  # noqa: E402
from im.consumers.node import NodeConsumer  # noqa: E402
from im.consumers.web import WebConsumer  # noqa: E402
from tcpgateway.http.threads import with_shared_threads  # noqa: E402
from tcpgateway.http.web_node import with_node  # noqa: E402

if "daphne.server" in sys.modules:  # it is what runs us
    from tcpgateway.http import server

    assert server  # importing it is what mends daphne

node_application = NodeConsumer.as_asgi()
application = ProtocolTypeRouter(
    {
        "http": with_shared_threads(django_application),
        "websocket": with_node(WebConsumer.as_asgi(), node_application),
        "tcp": TcpConsumer.as_asgi(),
        "tcp.login": LoginServerConsumer.as_asgi(),
        "lifespan": node_application,
    }
)
