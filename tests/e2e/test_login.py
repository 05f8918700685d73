"""The door: who gets in, what he is told, and how one leaves."""

import time

import pytest

from im.types import ClientType, LoginResult, OnlineStatus, UserStatus
from im.wire import catalog
from im.wire.catalog import Command
from im.wire.pdu import Pdu, encode_pdu
from im.wire.proto import login_pb2, message_pb2
from tests.client import Client, wire_password
from tests.e2e.database import Database
from tests.people import Entrance, People

ACCEPTED = int(LoginResult.NONE)
REFUSED = int(LoginResult.VALIDATE_FAILED)
WRONG = "用户名/密码错误"
TOO_OFTEN = "用户名/密码错误次数太多"
FAILURES_ALLOWED = 11  # the one after them is refused unseen


def request(name: str, password_md5: str) -> login_pb2.IMLoginReq:
    return login_pb2.IMLoginReq(
        user_name=name,
        password=password_md5,
        online_status=OnlineStatus.ONLINE,
        client_type=ClientType.MAC,
    )


async def refusal(client: Client, name: str, password_md5: str) -> str:
    """Log in in vain and return the text of the refusal, once the server has closed."""
    answer = await client.call(request(name, password_md5), login_pb2.IMLoginRes)
    assert answer.result_code == REFUSED
    assert not answer.HasField("user_info")
    assert await client.closed()
    return answer.result_string


# --- getting in -------------------------------------------------------------------------------


async def test_a_login_is_answered_with_ones_whole_record(
    entrance: Entrance, people: People, database: Database
) -> None:
    [ada] = people(1)
    database.change("UPDATE IMUser SET avatar = 'http://a/b.png', sex = 2 WHERE id = %s", ada.id)
    client = await entrance.connect()

    client.send(request(ada.name, wire_password("pass")), seq=0xBEEF)
    answer = await client.receive(login_pb2.IMLoginRes, seq=0xBEEF)

    info = answer.user_info
    assert (answer.result_code, answer.result_string) == (ACCEPTED, "成功")
    assert abs(answer.server_time - time.time()) < 5
    assert info.user_id == ada.id
    assert (
        info.user_gender,
        info.user_nick_name,
        info.avatar_url,
        info.department_id,
        info.email,
        info.user_real_name,
        info.user_tel,
        info.user_domain,
        info.status,
        info.sign_info,
    ) == database.row(
        "SELECT sex, nick, avatar, departId, email, name, phone, domain, status, sign_info"
        " FROM IMUser WHERE id = %s",
        ada.id,
    )


async def test_an_adopted_row_with_null_columns_can_log_in(
    entrance: Entrance, people: People, database: Database
) -> None:
    [ada] = people(1)
    database.change("UPDATE IMUser SET avatar = NULL, status = 0 WHERE id = %s", ada.id)
    client = await entrance.connect()

    answer = await client.try_log_in(ada.name)

    assert (answer.result_code, answer.user_info.avatar_url) == (ACCEPTED, "")


@pytest.mark.parametrize("declared", [OnlineStatus.ONLINE, OnlineStatus.LEAVE])
async def test_the_declared_status_comes_back(
    entrance: Entrance, people: People, declared: OnlineStatus
) -> None:
    [ada] = people(1)
    client = await entrance.connect()

    answer = await client.try_log_in(ada.name, online_status=declared)

    assert answer.online_status == int(declared)


@pytest.mark.parametrize("status", [UserStatus.PROBATION, UserStatus.REGULAR, UserStatus.INTERN])
async def test_staff_of_every_kind_gets_in_and_is_told_status_0(
    entrance: Entrance, people: People, database: Database, status: UserStatus
) -> None:
    [ada] = people(1)
    database.change("UPDATE IMUser SET status = %s WHERE id = %s", int(status), ada.id)
    client = await entrance.connect()

    answer = await client.try_log_in(ada.name)

    assert (answer.result_code, answer.user_info.status) == (ACCEPTED, 0)


async def test_a_broken_login_leaves_the_connection_free_for_a_good_one(
    entrance: Entrance, people: People
) -> None:
    [ada] = people(1)
    client = await entrance.connect()

    client.send_bytes(encode_pdu(Command.LOGIN_REQ_USERLOGIN, b"\x0a\x01a", seq=1))
    answer = await client.try_log_in(ada.name)

    assert answer.user_info.user_id == ada.id


async def test_commands_pipelined_behind_the_login_are_answered(
    entrance: Entrance, people: People
) -> None:
    [ada] = people(1)
    client = await entrance.connect()

    client.send(request(ada.name, wire_password("pass")))
    unread_seq = client.send(message_pb2.IMUnreadMsgCntReq(user_id=0))
    await client.receive(login_pb2.IMLoginRes)
    answer = await client.receive(message_pb2.IMUnreadMsgCntRsp, unread_seq)

    assert answer.user_id == ada.id


async def test_a_second_login_on_a_connection_is_ignored(
    entrance: Entrance, people: People
) -> None:
    ada, bob = people(2)
    client = await entrance.log_in(ada)

    client.send(request(bob.name, wire_password("pass")))
    unread = await client.call(
        message_pb2.IMUnreadMsgCntReq(user_id=0), message_pb2.IMUnreadMsgCntRsp
    )

    assert unread.user_id == ada.id
    assert await client.arrived(login_pb2.IMLoginRes) == []


async def test_of_two_logins_in_one_write_only_the_first_counts(
    entrance: Entrance, people: People
) -> None:
    ada, bob = people(2)
    client = await entrance.connect()

    first = client.send(request(ada.name, wire_password("pass")))
    client.send(request(bob.name, wire_password("pass")))
    answer = await client.receive(login_pb2.IMLoginRes, first)
    client.user_id = answer.user_info.user_id

    assert client.user_id == ada.id
    assert await client.arrived(login_pb2.IMLoginRes) == []


# --- not getting in ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "password_md5",
    [
        pytest.param(wire_password("Pass"), id="wrong"),
        pytest.param(wire_password("pass").upper(), id="upper case"),
        pytest.param(wire_password("pass") + " ", id="trailing space"),
        pytest.param("pass", id="clear text"),
        pytest.param("密码", id="not ASCII"),
        pytest.param("", id="empty"),
    ],
)
async def test_a_wrong_password_is_refused_and_the_connection_closed(
    entrance: Entrance, people: People, password_md5: str
) -> None:
    [ada] = people(1)
    client = await entrance.connect()

    assert await refusal(client, ada.name, password_md5) == WRONG


@pytest.mark.parametrize(
    "mangled",
    [
        pytest.param("nobody {}", id="unknown"),
        pytest.param("{} ", id="trailing space"),
        pytest.param(" {}", id="leading space"),
        pytest.param("{}\0", id="trailing NUL"),
        pytest.param("U{0[1]}{0[2]}{0[3]}{0[4]}{0[5]}", id="other case"),
        pytest.param("' OR name='{}' -- ", id="quote"),
        pytest.param("{}" + 27 * "x", id="33 characters"),
        pytest.param("{}" + 3_300 * "语", id="10 KB"),
        pytest.param("😀", id="outside the basic plane"),
        pytest.param("", id="empty"),
    ],
)
async def test_a_name_that_is_not_exactly_a_users_is_refused_like_a_wrong_password(
    entrance: Entrance, people: People, mangled: str
) -> None:
    [ada] = people(1)
    client = await entrance.connect()

    assert await refusal(client, mangled.format(ada.name), wire_password("pass")) == WRONG


async def test_a_login_too_long_to_be_one_is_neither_read_nor_answered(entrance: Entrance) -> None:
    client = await entrance.connect()
    login = catalog.encode(request(100_000 * "语", wire_password("pass")), 1)  # 300 KB

    client.send_bytes(login[:1000])  # the server does not wait for the rest

    assert await client.closed()  # before the time to log in is over
    assert client.unread == []


async def test_who_has_left_is_refused_like_a_wrong_password(
    entrance: Entrance, people: People, database: Database
) -> None:
    [ada] = people(1)
    database.change("UPDATE IMUser SET status = %s WHERE id = %s", int(UserStatus.LEFT), ada.id)
    client = await entrance.connect()

    assert await refusal(client, ada.name, wire_password("pass")) == WRONG


async def test_a_refused_connection_takes_no_further_command(
    entrance: Entrance, people: People
) -> None:
    [ada] = people(1)
    client = await entrance.connect()

    client.send(request(ada.name, "wrong"))
    client.send(request(ada.name, wire_password("pass")))
    client.send(message_pb2.IMClientTimeReq())

    assert await client.closed()
    assert [pdu.command_id for pdu in client.unread] == [Command.LOGIN_RES_USERLOGIN]


async def test_after_eleven_failures_even_the_right_password_is_refused(
    entrance: Entrance, people: People
) -> None:
    ada, bob = people(2)

    for _ in range(FAILURES_ALLOWED):
        assert await refusal(await entrance.connect(), ada.name, "wrong") == WRONG

    right = wire_password("pass")
    assert await refusal(await entrance.connect(), ada.name, right) == TOO_OFTEN
    assert await refusal(await entrance.connect(), ada.name, "wrong") == TOO_OFTEN
    assert (await entrance.log_in(bob)).user_id == bob.id


async def test_guesses_from_elsewhere_do_not_keep_a_person_out(
    entrance: Entrance, people: People
) -> None:
    [ada] = people(1)
    await entrance.log_in(ada)
    for _ in range(FAILURES_ALLOWED):
        await refusal(await entrance.connect("127.0.0.2"), ada.name, "wrong")

    there = await refusal(await entrance.connect("127.0.0.2"), ada.name, wire_password("pass"))
    here = await entrance.log_in(ada)

    assert there == TOO_OFTEN
    assert here.user_id == ada.id


async def test_a_success_forgets_the_failures_before_it(entrance: Entrance, people: People) -> None:
    [ada] = people(1)

    for _ in range(2):
        for _ in range(FAILURES_ALLOWED - 1):
            await refusal(await entrance.connect(), ada.name, "wrong")
        client = await entrance.log_in(ada)

        assert client.user_id == ada.id


# --- before login -----------------------------------------------------------------------------


async def test_the_time_is_told_to_anybody(entrance: Entrance) -> None:
    client = await entrance.connect()

    assert abs(await client.server_time() - time.time()) < 5


@pytest.mark.parametrize("is_logged_in", [False, True])
async def test_a_heartbeat_comes_back_byte_for_byte(
    entrance: Entrance, people: People, is_logged_in: bool
) -> None:
    client = await entrance.log_in(people(1)[0]) if is_logged_in else await entrance.connect()
    heartbeat = Pdu(
        Command.OTHER_HEARTBEAT,
        b"whatever",
        seq=0xFFFF,
        service_id=9,
        version=13,
        flag=0x8001,
        reserved=48,
    )

    client.send_bytes(heartbeat.encode())

    # Status notices of others may come in between.
    while (echo := await client.next_pdu()).command_id != Command.OTHER_HEARTBEAT:
        pass
    assert echo == heartbeat


async def test_replies_have_the_header_of_a_server_whatever_the_request_had(
    entrance: Entrance,
) -> None:
    client = await entrance.connect()
    odd = Pdu(Command.MSG_TIME_REQUEST, b"", seq=77, service_id=9, version=13, flag=5, reserved=48)

    client.send_bytes(odd.encode())
    reply = await client.receive_pdu(message_pb2.IMClientTimeRsp, seq=77)

    assert (reply.service_id, reply.version, reply.flag, reply.reserved) == (3, 1, 0, 0)


# --- leaving ----------------------------------------------------------------------------------


@pytest.mark.parametrize("is_logged_in", [False, True])
async def test_a_logout_is_answered_and_the_connection_closed(
    entrance: Entrance, people: People, is_logged_in: bool
) -> None:
    client = await entrance.log_in(people(1)[0]) if is_logged_in else await entrance.connect()

    answer = await client.call(login_pb2.IMLogoutReq(), login_pb2.IMLogoutRsp)

    assert answer.result_code == 0
    assert await client.closed()


async def test_a_logout_waits_for_the_messages_before_it(
    entrance: Entrance, people: People
) -> None:
    ada, bob = people(2)
    client = await entrance.log_in(ada)

    for number in range(20):
        client.say(bob.id, f"text {number}")
    client.send(login_pb2.IMLogoutReq())
    client.say(bob.id, "too late")

    assert await client.closed()
    replies = [pdu.command_id for pdu in client.unread if pdu.seq]  # notices come when they come
    assert replies == [*(20 * [Command.MSG_DATA_ACK]), Command.LOGIN_RES_LOGINOUT]


async def test_clients_that_leave_before_their_login_is_answered_are_not_online(
    entrance: Entrance, people: People
) -> None:
    *hasty, bob = people(6)

    for person in hasty:
        client = await entrance.connect()
        client.send(request(person.name, wire_password("pass")))
        await client.close()
    observer = await entrance.log_in(bob)  # checked after theirs

    assert await observer.statuses(*(person.id for person in hasty)) == 5 * [OnlineStatus.OFFLINE]
