"""Recorded steps that wait for something that is not built yet.

The list only shrinks: a step that comes out as recorded (or as differences.py says) while it stands
here fails the test.
"""

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

MISSING_FOR = {
    f"{section}/{name}": feature
    for feature, sections in PENDING.items()
    for section, names in sections.items()
    for name in names.split()
}


def missing_for(step: Step) -> str | None:
    """Return what a step waits for, None if everything is there."""
    return MISSING_FOR.get(str(step))
