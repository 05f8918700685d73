"""The threads in which views run, and with them the bound on database connections of HTTP.

Also who takes away what requests leave: Django's and daphne's objects of a request refer to each
other, so only the cycle collector frees them, the body included.  The gateway lets it begin late
(`runners.COLLECT_AFTER`), and then 100,000 such objects stopped everybody for 0.2 s.

Django would give each request a thread of its own, which opens a connection of its own.  Nothing
says when it is closed: a thread that ends leaves it to the garbage collector.  Here the requests of
a process share a few threads, which keep their connections.

What one request does in a thread may be followed by work of the same request in another one.
Nothing of ours minds: transactions and cursors end within a view.
"""

import gc
from typing import Any

from asgiref.sync import ThreadSensitiveContext
from django.conf import settings

from im.storage import connections

Application = Any  # an ASGI application

YOUNG_OBJECTS = 5_000  # they take the loop a few milliseconds
LARGE_BYTES = 64 * 1024  # of a body, which the collector counts as one object


def with_shared_threads(application: Application) -> Application:
    """Return the HTTP application with its synchronous work done in IM_HTTP_THREADS threads."""
    threads = connections.DatabaseThreads(settings.IM_HTTP_THREADS, thread_name_prefix="http")
    # Else each request would wait for a thread before anything else, discovery as well.
    connections.leave_requests_alone()

    async def served(scope: Any, receive: Any, send: Any) -> None:
        body_bytes = 0

        async def counted() -> Any:
            nonlocal body_bytes
            message = await receive()
            body_bytes += len(message.get("body", b""))
            return message

        try:
            async with ThreadSensitiveContext(executor=threads):
                await application(scope, counted, send)
        finally:
            if body_bytes > LARGE_BYTES or gc.get_count()[0] > YOUNG_OBJECTS:
                gc.collect(0)

    return served
