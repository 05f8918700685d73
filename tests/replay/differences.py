"""Where this server means to differ from the original, as far as the recordings show it.

The one list: tests/replay checks that each difference occurs exactly as stated here, and the table
in docs/compatibility.md is written from it (python -m tests.replay.page).
"""

from collections.abc import Mapping
from dataclasses import dataclass

from google.protobuf.message import Message

from im.types import KickReason, LoginResult, OnlineStatus
from im.wire.proto import base_define_pb2 as base
from im.wire.proto import buddy_pb2, group_pb2, login_pb2, message_pb2, switch_service_pb2
from tests.replay.changes import (
    NOW,
    Change,
    closed,
    kept_open,
    lacking,
    nothing_for,
    nothing_stored,
    saying,
    told,
    unnumbered,
    without,
)
from tests.replay.recording import Step


@dataclass(frozen=True, slots=True)
class Difference:
    """One intended difference; the texts are for operators and integrators."""

    title: str
    original: str
    here: str
    reason: str
    steps: Mapping[str, tuple[Change, ...]]  # "section/step" -> what changes in it


def changes_of(step: Step) -> list[Change]:
    """Return everything that is meant to be different in a step."""
    return [change for difference in DIFFERENCES for change in difference.steps.get(str(step), ())]


def _kicked() -> login_pb2.IMKickUser:
    return login_pb2.IMKickUser(user_id=1, kick_reason=KickReason.DUPLICATE_USER)


def _seen(user_id: int, status: OnlineStatus) -> buddy_pb2.IMUserStatNotify:
    return buddy_pb2.IMUserStatNotify(user_stat=base.UserStat(user_id=user_id, status=status))


def _pc_off() -> buddy_pb2.IMPCLoginStatusNotify:
    return buddy_pb2.IMPCLoginStatusNotify(user_id=1, login_stat=OnlineStatus.OFFLINE)


def _let_in(user_id: int, name: str) -> tuple[Change, ...]:
    """B logs in as one of the staff whom the original turned away; A, a PC, sees it."""
    arrival = _seen(user_id, OnlineStatus.ONLINE)
    record = base.UserInfo(
        user_id=user_id,
        user_gender=1,
        user_nick_name=name,
        avatar_url="",
        department_id=1,
        email=f"{name}@example.test",
        user_real_name=name,
        user_tel="13800000000",
        user_domain=f"domain{user_id}",
        status=0,
        sign_info="",
    )
    answer = login_pb2.IMLoginRes(
        server_time=NOW,
        result_code=LoginResult.NONE,
        result_string="成功",
        online_status=OnlineStatus.ONLINE,
        user_info=record,
    )
    return (
        nothing_for("B"),
        told("B", answer, seq=101),
        told("B", arrival),
        told("A", arrival),
        kept_open("B"),
    )


_NEW = "/new.png"


def _everybody(message: Message) -> tuple[Change, ...]:
    """Everybody who is connected in s03 gets this as well."""
    return tuple(told(label, message) for label in ("A", "Am", "B", "Cm"))


def _signed(text: str) -> tuple[Change, ...]:
    """A's signature is stored and told, in a step in which the original refused it."""
    return (
        saying("A", buddy_pb2.IMChangeSignInfoRsp, result_code=0, sign_info=text),
        *_everybody(buddy_pb2.IMSignInfoChangedNotify(changed_user_id=1, sign_info=text)),
    )


def _signalled(*labels: str, to: int, content: str) -> tuple[Change, ...]:
    """Each of these gets A's signal once, in A's name and without a number."""
    signal = switch_service_pb2.IMP2PCmdMsg(from_user_id=1, to_user_id=to, cmd_msg_data=content)
    return tuple(
        change
        for label in labels
        for change in (without(label, switch_service_pb2.IMP2PCmdMsg), told(label, signal))
    )


DIFFERENCES = (
    Difference(
        title="Staff on probation, regular staff and interns may log in",
        original="Only status 0 logs in; 1, 2, 3 and 4 are refused like a wrong password.",
        here="0, 1, 2 and 4 log in; 3 (left) is refused like a wrong password.",
        reason="1, 2 and 4 are states of employed people; an operator who sets one of them does"
        " not mean to lock a colleague out.",
        steps={
            "s01_login/status_1_user": _let_in(32, "trial1"),
            "s01_login/status_2_user": _let_in(33, "regular1"),
            "s01_login/status_4_user": _let_in(34, "intern1"),
        },
    ),
    Difference(
        title="A displaced connection is over",
        original="It gets 0x0107, but goes on: its commands are run, it is told everything, it"
        " counts as online, and it takes the next 0x0107 in place of a newer connection.",
        here="Every displaced connection gets 0x0107, no command of it is answered or run any more,"
        " nobody counts it, and it is closed after IM_KICK_GRACE_SECONDS.",
        reason="Clients close a displaced connection themselves. One that does not would keep a"
        " third device from being displaced and hide that its user's PC went off.",
        steps={
            "s01_login/kick_same_type": (without("A", buddy_pb2.IMUserStatNotify),),
            "s01_login/kicked_conn_sends_heartbeat": (nothing_for("A"),),
            "s01_login/kick_mac_vs_windows": (nothing_for("A", "A2"), told("A2", _kicked())),
            "s01_login/kicked_A2_sends_msg": (nothing_for("A", "A2", "A3"), nothing_stored),
            "s01_login/ios_kicks_android": (without("M", buddy_pb2.IMPCLoginStatusNotify),),
            "s01_login/pc_disconnects": (told("M2", _pc_off()),),
            "s01_login/pc_login_again_notifies_mobile": (nothing_for("A", "A2", "M"),),
            "s01_login/status_notify_on_pc_login2": (nothing_for("A", "A2"),),
            "s01_login/status_notify_on_pc_close": (nothing_for("A", "A2"),),
            "s01_login/logout": (
                told("M2", _pc_off()),
                told("O", _seen(1, OnlineStatus.OFFLINE)),
            ),
        },
    ),
    Difference(
        title="Without a login there is nothing to be had",
        original="Any command of a connection that has not logged in is run, as user 0: it creates"
        " groups, changes members, signals to anybody and leaves rows.",
        here="Heartbeat, login, logout and time are answered; any other command closes the"
        " connection and is not run.",
        reason="Strangers could change everybody's groups and talk to everybody's clients. No"
        " client sends any of it before its login.",
        steps={
            "s02_unauth/dept_before_login": (closed("U"),),
            "s02_unauth/msg_before_login": (closed("U"), nothing_stored),
            "s02_unauth/unread_before_login": (closed("U"),),
            "s02_unauth/userstat_before_login": (closed("U"),),
            "s02_unauth/p2p_before_login": (closed("U"), nothing_for("P")),
            "s02_unauth/groupcreate_before_login": (closed("U"),),
            "s02_unauth/groupchange_before_login": (closed("U"), nothing_for("P")),
            "s02_unauth/addoffline_before_login": (closed("U"), nothing_for("P")),
        },
    ),
    Difference(
        title="The stamp of the people list is one second later",
        original="0x0209 answers the newest `updated` of all people, and the next question finds"
        " those with `updated` at or after it: the last ones changed come again every time.",
        here="It answers that second plus one as soon as the second is over. Until then it answers"
        " an earlier one, so that what is still being changed comes again.",
        reason="After a bulk edit of all people every client would fetch the whole directory at"
        " every login. Clients only keep the stamp and send it back.",
        steps={
            "s03_buddy/allusers_0": (
                saying("A", buddy_pb2.IMAllUserRsp, latest_update_time=1_700_000_035),
            ),
            "s03_buddy/allusers_since": (
                saying("A", buddy_pb2.IMAllUserRsp, latest_update_time=1_700_000_035),
            ),
        },
    ),
    Difference(
        title="A stamp of the future is not believed",
        original="0x0209 and 0x0211 bring nothing since a stamp that is later than now, and answer"
        " it again: the client misses every change until then.",
        here="They bring what was changed in the last 15 minutes, and answer a stamp of now.",
        reason="Phones send their own clock, which may be fast, and a server's clock may have been"
        " ahead once.",
        steps={
            "s03_buddy/dept_future": (
                saying("A", buddy_pb2.IMDepartmentRsp, latest_update_time=NOW),
            ),
            "s03_buddy/allusers_future": (
                saying("A", buddy_pb2.IMAllUserRsp, latest_update_time=NOW),
            ),
            "s03_buddy/client_attach_data": (
                saying("A", buddy_pb2.IMDepartmentRsp, latest_update_time=NOW),
            ),
        },
    ),
    Difference(
        title="A message to nobody is not taken",
        original="A message to a user id that does not exist is stored and acknowledged; one to id"
        " 0 gets no ACK, but leaves two conversations with user 0. Both stand in the sender's"
        " list.",
        here="Neither gets an ACK, and nothing is stored.",
        reason="Nobody would ever read it. The protocol has no refusal; clients show a message"
        " without an ACK as not sent.",
        steps={
            "s04_single/to_nonexistent": (nothing_for("A", "Am"), nothing_stored),
            "s04_single/to_zero": (nothing_stored,),
            "s04_single/recent_sender": (
                lacking(
                    "A",
                    buddy_pb2.IMRecentContactSessionRsp,
                    "contact_session_list.1",
                    "contact_session_list.3",
                ),
            ),
        },
    ),
    Difference(
        title="An ACK means stored",
        original="A text that MySQL refuses (more than 4,096 characters, not UTF-8) is acknowledged"
        " and delivered, but lost: history lacks it, and its message id is never used again.",
        here="It gets no ACK, nobody gets it and no message id is spent. Ids of a conversation have"
        " no gaps.",
        reason="The sender shall know what arrived. Clients show a message without an ACK as not"
        " sent.",
        steps={
            f"s04_single/{step}": (nothing_for("A", "Am", "B", "Bm"),)
            for step in ("len_4097", "len_100k", "binary")
        },
    ),
    Difference(
        title="Groups are their members' business",
        original="Anybody gets the description of any group and the id of its newest message.",
        here="Who is not a member gets an answer without groups, and 0 as the newest id.",
        reason="Ids of groups are small numbers: anybody could read who is in which group. Clients"
        " ask only for groups of their own.",
        steps={
            "s05_group/info_by_nonmember": (
                saying("Z", group_pb2.IMGroupInfoListRsp, group_info_list=None),
            ),
            "s05_group/latest_id_nonmember": (
                saying("Z", message_pb2.IMGetLatestMsgIdRsp, latest_msg_id=0),
            ),
        },
    ),
    Difference(
        title="A picture can be changed",
        original="0x020c is passed on and dropped: no answer, nothing stored, nobody is told.",
        here="It is stored and answered with 0x020d; everybody gets 0x0212.",
        reason="The protocol has all three commands; the original's db_proxy forgot one.",
        steps={
            "s03_buddy/avatar": (
                told("A", buddy_pb2.IMChangeAvatarRsp(user_id=1, result_code=0), seq=118),
                *_everybody(buddy_pb2.IMAvatarChangedNotify(changed_user_id=1, avatar_url=_NEW)),
            ),
            "s03_buddy/allusers_after_sign": (
                saying("B", buddy_pb2.IMAllUserRsp, at="user_list.0", avatar_url=_NEW),
            ),
        },
    ),
    Difference(
        title="A signature with a quote in it is stored",
        original="One with a quote in it fails, and so does the same one twice in a second.",
        here="Both are stored and told.",
        reason="The first is an SQL injection; the second has no meaning.",
        steps={
            "s03_buddy/sign_same_again": _signed("hello sign"),
            "s03_buddy/sign_quote": _signed("it's"),
        },
    ),
    Difference(
        title="Voice without sound is not taken",
        original="Up to four bytes, the length without a sound, are acknowledged and delivered, but"
        " not stored.",
        here="No ACK, and nobody gets it.",
        reason="An ACK means stored.",
        steps={"s04_single/audio_short": (nothing_for("A", "Am", "B", "Bm"),)},
    ),
    Difference(
        title="Internal data stays inside",
        original="Group messages, and messages that come from another server, carry attach_data, a"
        " handle of the sender's server.",
        here="No PDU to a client carries field 20.",
        reason="It says nothing to clients, and something to attackers.",
        steps={
            f"s05_group/{step}": (
                saying("Am", message_pb2.IMMsgData, attach_data=None),
                saying("B", message_pb2.IMMsgData, attach_data=None),
            )
            for step in ("msg", "msg_same_id_as_self", "audio", "msg_to_shielded")
        }
        | {
            f"s08_two_servers/{step}": tuple(
                saying(label, message_pb2.IMMsgData, attach_data=None) for label in labels
            )
            for step, labels in (
                ("text", ("Am@2", "B@2")),
                ("reply", ("A@1", "Bm@1")),
                ("group_msg", ("Am@2", "B@2", "Bm@1")),
            )
        },
    ),
    Difference(
        title="Messages are unnumbered at every gateway",
        original="Who is connected to another server than the sender gets his message with the"
        " sender's sequence number, at his own with 0.",
        here="The sequence number is 0 everywhere.",
        reason="It is not theirs: a number may be taken for the answer to a request.",
        steps={
            f"s08_two_servers/{step}": tuple(
                unnumbered(label, message_pb2.IMMsgData) for label in labels
            )
            for step, labels in (("text", ("Am@2", "B@2")), ("reply", ("A@1", "Bm@1")))
        },
    ),
    Difference(
        title="Clients see that they muted a group",
        original="shield_status of a group's description is always 0.",
        here="It is 1 for a member who switched its pushes off.",
        reason="A new phone could not know it otherwise.",
        steps={
            "s05_group/info_after_shield": (
                saying("B", group_pb2.IMGroupInfoListRsp, at="group_info_list.0", shield_status=1),
            ),
        },
    ),
    Difference(
        title="A refused wish about a group is answered",
        original="Making a fixed group, and muting one that does not exist, get no answer.",
        here="Both are answered with result 1.",
        reason="A client that hears nothing waits until its timer ends.",
        steps={
            "s05_group/create_normal": (
                told(
                    "A",
                    group_pb2.IMGroupCreateRsp(
                        user_id=1, result_code=1, group_name="norm", user_id_list=[1, 2]
                    ),
                    seq=116,
                ),
            ),
            "s05_group/shield_nogroup": (
                told(
                    "B",
                    group_pb2.IMGroupShieldRsp(user_id=2, group_id=999, result_code=1),
                    seq=112,
                ),
            ),
        },
    ),
    Difference(
        title="Groups have people in them",
        original="Ids that are nobody's become members.",
        here="They are left out.",
        reason="A member list is a list of people.",
        steps={
            "s05_group/create_ghost_members": (
                lacking("A", group_pb2.IMGroupCreateRsp, "user_id_list.1"),
            ),
        },
    ),
    Difference(
        title="One notice of a change in a group each",
        original="Who is added gets 0x040b twice: as one of the changed, and as a member.",
        here="Everybody concerned gets it once.",
        reason="Clients would show it twice.",
        steps={
            "s05_group/add_member": (
                without("Z", group_pb2.IMGroupChangeMemberNotify),
                told(
                    "Z",
                    group_pb2.IMGroupChangeMemberNotify(
                        user_id=1,
                        change_type=base.GROUP_MODIFY_TYPE_ADD,
                        group_id=4,
                        cur_user_id_list=[1, 2, 20, 3],
                        chg_user_id_list=[20],
                    ),
                ),
            ),
        },
    ),
    Difference(
        title="Signals come from who sends them, unnumbered",
        original="0x0601 is passed on as it came: with the sender's sequence number and whatever"
        " author it names; to oneself it comes back, to other own devices twice.",
        here="The author is the connection's user, the sequence number 0; each other device gets"
        " it once.",
        reason="Anybody could signal in anybody's name, and Windows takes the number of its login"
        " for the answer to it.",
        steps={
            "s06_misc/p2p": _signalled("Am", "B", "Bm", to=2, content='{"cmd":"shake"}'),
            "s06_misc/p2p_spoofed": _signalled("Am", "B", "Bm", to=2, content="x"),
            "s06_misc/p2p_offline": _signalled("Am", to=5, content="x"),
            "s08_two_servers/p2p": _signalled("Am@2", "B@2", "Bm@1", to=2, content="x"),
            "s06_misc/p2p_self": (nothing_for("A"), *_signalled("Am", to=1, content="x")),
        },
    ),
)
