"""The four clients as the server sees them: what each sends, in which order, and what it relies on.

Each keeps what it learns in a Cache that outlives its connections, by its own rules: what it would
ignore never gets in there.
"""

from tests.e2e.clients.android import Android
from tests.e2e.clients.device import Cache, Device, Key
from tests.e2e.clients.ios import IOS
from tests.e2e.clients.mac import Mac
from tests.e2e.clients.windows import Windows

__all__ = ["IOS", "Android", "Cache", "Device", "Key", "Mac", "Windows"]
