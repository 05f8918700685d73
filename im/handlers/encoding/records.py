"""Records that several replies share: our values as the protocol's structures."""

from django.conf import settings

from im.types import AUDIO_TYPES, Department, Message, SessionType, UserInfo
from im.wire import cipher
from im.wire.proto import base_define_pb2 as base


def user_info(user: UserInfo) -> base.UserInfo:
    """Return a person's directory record."""
    return base.UserInfo(
        user_id=user.user_id,
        user_gender=user.sex,
        user_nick_name=user.nick,
        avatar_url=user.avatar,
        department_id=user.depart_id,
        email=user.email,
        user_real_name=user.name,
        user_tel=user.phone,
        user_domain=user.domain,
        status=user.status,
        sign_info=user.sign_info,
    )


def department(row: Department) -> base.DepartInfo:
    """Return a department's record."""
    return base.DepartInfo(
        dept_id=row.depart_id,
        priority=row.priority,
        dept_name=row.name,
        parent_dept_id=row.parent_id,
        dept_status=row.status,
    )


def message(row: Message) -> base.MsgInfo:
    """Return a message as history shows it."""
    return base.MsgInfo(
        msg_id=row.msg_id,
        from_session_id=row.sender_id,
        create_time=row.created,
        msg_type=row.msg_type,
        msg_data=row.content,
    )


def file_servers() -> list[base.IpAddr]:
    """Return where files are moved; clients take the first address."""
    return [base.IpAddr(ip=host, port=port) for host, port in settings.IM_FILE_SERVERS]


def preview(latest: Message) -> bytes:
    """Return a message's content for lists, where a placeholder stands for voice."""
    if latest.msg_type in AUDIO_TYPES:
        return cipher.audio_placeholder(settings.IM_AES_KEY.encode())
    return latest.content


def latest_author(session_type: SessionType, session_id: int, latest: Message) -> int:
    """Return whom lists name as the author: in one-to-one lists always the peer."""
    return session_id if session_type is SessionType.SINGLE else latest.sender_id
