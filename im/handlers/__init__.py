"""What the server does with each command: one module per service id of the protocol.

`execution` is how they run, `encoding` what becomes PDUs.
"""

from im.handlers import buddy, file, group, login, message, other, switch

__all__ = ["buddy", "file", "group", "login", "message", "other", "switch"]
