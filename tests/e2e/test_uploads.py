"""Who may upload, and how much: strangers and colleagues can't fill the disk of the messages."""

import asyncio
import json
import shutil
import socket
from collections.abc import Iterator
from contextlib import AsyncExitStack, closing
from pathlib import Path
from typing import Any

import pytest

from im.wire.proto import message_pb2
from tests.e2e.test_pictures import PNG
from tests.e2e.web import TIMEOUT_S, ask
from tests.forms import FORM, form, part
from tests.people import Entrance, People
from tests.server import Server

ELSEWHERE = "127.0.0.2"
NO_LOGIN, TOO_MUCH, NO_SPACE = 12, 13, 14
KILOBYTE = 1024
MORE_THAN_THERE_IS = 1 << 60


def upload(server: Server, content: bytes = PNG, *, source: str = "127.0.0.1") -> dict[str, Any]:
    """Upload a picture as an original client does; return the answer."""
    body = form(part(content))
    reply = ask(server.http_port, "/", FORM, method="POST", body=body, source=source)
    assert (reply.status, reply.headers["Content-Type"]) == (200, "text/html;charset=utf-8")
    found: dict[str, Any] = json.loads(reply.body)
    return found


def files_of(data_dir: Path) -> list[Path]:
    return [path for path in (data_dir / "files").rglob("*") if path.is_file()]


@pytest.fixture
def limited(sqlite_people: Path, tmp_path: Path) -> Iterator[Server]:
    """A server on which little may be uploaded."""
    database = tmp_path / "teamtalk.sqlite3"
    shutil.copyfile(sqlite_people, database)
    server = Server(
        f"sqlite:///{database}",
        tmp_path / "var",
        IM_UPLOAD_BYTES_PER_PERSON=100 * KILOBYTE,
        IM_UPLOAD_BYTES_PER_ADDRESS=150 * KILOBYTE,
        IM_BODY_BYTES=2000 * KILOBYTE,
    ).start()
    yield server
    server.kill()


async def test_a_stranger_uploads_nothing(
    server: Server, entrance: Entrance, people: People
) -> None:
    await entrance.log_in(people(1)[0])

    refused = upload(server, source=ELSEWHERE)

    assert refused == {"error_code": NO_LOGIN, "error_msg": "请先登录", "path": "", "url": ""}
    assert upload(server)["error_code"] == 0


async def test_who_has_logged_out_uploads_nothing_any_more(limited: Server, people: People) -> None:
    async with Entrance(limited.port) as entrance:
        client = await entrance.log_in(people(1)[0])
        assert upload(limited)["error_code"] == 0
        await client.close()
        async with asyncio.timeout(TIMEOUT_S):
            while upload(limited)["error_code"] == 0:  # noqa: ASYNC110  # nothing tells us
                await asyncio.sleep(0.02)

    assert upload(limited)["error_code"] == NO_LOGIN


async def test_an_address_uploads_no_more_a_day_than_its_people_may(
    limited: Server, people: People
) -> None:
    sizes = [40 * KILOBYTE + number for number in range(5)]
    async with Entrance(limited.port) as entrance:
        for person in people(2):
            await entrance.log_in(person)

        answers = await asyncio.gather(
            *(asyncio.to_thread(upload, limited, bytes(size)) for size in sizes)
        )

    assert sorted(answer["error_code"] for answer in answers) == [0, 0, 0, TOO_MUCH, TOO_MUCH]


async def test_voice_counts_among_what_a_person_uploads(limited: Server, people: People) -> None:
    ada, bob = people(2)
    async with Entrance(limited.port) as entrance:
        a, b = await entrance.log_in(ada), await entrance.log_in(bob)
        voice = message_pb2.IMMsgData(
            from_user_id=ada.id,
            to_session_id=bob.id,
            msg_id=0,
            create_time=0,
            msg_type=2,
            msg_data=b"\0\0\0\1" + bytes(60 * KILOBYTE),
        )
        a.send(voice)
        await a.receive(message_pb2.IMMsgDataAck)

        a.send(voice)
        await a.tell(bob.id, "a text after it")

        stored = [(await b.receive(message_pb2.IMMsgData)).msg_type for _ in range(2)]
    assert stored == [2, 1]


async def test_the_last_room_on_the_disk_is_kept_for_messages(
    sqlite_people: Path, tmp_path: Path, people: People
) -> None:
    database = tmp_path / "teamtalk.sqlite3"
    shutil.copyfile(sqlite_people, database)
    server = Server(
        f"sqlite:///{database}", tmp_path / "var", IM_FREE_DISK_BYTES=MORE_THAN_THERE_IS
    ).start()
    ada, bob = people(2)
    try:
        async with Entrance(server.port) as entrance:
            a, _ = await entrance.log_in(ada), await entrance.log_in(bob)

            refused = upload(server)
            await a.tell(bob.id, "there is room for this")

        assert refused["error_code"] == NO_SPACE
        assert files_of(tmp_path / "var") == []
    finally:
        server.kill()


async def test_half_uploads_of_strangers_leave_room_for_others(
    limited: Server, people: People
) -> None:
    head = f"POST / HTTP/1.1\r\nHost: x\r\n{FORM}\r\nContent-Length: 1000000\r\n\r\n".encode()
    async with Entrance(limited.port) as entrance, AsyncExitStack() as halves:
        await entrance.log_in(people(1)[0])
        for _ in range(5):
            half = socket.create_connection(
                ("127.0.0.1", limited.http_port), TIMEOUT_S, source_address=(ELSEWHERE, 0)
            )
            halves.enter_context(closing(half))
            half.sendall(head + bytes(200 * KILOBYTE))

        crowded = ask(
            limited.http_port, "/", FORM, method="POST", body=bytes(600_000), source=ELSEWHERE
        )

        assert (crowded.status, crowded.headers["Connection"]) == (503, "close")
        assert upload(limited, bytes(90 * KILOBYTE))["error_code"] == 0
    assert limited.complaints() == []
