"""Web clients and old clients talk, in each other's language."""

import json
from collections import Counter

import pytest
from websockets.exceptions import InvalidStatus

from im.types import ClientType, OnlineStatus
from im.wire import catalog, cipher
from im.wire.pdu import Decoder, Pdu
from im.wire.proto import buddy_pb2, group_pb2, login_pb2, message_pb2
from tests.client import text_to, wire_password
from tests.e2e.database import Database
from tests.people import Entrance, People
from tests.server import Server
from tests.web.conftest import Sockets, WebClient

KEY = b"12345678901234567890123456789012"


async def test_texts_are_plain_on_the_web_and_encrypted_for_old_clients(
    sockets: Sockets, entrance: Entrance, people: People
) -> None:
    ada, bob = people(2)
    a, b = await sockets.log_in(ada), await entrance.log_in(bob)

    msg_id = await a.tell(bob.id, "你好 😀 <b>")
    pushed = await b.receive(message_pb2.IMMsgData)
    await b.tell(ada.id, cipher.encrypt_text("[呵呵] & back", KEY))
    received = await a.receive("IMMsgData")
    page = await a.call(
        "IMGetMsgListReq",
        {"session_type": "SESSION_TYPE_SINGLE", "session_id": bob.id, "msg_cnt": 10},
        "IMGetMsgListRsp",
    )

    assert (msg_id, pushed.msg_id) == (1, 1)
    assert cipher.decrypt_text(pushed.msg_data, KEY) == "你好 😀 <b>"
    assert received["msg_data"] == "[呵呵] & back"
    assert received["msg_type"] == "MSG_TYPE_SINGLE_TEXT"
    assert [entry["msg_data"] for entry in page["msg_list"]] == ["[呵呵] & back", "你好 😀 <b>"]


async def test_binary_frames_carry_pdus(
    sockets: Sockets, entrance: Entrance, people: People
) -> None:
    ada, bob = people(2)
    b = await entrance.log_in(bob)
    socket = await sockets.raw()
    login = login_pb2.IMLoginReq(
        user_name=ada.name, password=wire_password("pass"), online_status=1, client_type=1
    )

    await socket.send(catalog.encode(login, 1))
    answer = Decoder(2**20).feed(await socket.recv(decode=False))
    parts = catalog.encode(text_to(ada.id, bob.id, "in two frames"), 2)
    await socket.send(parts[:7])
    await socket.send(parts[7:])

    assert answer[0].command_id == catalog.Command.LOGIN_RES_USERLOGIN
    assert (await b.receive(message_pb2.IMMsgData)).msg_data == b"in two frames"


async def test_each_frame_carries_one_pdu(
    sockets: Sockets, entrance: Entrance, people: People
) -> None:
    ada, bob = people(2)
    b = await entrance.log_in(bob)
    socket = await sockets.raw()
    login = login_pb2.IMLoginReq(
        user_name=ada.name, password=wire_password("pass"), online_status=1, client_type=1
    )
    everybody = buddy_pb2.IMAllUserReq(user_id=ada.id, latest_update_time=0)
    await socket.send(catalog.encode(login, 1))
    await socket.recv(decode=False)

    await socket.send(catalog.encode(everybody, 2))
    for number in range(20):
        b.say(ada.id, f"text {number}")
    lengths: list[int] = []
    found: list[int] = []
    wanted = [*20 * [catalog.Command.MSG_DATA], catalog.Command.BUDDY_LIST_ALL_USER_RESPONSE]
    while not Counter(wanted) <= Counter(found):
        frame = pdus(await socket.recv(decode=False))
        lengths.append(len(frame))
        found += [pdu.command_id for pdu in frame]

    assert lengths == len(lengths) * [1]


def pdus(frame: bytes) -> list[Pdu]:
    """Return the PDUs of a frame; all of them are whole."""
    return Decoder(len(frame)).feed(frame)


async def test_a_web_client_is_a_class_of_its_own_whatever_it_says(
    sockets: Sockets, entrance: Entrance, people: People
) -> None:
    ada, bob = people(2)
    pc, phone = await entrance.log_in(ada), await entrance.log_in(ada, ClientType.IOS)
    watcher = await entrance.log_in(bob)
    first = await sockets.log_in(ada)

    second = await sockets.connect()
    await second.call(
        "IMLoginReq",
        {"user_name": ada.name, "password": wire_password("pass"), "client_type": 1},
        "IMLoginRes",
    )
    kicked = await first.receive("IMKickUser")

    assert kicked["kick_reason"] == "KICK_REASON_DUPLICATE_USER"
    assert await first.closed() == 1000
    assert await pc.arrived(login_pb2.IMKickUser) == []
    assert await phone.arrived(login_pb2.IMKickUser) == []
    assert await watcher.statuses(ada.id) == [1]


async def test_a_web_client_counts_as_online_until_it_goes(
    sockets: Sockets, entrance: Entrance, people: People
) -> None:
    ada, bob = people(2)
    watcher = await entrance.log_in(bob)

    async def told(status: int) -> None:
        while True:
            stat = (await watcher.receive(buddy_pb2.IMUserStatNotify)).user_stat
            if (stat.user_id, stat.status) == (ada.id, status):
                return

    a = await sockets.log_in(ada)
    await told(OnlineStatus.ONLINE)

    await a.socket.close()

    await told(OnlineStatus.OFFLINE)


async def test_a_repetition_is_answered_with_the_first_ack_over_any_connection(
    sockets: Sockets, people: People, database: Database
) -> None:
    ada, bob = people(2)
    a = await sockets.log_in(ada)
    first = await a.tell(bob.id, "once", "c-1")
    await a.socket.close()

    again = await sockets.log_in(ada)
    second = await again.tell(bob.id, "once", "c-1")
    other = await again.send(
        "IMMsgData",
        {"to_session_id": bob.id, "msg_type": 1, "msg_data": "twice", "client_msg_id": "c-1"},
    )
    refusal = await again.receive("Error", other)

    assert (first, second) == (1, 1)
    assert "another message" in refusal["text"]
    assert database.row("SELECT COUNT(*) FROM im_client_message WHERE sender_id = %s", ada.id) == (
        1,
    )


async def test_voice_is_base64_both_ways(
    sockets: Sockets, entrance: Entrance, people: People
) -> None:
    ada, bob = people(2)
    a, b = await sockets.log_in(ada), await entrance.log_in(bob)
    sound = b"\0\0\0\2" + b"OggS not really"

    b.send(message_pb2.IMMsgData(
        from_user_id=bob.id, to_session_id=ada.id, msg_id=0, create_time=0, msg_type=2,
        msg_data=sound,
    ))  # fmt: skip
    received = await a.receive("IMMsgData")
    await a.send(
        "IMMsgData",
        {"to_session_id": bob.id, "msg_type": 2, "msg_data": received["msg_data"]},
    )

    assert (await b.receive(message_pb2.IMMsgData)).msg_data == sound


async def test_a_new_group_is_shown_to_its_members_on_the_web(
    sockets: Sockets, entrance: Entrance, people: People
) -> None:
    ada, bob, cleo = people(3)
    a, b, c = await sockets.log_in(ada), await sockets.log_in(bob), await entrance.log_in(cleo)

    made = await a.call(
        "IMGroupCreateReq",
        {
            "group_type": "GROUP_TYPE_TMP",
            "group_name": "lunch",
            "group_avatar": "",
            "member_id_list": [ada.id, bob.id, cleo.id],
        },
        "IMGroupCreateRsp",
    )
    told = await b.receive("IMGroupChangeMemberNotify")

    assert told["group_id"] == made["group_id"]
    assert await c.arrived(group_pb2.IMGroupChangeMemberNotify) == []


@pytest.mark.parametrize(
    ("origin", "is_let_in"),
    [
        (None, True),
        ("http://127.0.0.1:{port}", True),
        ("https://intranet.example", True),
        ("http://127.0.0.1:1", False),
        ("https://evil.example", False),
        ("null", False),
    ],
)
async def test_pages_of_other_sites_are_not_let_in(
    sockets: Sockets, server: Server, origin: str | None, is_let_in: bool
) -> None:
    try:
        await sockets.raw(origin=origin and origin.format(port=server.http_port))
    except InvalidStatus:
        let_in = False
    else:
        let_in = True

    assert let_in is is_let_in


@pytest.mark.parametrize(
    "frame",
    [
        "{",
        "[]",
        "7",
        '{"cmd": "IMNothing"}',
        '{"cmd": "IMHeartBeat", "seq": -1}',
        '{"cmd": "IMHeartBeat", "seq": 65536}',
        '{"cmd": "IMHeartBeat", "body": 1}',
        '{"cmd": "IMMsgData", "body": {"msg_type": 1, "msg_data": ""}}',
        '{"cmd": "IMMsgData", "body": {"msg_type": 1, "msg_data": "\\ud800"}}',
        '{"cmd": "IMMsgData", "body": {"msg_type": 99, "msg_data": "x"}}',
        '{"cmd": "IMMsgData", "body": {"msg_type": 1, "msg_data": "x", "more": 1}}',
        '{"cmd": "IMMsgData", "body": {"msg_type": 2, "msg_data": "not base64!"}}',
        '{"cmd": "IMUsersStatReq", "body": {"user_id_list": [-1]}}',
        '{"cmd": "IMUserStatNotify", "body": {}}',
        "[" * 100_000,
    ],
)
async def test_a_frame_that_is_no_command_gets_an_error_and_the_connection_stays(
    sockets: Sockets, people: People, frame: str
) -> None:
    [ada] = people(1)
    a = await sockets.log_in(ada)

    await a.socket.send(frame)
    error = await a.receive("Error")

    assert error["text"]
    assert await a.call("IMClientTimeReq", {}, "IMClientTimeRsp")


async def test_before_login_nothing_else_is_taken(sockets: Sockets) -> None:
    a, b = await sockets.connect(), await sockets.connect()

    await a.send("IMUnreadMsgCntReq")
    await b.socket.send("{")

    assert await a.closed() == 1000
    assert await b.closed() == 4008


async def test_a_connection_speaks_one_language(sockets: Sockets, people: People) -> None:
    [ada] = people(1)
    a = await sockets.log_in(ada)

    await a.socket.send(b"\0\0\0\x10")

    assert await a.closed() == 4003


async def test_a_frame_that_is_too_long_closes(sockets: Sockets, people: People) -> None:
    [ada] = people(1)
    stranger, a = await sockets.connect(), await sockets.log_in(ada)

    await stranger.socket.send("x" * (16 * 1024 + 1))
    await a.socket.send("x" * (1024 * 1024 + 1))

    assert await stranger.closed() == 4009
    assert await a.closed() == 1006  # daphne drops it


async def test_a_text_that_is_too_long_is_refused_in_words(
    sockets: Sockets, people: People
) -> None:
    ada, bob = people(2)
    a = await sockets.log_in(ada)

    seq = await a.send(
        "IMMsgData", {"to_session_id": bob.id, "msg_type": 1, "msg_data": "x" * 4000}
    )

    assert "characters" in (await a.receive("Error", seq))["text"]


@pytest.mark.parametrize("client_id", ["x" * 65, "a b", "é", "\n"])
async def test_a_name_that_is_none_is_refused_in_words(
    sockets: Sockets, people: People, client_id: str
) -> None:
    ada, bob = people(2)
    a = await sockets.log_in(ada)
    body = {"to_session_id": bob.id, "msg_type": 1, "msg_data": "x", "client_msg_id": client_id}

    seq = await a.send("IMMsgData", body)

    assert "client_msg_id" in (await a.receive("Error", seq))["text"]


async def test_signals_pass_both_ways(sockets: Sockets, entrance: Entrance, people: People) -> None:
    ada, bob = people(2)
    a, b = await sockets.log_in(ada), await sockets.log_in(bob)

    await a.send("IMP2PCmdMsg", {"to_user_id": bob.id, "cmd_msg_data": '{"cmd_id":131073}'})
    told = await b.receive("IMP2PCmdMsg")

    assert (told["from_user_id"], told["cmd_msg_data"]) == (ada.id, '{"cmd_id":131073}')


async def test_the_whole_directory_comes_in_one_frame(sockets: Sockets, people: People) -> None:
    [ada] = people(1)
    a = await sockets.log_in(ada)

    answer = await a.call("IMAllUserReq", {}, "IMAllUserRsp")

    assert len(answer["user_list"]) == 200
    assert answer["user_list"][0]["user_real_name"] == "u00001"


async def test_a_list_in_which_nothing_is_new_is_answered(sockets: Sockets, people: People) -> None:
    [ada] = people(1)
    a = await sockets.log_in(ada)

    later = {"latest_update_time": 2**32 - 1}
    departments = await a.call("IMDepartmentReq", later, "IMDepartmentRsp")
    everybody = await a.call("IMAllUserReq", later, "IMAllUserRsp")

    assert departments["dept_list"] == everybody["user_list"] == []
    assert await a.call("IMClientTimeReq", {}, "IMClientTimeRsp")


async def test_a_group_without_a_word_is_listed_to_web_clients_until_somebody_speaks(
    sockets: Sockets, entrance: Entrance, people: People
) -> None:
    ada, bob = people(2)
    a, b, pc = await sockets.log_in(ada), await sockets.log_in(bob), await entrance.log_in(bob)
    made = await a.call(
        "IMGroupCreateReq",
        {
            "group_type": "GROUP_TYPE_TMP",
            "group_name": "silent",
            "group_avatar": "",
            "member_id_list": [ada.id, bob.id],
        },
        "IMGroupCreateRsp",
    )

    async def listed(client: WebClient) -> list[int]:
        answer = await client.call("IMNormalGroupListReq", {}, "IMNormalGroupListRsp")
        return [group["group_id"] for group in answer["group_version_list"]]

    assert made["group_id"] in await listed(a)
    assert made["group_id"] in await listed(b)
    pc.send(group_pb2.IMNormalGroupListReq(user_id=0))
    old = await pc.receive(group_pb2.IMNormalGroupListRsp)
    assert made["group_id"] not in [group.group_id for group in old.group_version_list]
    await b.call(
        "IMMsgData",
        {"to_session_id": made["group_id"], "msg_type": "MSG_TYPE_GROUP_TEXT", "msg_data": "hm"},
        "IMMsgDataAck",
    )

    assert made["group_id"] not in await listed(a)


async def test_frames_that_take_a_thread_keep_their_order(sockets: Sockets, people: People) -> None:
    [ada] = people(1)
    a = await sockets.log_in(ada)
    many = ",".join(str(number) for number in range(1, 1001))

    await a.socket.send(f'{{"cmd":"IMUsersStatReq","seq":1,"body":{{"user_id_list":[{many}]}}}}')
    await a.send("IMHeartBeat")
    await a.socket.send(f'{{"cmd":"IMUsersStatReq","seq":3,"body":{{"user_id_list":[{many}]}}}}')
    await a.send("IMClientTimeReq")
    expected = ["IMUsersStatRsp", "IMHeartBeat", "IMUsersStatRsp", "IMClientTimeRsp"]
    names: list[str] = []
    while len(names) < len(expected):
        name = json.loads(await a.socket.recv())["cmd"]
        names += [name] if name in expected else []  # others come and go meanwhile

    assert names == expected
