"""Files, as far as the gateway goes: offers, and what waits for who was away."""

import shutil
import uuid
from pathlib import Path

import pytest

from im.types import ClientType, FileMode
from im.wire.proto import file_pb2
from tests.client import Client
from tests.conftest import manage
from tests.e2e.database import Database
from tests.e2e.files import ADDRESS, add_offline, delete_offline, offer, waiting
from tests.people import Entrance, People
from tests.server import Server

ONLINE, OFFLINE = FileMode.ONLINE, FileMode.OFFLINE
FAILED = 1


def addresses(message: file_pb2.IMFileRsp | file_pb2.IMFileNotify) -> list[tuple[str, int]]:
    return [(address.ip, address.port) for address in message.ip_addr_list]


async def test_an_offer_reaches_the_receivers_pc_and_no_other_device(
    entrance: Entrance, people: People
) -> None:
    ada, bob = people(2)
    a, a_phone = await entrance.log_in(ada), await entrance.log_in(ada, ClientType.IOS)
    b, b_phone = await entrance.log_in(bob), await entrance.log_in(bob, ClientType.ANDROID)

    answer = await offer(a, bob.id, path=r"C:\plans\plan.pdf", size=77)
    pdu = await b.receive_pdu(file_pb2.IMFileNotify)
    notice = file_pb2.IMFileNotify.FromString(pdu.body)

    assert (answer.result_code, answer.from_user_id, answer.to_user_id) == (0, ada.id, bob.id)
    assert (answer.file_name, int(answer.trans_mode)) == (r"C:\plans\plan.pdf", ONLINE)
    assert str(uuid.UUID(answer.task_id)) == answer.task_id == notice.task_id
    assert (pdu.seq, notice.from_user_id, notice.to_user_id) == (0, ada.id, bob.id)
    assert (notice.file_name, notice.file_size) == ("plan.pdf", 77)
    assert (int(notice.trans_mode), notice.offline_ready) == (ONLINE, 0)
    assert addresses(answer) == addresses(notice) == [ADDRESS]
    for other in (a, a_phone, b_phone):
        assert await other.arrived(file_pb2.IMFileNotify) == []


@pytest.mark.parametrize("device", [None, ClientType.ANDROID], ids=["nowhere", "on a phone only"])
async def test_an_offer_to_somebody_without_a_pc_becomes_an_offline_one(
    entrance: Entrance, people: People, device: ClientType | None
) -> None:
    ada, bob = people(2)
    a = await entrance.log_in(ada)
    others = [await entrance.log_in(bob, device)] if device else []

    answer = await offer(a, bob.id, ONLINE)

    assert (answer.result_code, int(answer.trans_mode)) == (0, OFFLINE)
    assert [await other.arrived(file_pb2.IMFileNotify) for other in others] == [[] for _ in others]


async def test_who_is_there_hears_of_an_offline_file_when_it_can_be_fetched(
    entrance: Entrance, people: People
) -> None:
    ada, bob = people(2)
    a, b = await entrance.log_in(ada), await entrance.log_in(bob)

    task_id = (await offer(a, bob.id, OFFLINE)).task_id
    before = await b.arrived(file_pb2.IMFileNotify)
    await add_offline(a, bob.id, task_id)
    notice = await b.receive(file_pb2.IMFileNotify)

    assert before == []
    assert (notice.from_user_id, notice.to_user_id, notice.task_id) == (ada.id, bob.id, task_id)
    assert (int(notice.trans_mode), notice.offline_ready) == (OFFLINE, 1)
    assert addresses(notice) == [ADDRESS]


async def test_an_offline_file_waits_until_its_receiver_takes_it_off(
    entrance: Entrance, people: People
) -> None:
    ada, bob, cleo = people(3)
    a, c = await entrance.log_in(ada), await entrance.log_in(cleo)
    tasks = [(await offer(sender, bob.id, OFFLINE)).task_id for sender in (a, c)]
    for sender, task_id in zip((a, c), tasks, strict=True):
        await add_offline(sender, bob.id, task_id, name="D:/x/plan.pdf", size=5)
    b = await entrance.log_in(bob)
    found = await waiting(b)

    await delete_offline(b, ada.id, bob.id, tasks[0])

    assert found == [(ada.id, tasks[0], "plan.pdf", 5), (cleo.id, tasks[1], "plan.pdf", 5)]
    assert await waiting(b) == found[1:]
    assert await waiting(a) == []


async def test_the_list_says_where_to_fetch(entrance: Entrance, people: People) -> None:
    a = await entrance.log_in(people(1)[0])

    answer = await a.call(file_pb2.IMFileHasOfflineReq(user_id=0), file_pb2.IMFileHasOfflineRsp)

    assert [(address.ip, address.port) for address in answer.ip_addr_list] == [ADDRESS]


@pytest.mark.parametrize(
    ("path", "size"),
    [("plan.pdf", 0), ("plan.pdf", 2**31), ("C:/", 10), ("", 10), ("x" * 256, 10), ("a\nb", 10)],
)
async def test_what_can_not_be_moved_is_refused_with_code_1(
    entrance: Entrance, people: People, path: str, size: int
) -> None:
    ada, bob = people(2)
    a, b = await entrance.log_in(ada), await entrance.log_in(bob)

    answer = await offer(a, bob.id, path=path, size=size)
    await add_offline(a, bob.id, str(uuid.uuid4()), name=path, size=size)

    assert (answer.result_code, answer.task_id, addresses(answer)) == (FAILED, "", [])
    assert (answer.from_user_id, answer.to_user_id) == (ada.id, bob.id)
    assert (answer.file_name, int(answer.trans_mode)) == (path, ONLINE)
    assert await waiting(b) == []
    assert await b.arrived(file_pb2.IMFileNotify) == []


async def test_nobody_can_be_offered_a_file(entrance: Entrance, people: People) -> None:
    a = await entrance.log_in(people(1)[0])

    assert (await offer(a, 4_000_000_000)).result_code == FAILED


async def test_an_upload_that_is_told_twice_waits_once(entrance: Entrance, people: People) -> None:
    ada, bob = people(2)
    a, b = await entrance.log_in(ada), await entrance.log_in(bob)
    task_id = (await offer(a, bob.id, OFFLINE)).task_id

    for _ in range(2):
        await add_offline(a, bob.id, task_id)

    assert len(await b.arrived(file_pb2.IMFileNotify)) == 1
    assert len(await waiting(b)) == 1


async def test_a_task_is_kept_for_the_file_server(
    entrance: Entrance, people: People, database: Database
) -> None:
    ada, bob = people(2)
    a = await entrance.log_in(ada)

    task_id = (await offer(a, bob.id, ONLINE, size=2**31 - 1)).task_id

    assert database.row(
        "SELECT from_id, to_id, file_name, size, mode FROM im_file_task WHERE task_id = %s", task_id
    ) == (ada.id, bob.id, "plan.pdf", 2**31 - 1, int(OFFLINE))


async def test_without_a_file_server_offers_are_refused_and_the_list_works(
    sqlite_template: Path, tmp_path: Path
) -> None:
    url = f"sqlite:///{shutil.copyfile(sqlite_template, tmp_path / 'db.sqlite3')}"
    manage("seed_demo", "--users", "2", "--password", "pass", database_url=url)
    server = Server(url, tmp_path).start()
    async with await Client.connect(server.port) as a, await Client.connect(server.port) as b:
        await a.log_in("u00001")
        await b.log_in("u00002")

        answer = await offer(a, b.user_id)
        await add_offline(a, b.user_id, "task-1")

        assert (answer.result_code, answer.task_id, addresses(answer)) == (FAILED, "", [])
        assert await b.arrived(file_pb2.IMFileNotify) == []
        assert await waiting(b) == []
    assert server.stop() == 0
    assert server.complaints() == []
