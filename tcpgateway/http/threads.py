"""The threads in which views run, and with them the bound on database connections of HTTP.

Django would give each request a thread of its own, which opens a connection of its own.  Nothing
says when it is closed: a thread that ends leaves it to the garbage collector.  Here the requests of
a process share a few threads, which keep their connections.

What one request does in a thread may be followed by work of the same request in another one.
Nothing of ours minds: transactions and cursors end within a view.
"""

from typing import Any

from asgiref.sync import ThreadSensitiveContext
from django.conf import settings

from im.storage import connections

Application = Any  # an ASGI application


def with_shared_threads(application: Application) -> Application:
    """Return the HTTP application with its synchronous work done in IM_HTTP_THREADS threads."""
    threads = connections.DatabaseThreads(settings.IM_HTTP_THREADS, thread_name_prefix="http")
    # Else each request would wait for a thread before anything else, discovery as well.
    connections.leave_requests_alone()

    async def served(scope: Any, receive: Any, send: Any) -> None:
        async with ThreadSensitiveContext(executor=threads):
            await application(scope, receive, send)

    return served
