"""What people change about themselves, and who sees it."""

import pytest

from im.types import ClientType, KickReason, OnlineStatus
from im.wire.catalog import Command
from im.wire.proto import buddy_pb2, login_pb2
from tests.client import Client
from tests.people import Entrance, People

DONE, FAILED = 0, 1
OFFLINE = int(OnlineStatus.OFFLINE)


async def sign(client: Client, text: str) -> buddy_pb2.IMChangeSignInfoRsp:
    request = buddy_pb2.IMChangeSignInfoReq(user_id=0, sign_info=text)
    return await client.call(request, buddy_pb2.IMChangeSignInfoRsp)


async def record_of(client: Client, user_id: int) -> tuple[str, str]:
    """Return a user's signature and the address of his picture."""
    request = buddy_pb2.IMUsersInfoReq(user_id=0, user_id_list=[user_id])
    [user] = (await client.call(request, buddy_pb2.IMUsersInfoRsp)).user_info_list
    return user.sign_info, user.avatar_url


# --- signature --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text", ["", "gone fishing", 'it\'s "quoted" -- ;', "x" * 128, "签" * 42], ids=len
)
async def test_a_signature_of_up_to_128_bytes_is_stored_and_shown_to_everybody(
    entrance: Entrance, people: People, text: str
) -> None:
    ada, bob = people(2)
    a, phone = await entrance.log_in(ada), await entrance.log_in(bob, ClientType.ANDROID)

    answer = await sign(a, text)
    pdu = await phone.receive_pdu(buddy_pb2.IMSignInfoChangedNotify)

    assert (answer.user_id, answer.result_code, answer.sign_info) == (ada.id, DONE, text)
    notice = buddy_pb2.IMSignInfoChangedNotify.FromString(pdu.body)
    assert (pdu.seq, notice.changed_user_id, notice.sign_info) == (0, ada.id, text)
    assert (await record_of(phone, ada.id))[0] == text


@pytest.mark.parametrize("text", ["x" * 129, "签" * 43], ids=len)
async def test_a_longer_signature_is_refused_and_nobody_hears_of_it(
    entrance: Entrance, people: People, text: str
) -> None:
    ada, bob = people(2)
    a, b = await entrance.log_in(ada), await entrance.log_in(bob)
    await sign(a, "before")
    await b.receive(buddy_pb2.IMSignInfoChangedNotify)

    answer = await sign(a, text)

    assert answer.result_code == FAILED
    assert not answer.HasField("sign_info")
    assert (await record_of(b, ada.id))[0] == "before"
    assert await b.silence(buddy_pb2.IMSignInfoChangedNotify)


async def test_the_author_is_answered_before_he_is_told_like_everybody(
    entrance: Entrance, people: People
) -> None:
    [ada] = people(1)
    a = await entrance.log_in(ada)

    a.send(buddy_pb2.IMChangeSignInfoReq(user_id=0, sign_info="new"))
    await a.receive(buddy_pb2.IMSignInfoChangedNotify)

    assert Command.BUDDY_LIST_CHANGE_SIGN_INFO_RESPONSE in {pdu.command_id for pdu in a.unread}


async def test_the_same_signature_again_is_no_failure(entrance: Entrance, people: People) -> None:
    [ada] = people(1)
    a = await entrance.log_in(ada)

    assert [(await sign(a, "same")).result_code for _ in range(2)] == [DONE, DONE]


async def test_a_new_signature_reaches_who_syncs_later(entrance: Entrance, people: People) -> None:
    ada, bob = people(2)
    a, b = await entrance.log_in(ada), await entrance.log_in(bob)
    before = await b.call(
        buddy_pb2.IMAllUserReq(user_id=0, latest_update_time=0), buddy_pb2.IMAllUserRsp
    )

    await sign(a, "to be synced")

    request = buddy_pb2.IMAllUserReq(user_id=0, latest_update_time=before.latest_update_time)
    changed = (await b.call(request, buddy_pb2.IMAllUserRsp)).user_list
    assert (ada.id, "to be synced") in [(user.user_id, user.sign_info) for user in changed]


# --- picture ----------------------------------------------------------------------------------


async def test_a_new_picture_is_stored_answered_and_shown_to_everybody(
    entrance: Entrance, people: People
) -> None:
    ada, bob = people(2)
    a, phone = await entrance.log_in(ada), await entrance.log_in(bob, ClientType.IOS)
    url = "http://127.0.0.1/g0/000/000/1_2.jpg"

    answer = await a.call(
        buddy_pb2.IMChangeAvatarReq(user_id=bob.id, avatar_url=url), buddy_pb2.IMChangeAvatarRsp
    )
    pdu = await phone.receive_pdu(buddy_pb2.IMAvatarChangedNotify)
    own = await a.receive(buddy_pb2.IMAvatarChangedNotify)

    assert (answer.user_id, answer.result_code) == (ada.id, DONE)
    notice = buddy_pb2.IMAvatarChangedNotify.FromString(pdu.body)
    assert (pdu.seq, notice.changed_user_id, notice.avatar_url) == (0, ada.id, url)
    assert own == notice
    assert (await record_of(phone, ada.id))[1] == url
    assert (await record_of(phone, bob.id))[1] != url


async def test_an_address_that_does_not_fit_is_refused(entrance: Entrance, people: People) -> None:
    [ada] = people(1)
    a = await entrance.log_in(ada)
    before = await record_of(a, ada.id)

    answer = await a.call(
        buddy_pb2.IMChangeAvatarReq(user_id=0, avatar_url="x" * 256), buddy_pb2.IMChangeAvatarRsp
    )

    assert answer.result_code == FAILED
    assert await record_of(a, ada.id) == before
    assert await a.silence(buddy_pb2.IMAvatarChangedNotify)


# --- silence at night -------------------------------------------------------------------------


@pytest.mark.parametrize("client_type", [ClientType.IOS, ClientType.WINDOWS])
async def test_the_push_shield_is_remembered_per_user(
    entrance: Entrance, people: People, client_type: ClientType
) -> None:
    ada, bob = people(2)
    a, b = await entrance.log_in(ada, client_type), await entrance.log_in(bob)

    for status in (1, 0, 1):
        answer = await a.call(
            login_pb2.IMPushShieldReq(user_id=bob.id, shield_status=status),
            login_pb2.IMPushShieldRsp,
        )
        assert (answer.user_id, answer.result_code, answer.shield_status) == (ada.id, DONE, status)

    query = login_pb2.IMQueryPushShieldReq(user_id=0)
    own = await a.call(query, login_pb2.IMQueryPushShieldRsp)
    others = await b.call(query, login_pb2.IMQueryPushShieldRsp)
    assert (own.user_id, own.result_code, own.shield_status) == (ada.id, DONE, 1)
    assert (others.user_id, others.result_code, others.shield_status) == (bob.id, DONE, 0)


# --- the phone ends the PC's connection -------------------------------------------------------


async def test_a_phone_ends_its_users_pc_and_others_see_him_go(
    entrance: Entrance, people: People
) -> None:
    ada, bob = people(2)
    phone, watcher = await entrance.log_in(ada, ClientType.IOS), await entrance.log_in(bob)
    pc, web = await entrance.log_in(ada, ClientType.MAC), await entrance.log_in(ada, ClientType.WEB)

    answer = await phone.call(
        login_pb2.IMKickPCClientReq(user_id=bob.id), login_pb2.IMKickPCClientRsp
    )

    assert (answer.user_id, answer.result_code) == (ada.id, DONE)
    for device in (pc, web):
        pdu = await device.receive_pdu(login_pb2.IMKickUser)
        kick = login_pb2.IMKickUser.FromString(pdu.body)
        assert (pdu.seq, kick.user_id, kick.kick_reason) == (0, ada.id, int(KickReason.MOBILE_KICK))
        assert await device.closed()
    assert await watcher.statuses(ada.id, bob.id) == [OFFLINE, int(OnlineStatus.ONLINE)]
    told = [notice.user_stat for notice in await watcher.arrived(buddy_pb2.IMUserStatNotify)]
    told += [(await watcher.receive(buddy_pb2.IMUserStatNotify)).user_stat] if not told else []
    assert told


async def test_the_phone_hears_that_the_pc_it_kicked_is_gone(
    entrance: Entrance, people: People
) -> None:
    [ada] = people(1)
    phone = await entrance.log_in(ada, ClientType.ANDROID)
    await entrance.log_in(ada)
    await phone.receive(buddy_pb2.IMPCLoginStatusNotify)

    await phone.call(login_pb2.IMKickPCClientReq(user_id=0), login_pb2.IMKickPCClientRsp)

    notice = await phone.receive(buddy_pb2.IMPCLoginStatusNotify)
    assert (notice.user_id, notice.login_stat) == (ada.id, OFFLINE)


async def test_a_kick_without_a_pc_is_answered(entrance: Entrance, people: People) -> None:
    [ada] = people(1)
    phone = await entrance.log_in(ada, ClientType.IOS)

    answer = await phone.call(login_pb2.IMKickPCClientReq(user_id=0), login_pb2.IMKickPCClientRsp)

    assert answer.result_code == DONE


@pytest.mark.parametrize("client_type", [ClientType.WINDOWS, ClientType.WEB])
async def test_nothing_but_a_phone_kicks(
    entrance: Entrance, people: People, client_type: ClientType
) -> None:
    [ada] = people(1)
    asker = await entrance.log_in(ada, client_type)
    other_type = ClientType.WEB if client_type is ClientType.WINDOWS else ClientType.WINDOWS
    other = await entrance.log_in(ada, other_type)

    request = login_pb2.IMKickPCClientReq(user_id=0)

    answer = await asker.call(request, login_pb2.IMKickPCClientRsp)

    assert (answer.user_id, answer.result_code) == (ada.id, 1)
    assert await other.arrived(login_pb2.IMKickUser) == []
