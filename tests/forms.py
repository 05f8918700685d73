"""Forms with a file, as clients of each kind upload them."""

BOUNDARY = "---------7d4a6d158c9"  # Android's
FORM = f"Content-Type: multipart/form-data; boundary={BOUNDARY}"


def part(
    content: bytes,
    name: str = "a.png",
    *,
    disposition: str = 'Content-Disposition: form-data; name="image"; filename="{name}"',
    content_type: str = "Content-Type: image/jpeg\r\n",
) -> bytes:
    """Return one part of a form."""
    head = f"--{BOUNDARY}\r\n{disposition.format(name=name)}\r\n{content_type}\r\n"
    return head.encode() + content + b"\r\n"


def field(name: str, value: str) -> bytes:
    """Return a plain field, as Mac and iOS send one before the file."""
    disposition = f'Content-Disposition: form-data; name="{name}"'
    return part(value.encode(), disposition=disposition, content_type="")


def form(*parts: bytes) -> bytes:
    """Return a whole form."""
    return b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()
