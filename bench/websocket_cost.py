"""What a message costs over TCP and over WebSockets, in JSON and in PDUs: CPU of the server.

    .venv/bin/python -m bench.websocket_cost [--pairs 20] [--messages 500]

Starts a server of its own on SQLite.  Every message is acknowledged and delivered before the figure
counts; each way has a warm-up of a tenth.
"""

import argparse
import asyncio
import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from websockets.asyncio.client import connect

from bench.signals import end_orderly_on_sigterm
from im.wire import catalog
from im.wire.pdu import Decoder
from im.wire.proto import login_pb2
from tests.client import text_to, wire_password
from tests.conftest import manage
from tests.server import Server

IN_FLIGHT = 8
TEXT = b"nnZSBwfPCz60q69ddmfIJA=="  # as clients encrypt it: the same for all three
PLAIN = "hello"
ACK, PUSH = catalog.Command.MSG_DATA_ACK, catalog.Command.MSG_DATA
LOGGED_IN = catalog.Command.LOGIN_RES_USERLOGIN


class Tcp:
    """A client of the gateway."""

    async def open(self, server: Server, name: str) -> None:
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", server.port)
        self.decoder = Decoder(2**24)
        self.writer.write(catalog.encode(login(name), 1))

    async def send(self, me: int, to: int, seq: int) -> None:
        self.writer.write(catalog.encode(text_to(me, to, TEXT), seq))

    async def receive(self) -> list[int]:
        return [pdu.command_id for pdu in self.decoder.feed(await self.reader.read(65536))]

    async def close(self) -> None:
        self.writer.close()


class Pdus:
    """A WebSocket with binary frames."""

    async def open(self, server: Server, name: str) -> None:
        self.socket = await connect(
            f"ws://127.0.0.1:{server.http_port}/chat/socket", compression=None, proxy=None
        )
        self.decoder = Decoder(2**24)
        await self.start(name)

    async def start(self, name: str) -> None:
        await self.socket.send(catalog.encode(login(name), 1))

    async def send(self, me: int, to: int, seq: int) -> None:
        await self.socket.send(catalog.encode(text_to(me, to, TEXT), seq))

    async def receive(self) -> list[int]:
        data = await self.socket.recv(decode=False)
        return [pdu.command_id for pdu in self.decoder.feed(data)]

    async def close(self) -> None:
        await self.socket.close()


class Json(Pdus):
    """A WebSocket with text frames."""

    names = {"IMMsgDataAck": ACK, "IMMsgData": PUSH, "IMLoginRes": LOGGED_IN}

    async def start(self, name: str) -> None:
        body = {"user_name": name, "password": wire_password("pass")}
        await self.socket.send(json.dumps({"cmd": "IMLoginReq", "seq": 1, "body": body}))

    async def send(self, me: int, to: int, seq: int) -> None:
        body = {"to_session_id": to, "msg_type": 1, "msg_data": PLAIN}
        await self.socket.send(json.dumps({"cmd": "IMMsgData", "seq": seq, "body": body}))

    async def receive(self) -> list[int]:
        frame = json.loads(await self.socket.recv())
        return [self.names.get(frame["cmd"], 0)]


def login(name: str) -> login_pb2.IMLoginReq:
    return login_pb2.IMLoginReq(
        user_name=name, password=wire_password("pass"), online_status=1, client_type=1
    )


async def pair(kind: type[Tcp | Pdus], server: Server, first: int, messages: int) -> None:
    """Let user `first` tell the next one so many texts, each acknowledged and delivered."""
    a, b = kind(), kind()
    await a.open(server, f"u{first:05d}")
    await b.open(server, f"u{first + 1:05d}")
    for client in (a, b):
        while LOGGED_IN not in await client.receive():
            pass
    room = asyncio.Semaphore(IN_FLIGHT)

    async def count(client: Tcp | Pdus, command: int, then: Callable[[], None]) -> None:
        left = messages
        while left:
            for received in await client.receive():
                if received == command:
                    left -= 1
                    then()

    async def say() -> None:
        for number in range(messages):
            await room.acquire()
            await a.send(first, first + 1, number % 60000 + 1)

    await asyncio.gather(say(), count(a, ACK, room.release), count(b, PUSH, lambda: None))
    await a.close()
    await b.close()


async def measure(kind: type[Tcp | Pdus], server: Server, pairs: int, messages: int) -> float:
    """Return microseconds of CPU per message."""
    for count in (messages // 10, messages):
        before = cpu_s(server.pid)
        await asyncio.gather(
            *(pair(kind, server, 2 * number + 1, count) for number in range(pairs))
        )
        spent = cpu_s(server.pid) - before
    return spent * 1e6 / (pairs * messages)


def cpu_s(pid: int) -> float:
    """Return user and system time of a process."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    end_orderly_on_sigterm()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=20)
    parser.add_argument("--messages", type=int, default=500)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        url = f"sqlite:///{directory}/bench.sqlite3"
        manage("migrate", database_url=url)
        people = str(2 * options.pairs)
        manage("seed_demo", "--users", people, "--password", "pass", database_url=url)
        server = Server(url, Path(directory) / "var", IM_MESSAGES_PER_SECOND=0).start()
        try:
            for kind in (Tcp, Pdus, Json, Tcp, Pdus, Json):
                cost = asyncio.run(measure(kind, server, options.pairs, options.messages))
                print(f"{kind.__name__:5} {cost:6.0f} µs of CPU per message")
        finally:
            server.kill()


if __name__ == "__main__":
    main()
