"""What the server does with each command: one module per service id of the protocol."""

from im.handlers import buddy, login, message, other

__all__ = ["buddy", "login", "message", "other"]
