"""Who may do what: members, ex-members and strangers before every command that names a group,
strangers before every command that names a session, and nobody in another's name.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

import pytest
from google.protobuf.message import Message

from im.handlers.execution.registry import HANDLERS
from im.types import ClientType, FileMode, GroupChange, SessionType
from im.wire import catalog
from im.wire.catalog import Command
from im.wire.proto import base_define_pb2 as base
from im.wire.proto import buddy_pb2, file_pb2, group_pb2, message_pb2
from tests.client import Client
from tests.e2e.files import add_offline, delete_offline, offer, waiting
from tests.e2e.groups import change, group_text, make_group, write
from tests.people import Entrance, People, Person

DONE, FAILED = 0, 1
GROUP, SINGLE = SessionType.GROUP, SessionType.SINGLE
EARLIER, SECRET, LATER = "before he left", "secret", "after"


# Who is tested to send a command, beside the lists of acts below.
TESTED: dict[Command, set[str]] = {}
ROLES = {"member", "ex-member", "stranger"}
THIRD_ONE = {"third one"}

Test = TypeVar("Test", bound=Callable[..., object])


def about(*commands: Command, by: set[str]) -> Callable[[Test], Test]:
    """Note that a test lets these people send these commands."""

    def note(test: Test) -> Test:
        for command in commands:
            TESTED.setdefault(command, set()).update(by)
        return test

    return note


# --- groups: member, ex-member, stranger ------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Scene:
    """A group of Ada's, with somebody who acts and a member whom the act may concern."""

    actor: Client
    group_id: int
    member: Person
    newcomer: Person


Act = Callable[[Scene], Awaitable[object]]


async def _read_page(scene: Scene) -> object:
    request = message_pb2.IMGetMsgListReq(
        user_id=scene.member.id,
        session_type=GROUP,
        session_id=scene.group_id,
        msg_id_begin=0,
        msg_cnt=9,
    )
    page = await scene.actor.call(request, message_pb2.IMGetMsgListRsp)
    return [entry.msg_id for entry in page.msg_list]


async def _read_by_id(scene: Scene) -> object:
    request = message_pb2.IMGetMsgByIdReq(
        user_id=scene.member.id, session_type=GROUP, session_id=scene.group_id, msg_id_list=[1, 2]
    )
    found = await scene.actor.call(request, message_pb2.IMGetMsgByIdRsp)
    return [entry.msg_id for entry in found.msg_list]


async def _latest_id(scene: Scene) -> object:
    request = message_pb2.IMGetLatestMsgIdReq(
        user_id=scene.member.id, session_type=GROUP, session_id=scene.group_id
    )
    return (await scene.actor.call(request, message_pb2.IMGetLatestMsgIdRsp)).latest_msg_id


async def _info(scene: Scene) -> object:
    wanted = base.GroupVersionInfo(group_id=scene.group_id, version=0)
    request = group_pb2.IMGroupInfoListReq(user_id=scene.member.id, group_version_list=[wanted])
    answer = await scene.actor.call(request, group_pb2.IMGroupInfoListRsp)
    return [group.group_name for group in answer.group_info_list]


async def _unread(scene: Scene) -> object:
    request = message_pb2.IMUnreadMsgCntReq(user_id=scene.member.id)
    answer = await scene.actor.call(request, message_pb2.IMUnreadMsgCntRsp)
    return [entry.latest_msg_data for entry in answer.unreadinfo_list]


async def _recent(scene: Scene) -> object:
    request = buddy_pb2.IMRecentContactSessionReq(user_id=scene.member.id, latest_update_time=1)
    answer = await scene.actor.call(request, buddy_pb2.IMRecentContactSessionRsp)
    return [
        (entry.latest_msg_id, entry.latest_msg_data)
        for entry in answer.contact_session_list
        if entry.session_status == base.SESSION_STATUS_OK or entry.latest_msg_data
    ]


async def _write(scene: Scene) -> object:
    text = group_text(scene.actor, scene.group_id, "hello")
    return await _answered(scene.actor, text, message_pb2.IMMsgDataAck)


async def _add(scene: Scene) -> object:
    answer = await change(scene.actor, scene.group_id, GroupChange.ADD, scene.newcomer)
    return answer.result_code, list(answer.cur_user_id_list), list(answer.chg_user_id_list)


async def _take_out(scene: Scene) -> object:
    return (await change(scene.actor, scene.group_id, GroupChange.REMOVE, scene.member)).result_code


async def _shield(scene: Scene) -> object:
    request = group_pb2.IMGroupShieldReq(user_id=0, group_id=scene.group_id, shield_status=1)
    return (await scene.actor.call(request, group_pb2.IMGroupShieldRsp)).result_code


async def _remove_session(scene: Scene) -> object:
    request = buddy_pb2.IMRemoveSessionReq(user_id=0, session_type=GROUP, session_id=scene.group_id)
    return (await scene.actor.call(request, buddy_pb2.IMRemoveSessionRsp)).result_code


async def _answered(client: Client, request: Message, kind: type[Message]) -> bool:
    """Tell whether a request is answered, by what comes before the answer to the next one."""
    client.send(request)
    return bool(await client.arrived(kind))


# What each of them gets.  A member has seen everything; an ex-member left after message 1.
NOTHING_SAID: list[int] = []
NOBODY: tuple[int, list[int], list[int]] = (FAILED, [], [])
REFUSED = [
    pytest.param(Command.MSG_LIST_REQUEST, _read_page, NOTHING_SAID, id="reads a page"),
    pytest.param(Command.MSG_GET_BY_MSG_ID_REQ, _read_by_id, NOTHING_SAID, id="reads by id"),
    pytest.param(Command.MSG_GET_LATEST_MSG_ID_REQ, _latest_id, 0, id="asks for the latest id"),
    pytest.param(Command.GROUP_INFO_REQUEST, _info, NOTHING_SAID, id="asks who is in it"),
    pytest.param(Command.MSG_UNREAD_CNT_REQUEST, _unread, NOTHING_SAID, id="asks what is unread"),
    pytest.param(
        Command.BUDDY_LIST_RECENT_CONTACT_SESSION_REQUEST,
        _recent,
        NOTHING_SAID,
        id="asks for recent sessions",
    ),
    pytest.param(Command.MSG_DATA, _write, False, id="writes"),
    pytest.param(Command.GROUP_CHANGE_MEMBER_REQUEST, _add, NOBODY, id="adds somebody"),
    pytest.param(Command.GROUP_CHANGE_MEMBER_REQUEST, _take_out, FAILED, id="takes somebody out"),
    pytest.param(Command.GROUP_SHIELD_GROUP_REQUEST, _shield, FAILED, id="shields"),
    pytest.param(
        Command.BUDDY_LIST_REMOVE_SESSION_REQ, _remove_session, FAILED, id="removes the session"
    ),
]
GRANTED = [
    pytest.param(Command.MSG_LIST_REQUEST, _read_page, [2, 1], id="reads a page"),
    pytest.param(Command.MSG_GET_BY_MSG_ID_REQ, _read_by_id, [2, 1], id="reads by id"),
    pytest.param(Command.MSG_GET_LATEST_MSG_ID_REQ, _latest_id, 2, id="asks for the latest id"),
    pytest.param(Command.GROUP_INFO_REQUEST, _info, ["club"], id="asks who is in it"),
    pytest.param(
        Command.MSG_UNREAD_CNT_REQUEST, _unread, [SECRET.encode()], id="asks what is unread"
    ),
    pytest.param(
        Command.BUDDY_LIST_RECENT_CONTACT_SESSION_REQUEST,
        _recent,
        [(2, SECRET.encode())],
        id="asks for recent sessions",
    ),
    pytest.param(Command.MSG_DATA, _write, True, id="writes"),
    pytest.param(Command.GROUP_CHANGE_MEMBER_REQUEST, _take_out, FAILED, id="takes somebody out"),
    pytest.param(Command.GROUP_SHIELD_GROUP_REQUEST, _shield, DONE, id="shields"),
    pytest.param(
        Command.BUDDY_LIST_REMOVE_SESSION_REQ, _remove_session, DONE, id="removes the session"
    ),
]


@pytest.mark.parametrize(("command", "act", "outcome"), GRANTED)
async def test_a_member_may(
    entrance: Entrance, people: People, command: Command, act: Act, outcome: object
) -> None:
    ada, bob, cleo, dan = people(4)
    a, b = await entrance.log_in(ada), await entrance.log_in(bob)
    group_id = await make_group(a, bob, cleo, name="club")
    for text in (EARLIER, SECRET):
        await write(a, group_id, text)

    assert await act(Scene(b, group_id, cleo, dan)) == outcome
    assert command in b.sent


@about(Command.GROUP_CHANGE_MEMBER_REQUEST, by={"member"})
async def test_a_member_may_add_somebody(entrance: Entrance, people: People) -> None:
    ada, bob, dan = people(3)
    a, b = await entrance.log_in(ada), await entrance.log_in(bob)
    group_id = await make_group(a, bob)

    answer = await change(b, group_id, GroupChange.ADD, dan)

    assert (answer.result_code, list(answer.chg_user_id_list)) == (DONE, [dan.id])


@pytest.mark.parametrize(("command", "act", "outcome"), REFUSED)
async def test_a_stranger_may_not(
    entrance: Entrance, people: People, command: Command, act: Act, outcome: object
) -> None:
    ada, cleo, dan, mallory = people(4)
    a, m = await entrance.log_in(ada), await entrance.log_in(mallory)
    group_id = await make_group(a, cleo, name="club")
    await write(a, group_id, SECRET)

    assert await act(Scene(m, group_id, cleo, dan)) == outcome
    assert command in m.sent


@pytest.mark.parametrize("had_removed_it", [False, True], ids=["listed", "removed by him"])
@pytest.mark.parametrize(("command", "act", "outcome"), REFUSED)
async def test_an_ex_member_may_not(
    entrance: Entrance,
    people: People,
    command: Command,
    act: Act,
    outcome: object,
    had_removed_it: bool,
) -> None:
    ada, bob, cleo, dan = people(4)
    a, b = await entrance.log_in(ada), await entrance.log_in(bob, ClientType.WEB)
    group_id = await make_group(a, bob, cleo, name="club")
    await write(a, group_id, EARLIER)
    scene = Scene(b, group_id, cleo, dan)
    if had_removed_it:
        assert await _remove_session(scene) == DONE
    await change(a, group_id, GroupChange.REMOVE, bob)
    await write(a, group_id, SECRET)

    assert await act(scene) == outcome
    assert command in b.sent
    heard = [message.msg_data.decode() for message in await b.arrived(message_pb2.IMMsgData)]
    assert heard == [EARLIER]


async def test_nobody_hears_of_what_was_refused(entrance: Entrance, people: People) -> None:
    ada, bob, mallory = people(3)
    a, m = await entrance.log_in(ada), await entrance.log_in(mallory)
    group_id = await make_group(a, bob)

    await change(m, group_id, GroupChange.ADD, mallory)
    m.send(group_text(m, group_id, "let me in"))
    await m.unread_counts()

    assert await a.silence(group_pb2.IMGroupChangeMemberNotify)
    assert await a.arrived(message_pb2.IMMsgData) == []


@pytest.mark.parametrize("role", sorted(ROLES))
@about(Command.MSG_READ_ACK, by=ROLES)
async def test_only_a_members_read_mark_counts(
    entrance: Entrance, people: People, role: str
) -> None:
    ada, bob, cleo = people(3)
    a, b = await entrance.log_in(ada), await entrance.log_in(bob)
    reader, phone = await entrance.log_in(cleo), await entrance.log_in(cleo, ClientType.IOS)
    group_id = await make_group(a, bob, *([] if role == "stranger" else [cleo]))
    await write(a, group_id, SECRET)
    if role == "ex-member":
        await change(a, group_id, GroupChange.REMOVE, cleo)

    reader.send(
        message_pb2.IMMsgDataReadAck(
            user_id=bob.id, session_id=group_id, msg_id=1, session_type=GROUP
        )
    )
    await reader.unread_counts()

    assert await b.unread_counts() == {group_id: 1}
    notices = await phone.arrived(message_pb2.IMMsgDataReadNotify)
    assert len(notices) == (role == "member")


async def test_a_fixed_groups_members_change_nothing(entrance: Entrance, people: People) -> None:
    ada, bob = people(2)
    a = await entrance.log_in(ada)

    request = group_pb2.IMGroupCreateReq(
        user_id=0,
        group_type=base.GROUP_TYPE_NORMAL,
        group_name="fixed",
        group_avatar="",
        member_id_list=[ada.id, bob.id],
    )

    assert (await a.call(request, group_pb2.IMGroupCreateRsp)).result_code == FAILED


# --- two people: a third one sees nothing -----------------------------------------------------


@pytest.mark.parametrize("claimed", ["himself", "one of the two"])
@about(
    Command.MSG_LIST_REQUEST,
    Command.MSG_GET_LATEST_MSG_ID_REQ,
    Command.MSG_GET_BY_MSG_ID_REQ,
    by=THIRD_ONE,
)
async def test_a_third_one_sees_nothing_of_what_two_people_say(
    entrance: Entrance, people: People, claimed: str
) -> None:
    ada, bob, mallory = people(3)
    a, m = await entrance.log_in(ada), await entrance.log_in(mallory)
    await a.tell(bob.id, SECRET)
    m.user_id = mallory.id if claimed == "himself" else ada.id
    latest = message_pb2.IMGetLatestMsgIdReq(
        user_id=m.user_id, session_type=SINGLE, session_id=bob.id
    )
    by_id = message_pb2.IMGetMsgByIdReq(
        user_id=m.user_id, session_type=SINGLE, session_id=bob.id, msg_id_list=[1]
    )

    assert await m.history(bob.id) == []
    assert (await m.call(latest, message_pb2.IMGetLatestMsgIdRsp)).latest_msg_id == 0
    assert not (await m.call(by_id, message_pb2.IMGetMsgByIdRsp)).msg_list
    assert await m.unread_counts() == {}


@about(Command.MSG_READ_ACK, Command.BUDDY_LIST_REMOVE_SESSION_REQ, by=THIRD_ONE)
async def test_a_third_one_neither_reads_nor_removes_for_others(
    entrance: Entrance, people: People
) -> None:
    ada, bob, mallory = people(3)
    a, b, m = [await entrance.log_in(person) for person in (ada, bob, mallory)]
    await a.tell(bob.id, SECRET)

    m.send(
        message_pb2.IMMsgDataReadAck(
            user_id=bob.id, session_id=ada.id, msg_id=1, session_type=SINGLE
        )
    )
    request = buddy_pb2.IMRemoveSessionReq(user_id=bob.id, session_type=SINGLE, session_id=ada.id)
    answer = await m.call(request, buddy_pb2.IMRemoveSessionRsp)

    assert (answer.user_id, answer.result_code) == (mallory.id, FAILED)
    assert await b.unread_counts() == {ada.id: 1}


async def test_a_message_is_from_whom_the_connection_belongs_to(
    entrance: Entrance, people: People
) -> None:
    ada, bob, mallory = people(3)
    b, m = await entrance.log_in(bob), await entrance.log_in(mallory)
    m.user_id = ada.id  # what it claims

    await m.tell(bob.id, "I am Ada")

    assert (await b.receive(message_pb2.IMMsgData)).from_user_id == mallory.id
    assert await b.unread_counts() == {mallory.id: 1}


# --- files: their sender and their receiver ----------------------------------------------------


@about(Command.FILE_DEL_OFFLINE_REQ, by=THIRD_ONE)
async def test_a_third_one_neither_sees_nor_takes_off_a_file(
    entrance: Entrance, people: People
) -> None:
    ada, bob, mallory = people(3)
    a, b, m = [await entrance.log_in(person) for person in (ada, bob, mallory)]
    task_id = (await offer(a, bob.id, FileMode.OFFLINE)).task_id
    await add_offline(a, bob.id, task_id)

    await delete_offline(m, ada.id, bob.id, task_id)

    assert await waiting(m) == []
    assert [task for _, task, _, _ in await waiting(b)] == [task_id]
    assert await m.arrived(file_pb2.IMFileNotify) == []


@about(Command.FILE_ADD_OFFLINE_REQ, by=THIRD_ONE)
async def test_nobody_passes_on_the_task_of_somebody_else(
    entrance: Entrance, people: People
) -> None:
    ada, bob, mallory = people(3)
    a, b, m = [await entrance.log_in(person) for person in (ada, bob, mallory)]
    task_id = (await offer(a, mallory.id, FileMode.OFFLINE)).task_id  # so Mallory knows it

    await add_offline(m, bob.id, task_id)
    await add_offline(a, mallory.id, task_id)

    assert await waiting(b) == []
    assert await b.arrived(file_pb2.IMFileNotify) == []
    assert [task for _, task, _, _ in await waiting(m)] == [task_id]


async def test_a_file_is_from_whom_the_connection_belongs_to(
    entrance: Entrance, people: People
) -> None:
    ada, bob, mallory = people(3)
    b, m = await entrance.log_in(bob), await entrance.log_in(mallory)
    request = file_pb2.IMFileReq(
        from_user_id=ada.id, to_user_id=bob.id, file_name="a", file_size=1, trans_mode=1
    )

    await m.call(request, file_pb2.IMFileRsp)

    assert (await b.receive(file_pb2.IMFileNotify)).from_user_id == mallory.id


async def test_a_files_sender_may_take_it_back(entrance: Entrance, people: People) -> None:
    ada, bob = people(2)
    a, b = await entrance.log_in(ada), await entrance.log_in(bob)
    task_id = (await offer(a, bob.id, FileMode.OFFLINE)).task_id
    await add_offline(a, bob.id, task_id)

    await delete_offline(a, ada.id, bob.id, task_id)

    assert await waiting(b) == []


# --- nothing forgotten ------------------------------------------------------------------------

NAMES_A_GROUP = {"group_id", "group_version_list", "session_id", "to_session_id"}
NAMES_A_PAIR = {"session_id", "task_id"}  # a session may be with a user, a file is between two
NAMES_PEOPLE = {"user_id_list", "member_id_list", "to_user_id"}
OPEN = {  # what names people and may be asked or done by everybody
    Command.BUDDY_LIST_USER_INFO_REQUEST: "the directory is everybody's",
    Command.BUDDY_LIST_USERS_STATUS_REQUEST: "who is online is everybody's",
    Command.GROUP_CREATE_REQUEST: "anybody may be made a member of a new group",
    Command.SWITCH_P2P_CMD: "anybody may signal to anybody",
    Command.FILE_REQUEST: "anybody may offer a file to anybody",
}
INNOCENT = """
    msg_id msg_data create_time msg_type msg_id_begin msg_cnt msg_id_list session_type
    latest_update_time attach_data avatar_url sign_info group_type group_name group_avatar
    change_type shield_status user_name password online_status client_type client_version
    device_token cmd_msg_data file_name file_size trans_mode client_msg_id
"""
UNSEEN = {Command.MSG_DATA_ACK: "counted, shown to nobody"}


def needed(command: Command) -> set[str]:
    """Return who must be tested to send a command, by what its request names."""
    kind = catalog.message_class(command)
    assert kind is not None
    named = {field.name for field in kind.DESCRIPTOR.fields}
    roles = set(ROLES) if named & NAMES_A_GROUP else set()
    if named & NAMES_A_PAIR:
        roles |= THIRD_ONE
    if named & NAMES_PEOPLE and not roles:
        roles.add("open to all")
    return set() if command in UNSEEN else roles


def covered(command: Command) -> set[str]:
    """Return who is tested to send a command."""
    roles = {"open to all"} if command in OPEN else set()
    if command in {case.values[0] for case in GRANTED}:
        roles.add("member")
    if command in {case.values[0] for case in REFUSED}:
        roles |= {"ex-member", "stranger"}
    return roles | TESTED.get(command, set())


@pytest.mark.parametrize("number", sorted(HANDLERS), ids=lambda number: f"0x{number:04x}")
def test_every_command_that_names_somebody_is_tested_with_who_may_not(number: int) -> None:
    command = Command(number)

    assert needed(command) <= covered(command)


def test_no_field_that_could_name_somebody_is_overlooked() -> None:
    # What else requests have; a new field has to be sorted into one of these sets.
    own = {"user_id", "from_user_id"}
    innocent = set(INNOCENT.split())
    found = {
        field.name
        for number in HANDLERS
        if (kind := catalog.message_class(number)) is not None
        for field in kind.DESCRIPTOR.fields
    }

    assert found <= own | innocent | NAMES_A_GROUP | NAMES_A_PAIR | NAMES_PEOPLE
