"""The model of tests/model again, with real clients: everybody has a browser and a phone."""

import asyncio
import itertools
from collections.abc import Iterable, Iterator, Sequence

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from im.types import ClientType, GroupChange, SessionType
from im.wire.proto import base_define_pb2 as base
from im.wire.proto import buddy_pb2, group_pb2, message_pb2
from tests.client import Client, text_to
from tests.e2e.groups import change, group_text
from tests.model.machine import USERS, Driver, Machine
from tests.model.world import Deed, Place, Said, View
from tests.people import People, Person
from tests.server import Server

DEVICES = (ClientType.WEB, ClientType.IOS)  # the web first: it alone is told of removals
SINGLE, GROUP = SessionType.SINGLE, SessionType.GROUP
KINDS = {"user": SINGLE, "group": GROUP}
SETTINGS = settings(
    max_examples=4,
    stateful_step_count=20,
    derandomize=True,
    deadline=None,
    database=None,
    phases=[Phase.generate],  # what fails here is made smaller by tests/model
    suppress_health_check=list(HealthCheck),
)


class OverSockets:
    """A server behind its socket; every deed is another device's turn."""

    def __init__(self, run: asyncio.Runner, port: int, people: list[Person]) -> None:
        self._run = run
        self._port = port
        self._people = people
        self._groups: list[int] = []
        self._clients = [[self._connect(person, kind) for kind in DEVICES] for person in people]
        self._turn = itertools.cycle(range(len(DEVICES)))

    def _connect(self, person: Person, kind: ClientType) -> Client:
        async def connect() -> Client:
            return await (await Client.connect(self._port)).log_in(person.name, client_type=kind)

        return self._run.run(connect())

    def _client(self, user: int) -> Client:
        return self._clients[user][next(self._turn)]

    def do(self, deeds: Sequence[Deed]) -> list[int | bool | None]:
        return [self._run.run(self._do(deed)) for deed in deeds]

    async def _do(self, deed: Deed) -> int | bool | None:
        client = self._client(deed.who)
        kind, session_id = KINDS[deed.where[0]], self._session_id(deed.where)
        if deed.what == "say":
            return await self._say(client, kind, session_id, deed.text)
        if deed.what == "read":
            client.send(
                message_pb2.IMMsgDataReadAck(
                    user_id=0, session_id=session_id, msg_id=1, session_type=kind
                )
            )
            await client.arrived(message_pb2.IMMsgDataReadNotify)
            return None
        removal = buddy_pb2.IMRemoveSessionReq(user_id=0, session_type=kind, session_id=session_id)
        return (await client.call(removal, buddy_pb2.IMRemoveSessionRsp)).result_code == 0

    async def _say(
        self, client: Client, kind: SessionType, session_id: int, text: str
    ) -> int | None:
        if kind is SINGLE:
            client.send(text_to(0, session_id, text))
        else:
            client.send(group_text(client, session_id, text))
        acks = await client.arrived(message_pb2.IMMsgDataAck)
        if not acks:
            return None
        for other in self._clients[self._user_of(client)]:
            if other is not client:  # one's other device gets what one says
                message = await _heard(other, text)
                assert (message.msg_id, message.from_user_id) == (acks[0].msg_id, client.user_id)
        return acks[0].msg_id

    def make(self, creator: int, members: Iterable[int]) -> None:
        request = group_pb2.IMGroupCreateReq(
            user_id=0,
            group_type=base.GROUP_TYPE_TMP,
            group_name="x",
            group_avatar="",
            member_id_list=[self._people[user].id for user in members],
        )
        answer = self._run.run(self._client(creator).call(request, group_pb2.IMGroupCreateRsp))
        self._groups.append(answer.group_id)

    def add(self, actor: int, number: int, users: Iterable[int]) -> bool:
        return self._change(GroupChange.ADD, actor, number, users)

    def take_out(self, actor: int, number: int, users: Iterable[int]) -> bool:
        return self._change(GroupChange.REMOVE, actor, number, users)

    def _change(self, kind: GroupChange, actor: int, number: int, users: Iterable[int]) -> bool:
        people = [self._people[user] for user in users]
        answer = change(self._client(actor), self._groups[number], kind, *people)
        return self._run.run(answer).result_code == 0

    def forget(self, user: int) -> None:
        device = next(self._turn)
        self._run.run(self._clients[user][device].close())
        self._clients[user][device] = self._connect(self._people[user], DEVICES[device])

    def view(self, user: int) -> View:
        return self._run.run(self._view(user, self._clients[user][0]))

    async def _view(self, user: int, client: Client) -> View:
        asked = message_pb2.IMUnreadMsgCntReq(user_id=0)
        counts = await client.call(asked, message_pb2.IMUnreadMsgCntRsp)
        recent = buddy_pb2.IMRecentContactSessionReq(user_id=0, latest_update_time=1)
        sessions = await client.call(recent, buddy_pb2.IMRecentContactSessionRsp)
        places: list[Place] = [("user", n) for n in range(USERS) if n != user]
        places += [("group", n) for n in range(len(self._groups))]
        said = {place: await self._said(client, place) for place in places}
        return View(
            {
                self._place(e.session_type, e.session_id): e.unread_cnt
                for e in counts.unreadinfo_list
            },
            {
                self._place(e.session_type, e.session_id): e.session_status
                == base.SESSION_STATUS_OK
                for e in sessions.contact_session_list
            },
            {place: texts for place, texts in said.items() if texts},
        )

    async def _said(self, client: Client, place: Place) -> Said:
        request = message_pb2.IMGetMsgListReq(
            user_id=0,
            session_type=KINDS[place[0]],
            session_id=self._session_id(place),
            msg_id_begin=0,
            msg_cnt=1000,
        )
        page = await client.call(request, message_pb2.IMGetMsgListRsp)
        return [(entry.msg_id, entry.msg_data.decode()) for entry in page.msg_list]

    def _session_id(self, place: Place) -> int:
        kind, number = place
        return self._people[number].id if kind == "user" else self._groups[number]

    def _place(self, session_type: int, session_id: int) -> Place:
        if session_type == GROUP:
            return "group", self._groups.index(session_id)
        return "user", [person.id for person in self._people].index(session_id)

    def _user_of(self, client: Client) -> int:
        return [client in devices for devices in self._clients].index(True)

    def close(self) -> None:
        for client in itertools.chain(*self._clients):
            self._run.run(client.close())


async def _heard(client: Client, text: str) -> message_pb2.IMMsgData:
    """Return the message with this text; what came before it was somebody else's."""
    while (message := await client.receive(message_pb2.IMMsgData)).msg_data != text.encode():
        pass
    return message


@pytest.fixture
def runner() -> Iterator[asyncio.Runner]:
    """A loop of the test's own: Hypothesis knows no coroutines."""
    with asyncio.Runner() as runner:
        yield runner


def test_clients_see_what_the_model_sees(
    server: Server, people: People, runner: asyncio.Runner
) -> None:
    class OfClients(Machine):
        def drive(self) -> Driver:
            self.clients = OverSockets(runner, server.port, people(USERS))
            return self.clients

        def teardown(self) -> None:
            super().teardown()
            self.clients.close()

    run_state_machine_as_test(OfClients, settings=SETTINGS)
