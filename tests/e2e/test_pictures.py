"""Small files over HTTP: what clients upload comes back, what others try does no harm."""

import json
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from im.wire.proto import message_pb2
from tests.e2e.web import TIMEOUT_S, Reply, ask
from tests.forms import BOUNDARY, FORM, field, form, part
from tests.people import Entrance, People
from tests.server import Server

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
LIMIT_BYTES = 10 * 1024 * 1024
MEGABYTE = 1024 * 1024


def post(server: Server, body: bytes, *, path: str = "/", content_type: str = FORM) -> Reply:
    return ask(server.http_port, path, content_type, method="POST", body=body)


def answer(reply: Reply) -> dict[str, Any]:
    """Return the answer to an upload."""
    assert (reply.status, reply.headers["Content-Type"]) == (200, "text/html;charset=utf-8")
    assert reply.headers["Content-Length"] == str(len(reply.body))
    found: dict[str, Any] = json.loads(reply.body)
    return found


def uploaded(server: Server, content: bytes, name: str = "a.png") -> str:
    """Upload a file and return its path."""
    found = answer(post(server, form(part(content, name))))
    assert found["error_code"] == 0
    return str(found["path"])


@pytest.fixture(autouse=True)
async def somebody(entrance: Entrance, people: People) -> None:
    """Somebody who is logged in from where the uploads come."""
    await entrance.log_in(people(1)[0])


# --- uploads that clients make ----------------------------------------------------------------


@dataclass(frozen=True)
class Upload:
    path: str
    parts: tuple[bytes, ...]
    suffix: str


WINDOWS = Upload("/upload/", (part(PNG, "C:\\x\\p_32x24.png"),), "_32x24.png")
MAC = Upload("/", (field("type", "im_image"), part(PNG, "image.png")), ".png")
IOS = Upload("/", (field("type", "im_image"), part(PNG, "image.png_5x6.png")), "_5x6.png")
ANDROID = Upload(
    "/",
    (part(PNG, "照片.jpg", content_type="Content-Type: application/octet-stream\r\n"),),
    ".jpg",
)
ELSEWHERE = Upload("/g0/some/where", (part(PNG),), ".png")
NOWHERE = Upload("/no/such/path", (part(PNG),), ".png")


@pytest.mark.parametrize("sent", [WINDOWS, MAC, IOS, ANDROID, ELSEWHERE, NOWHERE])
def test_every_clients_upload_comes_back_as_it_was(server: Server, sent: Upload) -> None:
    reply = ask(
        server.http_port,
        sent.path,
        FORM,
        method="POST",
        host="files.example:8700",
        body=form(*sent.parts),
    )
    found = answer(reply)
    back = ask(server.http_port, "/" + found["path"], host="files.example:8700")

    assert reply.text == (
        f'{{"error_code":0,"error_msg": "成功","path":"{found["path"]}",'
        f'"url":"http://files.example:8700/{found["path"]}"}}'
    )
    assert found["path"].startswith("g0/")
    assert found["path"].endswith(sent.suffix)
    assert (back.status, back.body) == (200, PNG)


def test_the_same_file_sent_twice_is_stored_once(server: Server) -> None:
    content = b"sent twice" + PNG

    first, second = (uploaded(server, content, name) for name in ("a.png", "b.png"))

    assert first == second


def test_a_host_that_is_none_is_not_repeated(server: Server) -> None:
    reply = ask(server.http_port, "/", FORM, method="POST", host='<b>"', body=form(part(PNG)))

    assert answer(reply)["url"].startswith(f"http://127.0.0.1:{server.http_port}/g0/")


def test_only_the_first_file_is_taken(server: Server) -> None:
    found = answer(post(server, form(part(b"first"), part(b"second" * 100_000, "b.gif"))))

    assert ask(server.http_port, "/" + found["path"]).body == b"first"


# --- what is given out ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "content_type", "disposition"),
    [
        ("a.png", "image/png", None),
        ("a.JPG", "image/jpeg", None),
        ("a.jpeg", "image/jpeg", None),
        ("a.gif", "image/gif", None),
        ("a.svg", "application/octet-stream", "attachment"),
        ("a.html", "application/octet-stream", "attachment"),
        ("1.audio", "application/octet-stream", "attachment"),
    ],
)
def test_nothing_is_shown_as_anything_but_a_picture(
    server: Server, name: str, content_type: str, disposition: str | None
) -> None:
    page = b"<html><script>alert(1)</script>"

    reply = ask(server.http_port, "/" + uploaded(server, page, name))

    assert reply.body == page
    assert reply.headers["Content-Type"] == content_type
    assert reply.headers["Content-Disposition"] == disposition
    assert reply.headers["X-Content-Type-Options"] == "nosniff"
    assert reply.headers["Content-Length"] == str(len(page))
    assert "immutable" in reply.headers["Cache-Control"]


@pytest.mark.parametrize(
    "target",
    [
        "/g0/",
        "/g0/aa/aa/" + 40 * "a" + ".png",
        "/g0/../secret_key",
        "/g0/%2e%2e/secret_key",
        "/g0/..%2f..%2fsecret_key",
        "/g0/%00.png",
        "/g0//etc/passwd",
        "/g0/000/000/..%5c..%5cx.png",
        "/g0/" + 5000 * "a",
    ],
)
def test_what_is_not_there_has_an_empty_answer(server: Server, target: str) -> None:
    reply = ask(server.http_port, target)

    assert (reply.status, reply.body) == (404, b"")
    assert reply.headers["Content-Length"] == "0"


CONTENT = bytes(range(200)) * 2000


def get(server: Server, path: str, *headers: str, method: str = "GET") -> Reply:
    return ask(server.http_port, "/" + path, *headers, method=method)


def test_a_part_of_a_file_is_given(server: Server) -> None:
    path = uploaded(server, CONTENT)

    reply = get(server, path, "Range: bytes=150000-349999")

    assert (reply.status, reply.headers["Content-Length"]) == (206, "200000")
    assert reply.headers["Content-Range"] == "bytes 150000-349999/400000"
    assert reply.headers["Content-Type"] == "image/png"
    assert reply.body == CONTENT[150_000:350_000]


def test_the_rest_of_a_file_is_given_only_if_it_is_still_the_same(server: Server) -> None:
    path = uploaded(server, CONTENT)
    whole = get(server, path)

    same = get(server, path, "Range: bytes=399998-", f"If-Range: {whole.headers['ETag']}")
    other = get(server, path, "Range: bytes=399998-", 'If-Range: "other"')
    dated = get(server, path, "Range: bytes=1-", "If-Range: Sat, 29 Oct 1994 19:43:31 GMT")

    assert (whole.status, whole.headers["Accept-Ranges"]) == (200, "bytes")
    assert (same.status, same.body) == (206, CONTENT[-2:])
    assert (other.status, dated.status) == (200, 200)
    assert other.body == dated.body == CONTENT


def test_a_part_beyond_the_end_is_refused(server: Server) -> None:
    reply = get(server, uploaded(server, CONTENT), "Range: bytes=400000-")

    assert (reply.status, reply.body) == (416, b"")
    assert reply.headers["Content-Range"] == "bytes */400000"


def test_what_a_client_has_is_not_sent_again(server: Server) -> None:
    path = uploaded(server, CONTENT)
    etag = get(server, path).headers["ETag"]

    again = get(server, path, f'If-None-Match: "old", {etag}', "Range: bytes=0-1")
    other = get(server, path, 'If-None-Match: "old"')

    assert (again.status, again.body, again.headers["ETag"]) == (304, b"", etag)
    assert other.status == 200


def test_one_may_ask_for_the_head_alone(server: Server) -> None:
    path = uploaded(server, CONTENT)

    head, nothing = (
        get(server, name, method="HEAD") for name in (path, "g0/aa/aa/" + 40 * "a" + ".png")
    )

    assert (head.status, head.body, head.headers["Content-Length"]) == (200, b"", "400000")
    assert head.headers["ETag"] == get(server, path).headers["ETag"]
    assert (nothing.status, nothing.body) == (404, b"")


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PROPFIND"])
def test_other_methods_are_refused(server: Server, method: str) -> None:
    reply = ask(server.http_port, "/" + uploaded(server, PNG), method=method)

    assert (reply.status, reply.body) == (403, b"")


# --- uploads that nobody should make ----------------------------------------------------------

NO_BOUNDARY = "Content-Type: multipart/form-data"


@pytest.mark.parametrize(
    ("code", "body", "content_type"),
    [
        (4, form(part(PNG)), NO_BOUNDARY),
        (4, form(part(PNG)), "Content-Type: text/plain"),
        (4, b"", "X-Nothing: here"),
        (2, b"", FORM),
        (2, b"just text", FORM),
        (3, form(field("type", "im_image")), FORM),
        (11, form(part(PNG, "n" * 300 + ".png")), FORM),
        (10, form(part(PNG, "png")), FORM),
        (10, form(part(PNG, "a.")), FORM),
        (10, form(part(PNG, "a.p/ng")), FORM),
        (9, form(part(PNG, "a." + "x" * 16)), FORM),
        (5, form(part(PNG)).replace(BOUNDARY.encode(), b"other"), FORM),
        (5, form(part(PNG)), FORM + "x" * 300),
        (6, form(part(PNG, content_type="")), FORM),
        (8, part(PNG), FORM),
    ],
)
def test_a_form_that_is_wrong_is_answered_with_the_originals_code(
    server: Server, code: int, body: bytes, content_type: str
) -> None:
    reply = post(server, body, content_type=content_type)

    answer(reply)
    assert reply.text == f'{{"error_code":{code},"error_msg": "格式错误","path":"","url":""}}'


def test_what_is_too_long_is_refused_and_the_server_lives(server: Server) -> None:
    reply = post(server, form(part(bytes(LIMIT_BYTES))))

    assert reply.text == '{"error_code":1,"error_msg": "上传文件过大","url":""}'
    assert uploaded(server, PNG)


def test_a_client_that_leaves_amid_its_upload_does_no_harm(server: Server) -> None:
    head = f"POST / HTTP/1.1\r\nHost: x\r\n{FORM}\r\nContent-Length: 1000000\r\n\r\n"
    with socket.create_connection(("127.0.0.1", server.http_port), TIMEOUT_S) as connection:
        connection.sendall(head.encode() + part(bytes(500_000)))

    assert uploaded(server, PNG)


def test_a_client_that_leaves_amid_its_download_does_no_harm(server: Server) -> None:
    path = uploaded(server, bytes(5 * MEGABYTE))
    with socket.create_connection(("127.0.0.1", server.http_port), TIMEOUT_S) as connection:
        connection.sendall(f"GET /{path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        connection.recv(1000)

    assert uploaded(server, PNG)


@pytest.mark.parametrize("path", ["/admin/login/", "/admin/no/such/page", "/api/no-such"])
def test_the_rest_of_the_site_keeps_its_own_forms(server: Server, path: str) -> None:
    reply = post(server, form(part(PNG)), path=path, content_type=f"{FORM}\r\nConnection: close")

    assert b"error_code" not in reply.body
    assert reply.status in (302, 403, 404)


def resident_bytes(pid: int) -> int:
    """Return the memory a process has now."""
    status = Path(f"/proc/{pid}/status").read_text()
    [line] = [line for line in status.splitlines() if line.startswith("VmRSS:")]
    return int(line.split()[1]) * 1024


def test_long_files_go_through_without_the_server_growing(server: Server) -> None:
    before = [bytes([number]) * (9 * MEGABYTE) for number in range(6)]
    uploaded(server, before.pop())
    first = resident_bytes(server.pid)

    for content in before:
        path = uploaded(server, content)
        assert ask(server.http_port, "/" + path).body == content

    assert resident_bytes(server.pid) - first < 24 * MEGABYTE


def test_what_is_much_too_long_is_not_kept_while_it_arrives(server: Server) -> None:
    first = resident_bytes(server.pid)

    reply = post(server, bytes(80 * MEGABYTE))

    assert json.loads(reply.body)["error_code"] == 1
    assert resident_bytes(server.pid) - first < 40 * MEGABYTE


# --- pictures in texts ------------------------------------------------------------------------


async def test_a_picture_in_a_text_reaches_the_other_side(
    server: Server, entrance: Entrance, people: People
) -> None:
    ada, bob = people(2)
    a, b = await entrance.log_in(ada), await entrance.log_in(bob)
    url = answer(post(server, form(part(PNG, "p_8x9.png"))))["url"]

    await a.tell(bob.id, f"look &$#@~^@[{{:{url}:}}]&$~@#@ nice")
    text = (await b.receive(message_pb2.IMMsgData)).msg_data.decode()

    shown = text.partition("&$#@~^@[{:")[2].partition(":}]&$~@#@")[0]
    assert shown == url
    assert ask(server.http_port, shown.partition("localhost")[2]).body == PNG
