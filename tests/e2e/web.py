"""A plain HTTP request, as odd as it has to be."""

import socket
from dataclasses import dataclass
from email import message_from_bytes
from email.message import Message

TIMEOUT_S = 10


@dataclass(frozen=True, slots=True)
class Reply:
    """What came until the server closed the connection."""

    status: int
    headers: Message
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()


def ask(
    port: int,
    target: str,
    *headers: str,
    method: str = "GET",
    host: str | None = "localhost",
    body: bytes = b"",
    version: str = "1.1",
    source: str = "",
    at: str = "127.0.0.1",
) -> Reply:
    """Send one request and read until the server closes.  Raises TimeoutError if it doesn't.

    `source` is the address it comes from: on Linux all of 127.0.0.0/8 are ours.
    """
    lines = [f"{method} {target} HTTP/{version}", *headers, f"Content-Length: {len(body)}"]
    if host is not None:
        lines.insert(1, f"Host: {host}")
    with socket.create_connection(
        (at, port), timeout=TIMEOUT_S, source_address=(source, 0) if source else None
    ) as connection:
        connection.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
        received = b""
        while chunk := connection.recv(65536):
            received += chunk
    head, _, rest = received.partition(b"\r\n\r\n")
    status_line, _, header_lines = head.partition(b"\r\n")
    return Reply(int(status_line.split()[1]), message_from_bytes(header_lines), rest)
