"""What the server does with each command: one module per service id of the protocol."""

from im.handlers import buddy, file, group, login, message, other, switch

__all__ = ["buddy", "file", "group", "login", "message", "other", "switch"]
