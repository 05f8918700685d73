"""The errors of this project: one class per reason a caller can act on."""


class IMError(Exception):
    """Root of all errors raised on purpose by this project."""


class ProtocolError(IMError):
    """The byte stream is not a sequence of PDUs; the connection must be closed."""


class BadBody(IMError):
    """A PDU's body is not a complete message of its command; the PDU is dropped and counted."""


class Refused(IMError):
    """A well-formed wish that this caller may not have; the text is for people."""


class Overloaded(IMError):
    """A bounded queue is full; nothing was done and the caller may try again later."""
