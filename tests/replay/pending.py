"""Recorded steps that wait for something that is not built yet.

The list only shrinks: a step that comes out as recorded (or as differences.py says) while it stands
here fails the test.  Where it would show more than what is missing, MEANWHILE says what comes until
then, and that is checked.
"""

from collections.abc import Sequence

from im.wire.proto import base_define_pb2 as base
from im.wire.proto import buddy_pb2, message_pb2
from tests.replay.changes import (
    NOW,
    Change,
    lacking,
    listing,
    nothing_for,
    nothing_stored,
    saying,
)
from tests.replay.recording import Step

# What has to be built -> the steps that show it, by section.
PENDING: dict[str, dict[str, str]] = {
    "removing a conversation from the list": {"s03_buddy": "remove_session_none"},
    "signatures": {
        "s03_buddy": "sign_set sign_same_again sign_128 sign_129 sign_utf8_129_bytes sign_quote"
        " sign_empty allusers_after_sign",
    },
    "do-not-disturb (push shield)": {
        "s03_buddy": "pushshield_query pushshield_on pushshield_query2"
    },
    "voice messages": {
        # The last ones show the voice message among others.
        "s04_single": "audio_short audio audio_list unread_receiver unread_sender list_0_10"
        " latest_id recent_sender recent_receiver",
        "s05_group": "audio",
    },
    "group messages": {
        "s05_group": "msg msg_same_id_as_self unread_member list_msgs list_msgs_begin_1 latest_id"
        " by_id recent_sender recent_member msg_to_shielded",
    },
    "muting a group": {"s05_group": "shield_on shield_nonmember"},
    "making a group": {
        "s05_group": "create_tmp create_without_self create_empty_name create_no_members"
        " create_ghost_members create_name_257",
    },
    "changing who is in a group": {
        "s05_group": "add_member add_member_by_member add_member_again add_member_mixed"
    },
    "signals between clients (nudge, typing)": {"s06_misc": "p2p p2p_spoofed p2p_offline p2p_self"},
    "file transfer": {
        "s07_file": "req_online fs_login_wrong_task fs_login_sender fs_login_receiver fs_pull"
        " fs_push fs_done req_online_peer_offline req_offline fs_offline_login fs_offline_push"
        " req_self",
    },
}

# Recordings that are not played at all yet: section -> (its steps, what it takes).
UNPLAYED = {
    "s08_two_servers": (5, "users at two gateways"),
    "s09_http": (8, "the HTTP interface for other programs"),
}

# Voice messages are refused, so the newest message is the text before them, number 13.
_NEWEST = {"latest_msg_id": 13, "latest_msg_data": b'it\'s "q" \\ ; --', "latest_msg_type": 1}
_PAGE = message_pb2.IMGetMsgListRsp
_UNREAD = message_pb2.IMUnreadMsgCntRsp
_RECENT = buddy_pb2.IMRecentContactSessionRsp


def _text(msg_id: int, text: str) -> base.MsgInfo:
    return base.MsgInfo(
        msg_id=msg_id, from_session_id=1, create_time=NOW, msg_type=1, msg_data=text.encode()
    )


MEANWHILE: dict[str, Sequence[Change]] = {
    "s04_single/audio_short": [nothing_for("A", "Am", "B", "Bm")],
    "s04_single/audio": [nothing_for("A", "Am", "B", "Bm"), nothing_stored],
    "s04_single/audio_list": [
        lacking("B", _PAGE, "msg_list.0"),
        listing("B", _PAGE, "msg_list", _text(11, "你好 😀")),
    ],
    "s04_single/unread_receiver": [
        saying("B", _UNREAD, total_cnt=9),
        saying("B", _UNREAD, at="unreadinfo_list.0", unread_cnt=9, **_NEWEST),
    ],
    "s04_single/unread_sender": [saying("A", _UNREAD, at="unreadinfo_list.0", **_NEWEST)],
    "s04_single/list_0_10": [
        lacking("A", _PAGE, "msg_list.0"),
        listing("A", _PAGE, "msg_list", _text(1, "hello 1")),
    ],
    "s04_single/latest_id": [saying("A", message_pb2.IMGetLatestMsgIdRsp, latest_msg_id=13)],
    "s04_single/recent_sender": [saying("A", _RECENT, at="contact_session_list.0", **_NEWEST)],
    "s04_single/recent_receiver": [saying("B", _RECENT, at="contact_session_list.0", **_NEWEST)],
}

MISSING_FOR = {
    f"{section}/{name}": feature
    for feature, sections in PENDING.items()
    for section, names in sections.items()
    for name in names.split()
}


def missing_for(step: Step) -> str | None:
    """Return what a step waits for, None if everything is there."""
    return MISSING_FOR.get(str(step))
