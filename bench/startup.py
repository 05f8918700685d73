"""From `make run` to the first message, on a machine that has the project's .venv."""

import asyncio
import os
import re
import signal
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic

from bench.client import Client
from bench.tally import Tally
from im.types import ClientType, MsgType
from im.wire.catalog import Command
from im.wire.pdu import Pdu
from im.wire.proto import message_pb2 as pb
from tests.ports import free_port
from tests.server import ROOT

PEOPLE = re.compile(r"people   (\w+), (\w+), .* password (\S+)$")
END_S = 20.0


def first_message() -> Tally:
    """Start the server as a newcomer does, with an empty data directory; stop it again."""
    tally = Tally()
    with TemporaryDirectory(prefix="im-bench-") as data:
        port = free_port()
        ports = {"IM_TCP_PORT": port, "IM_HTTP_PORT": free_port(), "IM_LOGIN_PORT": free_port()}
        environment = {
            name: value
            for name, value in os.environ.items()
            if "MAKE" not in name and name not in ("DATABASE_URL", "REDIS_URL")
        }
        environment |= {name: str(number) for name, number in ports.items()}
        began = monotonic()
        process = subprocess.Popen(
            ["make", "run"],
            cwd=ROOT,
            env=environment | {"IM_DATA_DIR": str(Path(data) / "var")},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        try:
            writer, hearer, password = _people(process)
            asyncio.run(_one_message(port, writer, hearer, password))
            tally.took(monotonic() - began)
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.communicate(timeout=END_S)
    return tally


def _people(process: subprocess.Popen[str]) -> tuple[str, str, str]:
    """Return two people and their password, once the server says it is ready."""
    assert process.stdout
    for line in process.stdout:
        found = PEOPLE.search(line)
        if found:
            return found[1], found[2], found[3]
    raise RuntimeError("the server did not become ready")


async def _one_message(port: int, writer: str, hearer: str, password: str) -> None:
    loop = asyncio.get_running_loop()
    clients = []
    for name in (writer, hearer):
        _, client = await loop.create_connection(Client, "127.0.0.1", port)
        await client.log_in(name, password, ClientType.WINDOWS)
        clients.append(client)
    heard: asyncio.Future[Pdu] = loop.create_future()

    def hear(pdu: Pdu) -> None:
        if pdu.command_id == Command.MSG_DATA:
            heard.set_result(pdu)

    clients[1].hear = hear
    message = pb.IMMsgData(
        from_user_id=clients[0].user_id,
        to_session_id=clients[1].user_id,
        msg_id=0,
        create_time=0,
        msg_type=MsgType.SINGLE_TEXT,
        msg_data=b"hello",
    )
    await clients[0].ask(message, pb.IMMsgDataAck)
    assert pb.IMMsgData.FromString((await heard).body).msg_data == message.msg_data
