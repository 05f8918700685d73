"""Notices: which PDUs tell whom about what happened.

The one place that turns an event into deliveries, for commands, admin and HTTP alike.  Everything
here goes out with sequence number 0: Windows clients take another for the reply to their login.
"""

from collections.abc import Callable, Sequence
from typing import Any

from im.delivery.local.presence import SEEN_BY_OTHERS
from im.delivery.local.sessions import Delivery, Ending
from im.handlers.encoding import records
from im.types import (
    AccessEnded,
    AvatarChanged,
    DeviceClass,
    DevicesKicked,
    Event,
    FileMode,
    FileOffered,
    FileUploaded,
    GroupChange,
    GroupMade,
    KickReason,
    MembersChanged,
    MessagePlace,
    MessageStored,
    OfferedFile,
    OnlineStatus,
    PcStatusTold,
    SessionRead,
    SessionRemoved,
    SessionType,
    Signal,
    SignatureChanged,
    WebSessionEnded,
)
from im.wire.catalog import encode
from im.wire.proto import base_define_pb2 as base
from im.wire.proto import buddy_pb2, file_pb2, group_pb2, login_pb2, message_pb2, switch_service_pb2

Effect = Delivery | Ending


def of(event: Event) -> Sequence[Effect]:
    """Return what `event` brings about: deliveries that tell of it, connections that end."""
    return _NOTICES[type(event)](event)


def kicked(user_id: int, reason: KickReason) -> bytes:
    """Return the PDU for a connection that is displaced."""
    return encode(login_pb2.IMKickUser(user_id=user_id, kick_reason=reason))


def displaced(user_id: int) -> bytes:
    """Return the PDU for a connection displaced by a newer login of its class."""
    return kicked(user_id, KickReason.DUPLICATE_USER)


def presence(user_id: int, is_online: bool) -> list[Delivery]:
    """Return what tells others whether a user is seen online now."""
    stat = base.UserStat(user_id=user_id, status=_status(is_online))
    notice = encode(buddy_pb2.IMUserStatNotify(user_stat=stat))
    return [Delivery(notice, None, SEEN_BY_OTHERS)]


def pc_presence(user_id: int, is_online: bool) -> list[Delivery]:
    """Return what tells a user's own phones whether his PC is on."""
    return _pc_status_told(PcStatusTold(user_id, is_online))


def _message_stored(event: MessageStored) -> list[Delivery]:
    message = event.message
    pdu = encode(
        message_pb2.IMMsgData(
            from_user_id=message.sender_id,
            to_session_id=event.session_id,
            msg_id=message.msg_id,
            create_time=message.created,
            msg_type=message.msg_type,
            msg_data=message.content,
        )
    )
    # Clients acknowledge one-to-one messages by author and id; those of groups nobody counts.
    is_single = event.session_type is SessionType.SINGLE
    acknowledged = (message.sender_id, message.msg_id) if is_single else None
    place = MessagePlace(event.session_type, message.sender_id, event.session_id, message.msg_id)
    return [Delivery(pdu, event.receivers, message=acknowledged, place=place)]


def _session_read(event: SessionRead) -> list[Delivery]:
    notice = message_pb2.IMMsgDataReadNotify(
        user_id=event.reader_id,
        session_id=event.session_id,
        msg_id=event.msg_id,
        session_type=event.session_type,
    )
    return [Delivery(encode(notice), (event.reader_id,))]


def _session_removed(event: SessionRemoved) -> list[Delivery]:
    if event.session_type is not SessionType.SINGLE:
        return []  # the original tells of one-to-one sessions only
    notice = buddy_pb2.IMRemoveSessionNotify(
        user_id=event.user_id, session_type=event.session_type, session_id=event.session_id
    )
    return [Delivery(encode(notice), (event.user_id,))]


def _group_made(event: GroupMade) -> list[Delivery]:
    """Tell the web alone: old clients learn of a new group by its first message."""
    added = MembersChanged(
        event.actor_id, event.group_id, GroupChange.ADD, event.members, event.members
    )
    return [told._replace(devices=DeviceClass.WEB) for told in _members_changed(added)]


def _members_changed(event: MembersChanged) -> list[Delivery]:
    notice = group_pb2.IMGroupChangeMemberNotify(
        user_id=event.actor_id,
        change_type=event.change,
        group_id=event.group_id,
        cur_user_id_list=event.members,
        chg_user_id_list=event.changed,
    )
    # Once each, whether somebody is in both lists (who was added) or in one.
    concerned = tuple(dict.fromkeys((*event.changed, *event.members)))
    return [Delivery(encode(notice), concerned)]


def _signature_changed(event: SignatureChanged) -> list[Delivery]:
    notice = buddy_pb2.IMSignInfoChangedNotify(
        changed_user_id=event.user_id, sign_info=event.sign_info
    )
    return [Delivery(encode(notice), None)]


def _avatar_changed(event: AvatarChanged) -> list[Delivery]:
    notice = buddy_pb2.IMAvatarChangedNotify(changed_user_id=event.user_id, avatar_url=event.avatar)
    return [Delivery(encode(notice), None)]


def _signal(event: Signal) -> list[Delivery]:
    notice = switch_service_pb2.IMP2PCmdMsg(
        from_user_id=event.sender_id, to_user_id=event.receiver_id, cmd_msg_data=event.content
    )
    both = tuple({event.sender_id: None, event.receiver_id: None})
    return [Delivery(encode(notice), both)]


def _file_offered(event: FileOffered) -> list[Delivery]:
    return _file_told(event.file, FileMode.ONLINE, ready=0)


def _file_uploaded(event: FileUploaded) -> list[Delivery]:
    return _file_told(event.file, FileMode.OFFLINE, ready=1)


def _file_told(file: OfferedFile, mode: FileMode, *, ready: int) -> list[Delivery]:
    notice = file_pb2.IMFileNotify(
        from_user_id=file.sender_id,
        to_user_id=file.receiver_id,
        file_name=file.name,
        file_size=file.size,
        task_id=file.task_id,
        ip_addr_list=records.file_servers(),
        trans_mode=mode,
        offline_ready=ready,
    )
    # The author too: who offers himself a file fetches it on the same PC.
    return [Delivery(encode(notice), (file.receiver_id,), DeviceClass.PC, to_author=True)]


def _devices_kicked(event: DevicesKicked) -> list[Ending]:
    pdu = kicked(event.user_id, KickReason.MOBILE_KICK)
    return [Ending(event.user_id, event.devices, pdu)]


def _pc_status_told(event: PcStatusTold) -> list[Delivery]:
    notice = buddy_pb2.IMPCLoginStatusNotify(
        user_id=event.user_id, login_stat=_status(event.online)
    )
    # The author too: a phone that logs in while the PC is on learns it this way.
    return [Delivery(encode(notice), (event.user_id,), DeviceClass.MOBILE, to_author=True)]


def _status(online: bool) -> OnlineStatus:
    return OnlineStatus.ONLINE if online else OnlineStatus.OFFLINE


_NOTICES: dict[type, Callable[[Any], Sequence[Effect]]] = {
    AccessEnded: lambda event: [Ending(event.user_id)],
    WebSessionEnded: lambda event: [Ending(event.user_id, web_session=event.key)],
    MessageStored: _message_stored,
    SessionRead: _session_read,
    SessionRemoved: _session_removed,
    MembersChanged: _members_changed,
    GroupMade: _group_made,
    SignatureChanged: _signature_changed,
    AvatarChanged: _avatar_changed,
    Signal: _signal,
    FileOffered: _file_offered,
    FileUploaded: _file_uploaded,
    DevicesKicked: _devices_kicked,
    PcStatusTold: _pc_status_told,
}
