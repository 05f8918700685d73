"""Service 2, the directory and the list of conversations: what a client syncs after login."""

from collections.abc import Iterator, Sequence

from im.delivery.local.sessions import Session
from im.handlers.encoding import records
from im.handlers.execution.batched_lists import ListQuestion
from im.handlers.execution.directory_cache import DEPARTMENTS, PEOPLE, Page, Question
from im.handlers.execution.registry import (
    DIRECTORY,
    DONE,
    FAILED,
    LISTS,
    NOTHING,
    ON_LOOP,
    WRITER,
    Outcome,
    Pace,
    Room,
    SharedReply,
    handles,
    with_reply,
)
from im.services import stamps
from im.services.directory import sync
from im.services.identity import profile
from im.services.messages import compose, recents
from im.services.messages.prefetch import Reading
from im.services.messages.recents import Since
from im.storage.writer.requests import GroupRemoval, Removal
from im.types import ClientType, DeviceClass, SessionRemoved, SessionType
from im.wire.catalog import Command
from im.wire.proto import base_define_pb2 as base
from im.wire.proto import buddy_pb2 as pb

MAX_STATUS_QUERY = 1_000  # ids per question; clients ask for 300 at a time

# --- departments and people -------------------------------------------------------------------


def _answer_departments(
    caller: Session, req: pb.IMDepartmentReq, seq: int, page: Page | None
) -> Outcome:
    if page is None:
        return NOTHING
    head = pb.IMDepartmentRsp(user_id=caller.user_id, latest_update_time=page.stamp)
    return Outcome(SharedReply(head, page.encoded, page.ends))


@handles(Command.BUDDY_LIST_DEPARTMENT_REQUEST, lane=DIRECTORY, answer=_answer_departments)
def departments(caller: Session, req: pb.IMDepartmentReq, seq: int) -> Question:
    """Return the departments that changed since the client's stamp, hidden ones too."""
    return Question(DEPARTMENTS, req.latest_update_time, _has_own_clock(caller))


def _answer_all_users(
    caller: Session, req: pb.IMAllUserReq, seq: int, page: Page | None
) -> Outcome:
    if page is None:
        return NOTHING
    head = pb.IMAllUserRsp(user_id=caller.user_id, latest_update_time=page.stamp)
    return Outcome(SharedReply(head, page.encoded, page.ends))


@handles(Command.BUDDY_LIST_ALL_USER_REQUEST, lane=DIRECTORY, answer=_answer_all_users)
def all_users(caller: Session, req: pb.IMAllUserReq, seq: int) -> Question:
    """Return the people who changed since the client's stamp; for 0 all who have not left."""
    return Question(PEOPLE, req.latest_update_time, _has_own_clock(caller))


def _has_own_clock(caller: Session) -> bool:
    """Tell whether stamps are of the client's clock: Android does not send what it was given."""
    return caller.client_type == ClientType.ANDROID


@handles(Command.BUDDY_LIST_USER_INFO_REQUEST, room=Room("IM_USERS_BY_ID"))
def users_info(caller: Session, req: pb.IMUsersInfoReq) -> Outcome:
    """Return the records of these people; ids nobody has are left out."""
    found = sync.users_by_id(req.user_id_list)
    return Outcome(
        pb.IMUsersInfoRsp(
            user_id=caller.user_id, user_info_list=[records.user_info(user) for user in found]
        )
    )


@handles(Command.BUDDY_LIST_USERS_STATUS_REQUEST, lane=ON_LOOP)
def users_status(caller: Session, req: pb.IMUsersStatReq) -> Outcome:
    """Say who of the given users is online (with a PC), in the order of the question."""
    is_online = caller.node.presence.is_online
    reply = pb.IMUsersStatRsp(user_id=caller.user_id)
    add = reply.user_stat_list.add  # twice as quick as a list of messages
    for user_id in req.user_id_list[:MAX_STATUS_QUERY]:
        stat = add()
        stat.user_id = user_id
        stat.status = base.USER_STATUS_ONLINE if is_online(user_id) else base.USER_STATUS_OFFLINE
    return Outcome(reply)


# --- conversations ----------------------------------------------------------------------------


def _recent_lists(
    asked: Sequence[Since], reading: Reading
) -> Iterator[pb.IMRecentContactSessionRsp]:
    lists = recents.recent_sessions(asked, reading)
    return (
        pb.IMRecentContactSessionRsp(
            user_id=since.user_id, contact_session_list=[_session_info(entry) for entry in found]
        )
        for since, found in zip(asked, lists, strict=True)
    )


@handles(Command.BUDDY_LIST_RECENT_CONTACT_SESSION_REQUEST, lane=LISTS, answer=with_reply)
def recent_sessions(caller: Session, req: pb.IMRecentContactSessionReq, seq: int) -> ListQuestion:
    """Return the conversations touched since the client's stamp, newest first.

    Removed ones for web clients alone: the others overlook the status, and show them again.
    """
    knows_removed = caller.device is DeviceClass.WEB
    since = req.latest_update_time
    if _has_own_clock(caller):
        since = stamps.before_other_clock(since)
    asked = Since(caller.user_id, since, knows_removed)
    return ListQuestion(_recent_lists, asked, groups_of=caller.user_id)


def _session_info(entry: recents.RecentSession) -> base.ContactSessionInfo:
    return base.ContactSessionInfo(
        session_id=entry.session_id,
        session_type=entry.session_type,
        session_status=entry.status,
        updated_time=entry.updated,
        latest_msg_id=entry.latest.msg_id,
        latest_msg_data=records.preview(entry.latest),
        latest_msg_type=entry.latest.msg_type,
        latest_msg_from_user_id=records.latest_author(
            entry.session_type, entry.session_id, entry.latest
        ),
    )


def _answer_removal(
    caller: Session, req: pb.IMRemoveSessionReq, seq: int, event: SessionRemoved | None
) -> Outcome:
    was_shown = event is not None and event.was_shown
    reply = pb.IMRemoveSessionRsp(
        user_id=caller.user_id,
        result_code=DONE if was_shown else FAILED,
        session_type=req.session_type,
        session_id=req.session_id,
    )
    return Outcome(reply, (event,) if event is not None else ())


@handles(Command.BUDDY_LIST_REMOVE_SESSION_REQ, lane=WRITER, answer=_answer_removal)
def remove_session(caller: Session, req: pb.IMRemoveSessionReq, seq: int) -> Removal | GroupRemoval:
    """Take a conversation off the caller's list, until somebody says something there again."""
    return compose.removal(caller.user_id, SessionType(req.session_type), req.session_id)


# --- oneself ----------------------------------------------------------------------------------


@handles(Command.BUDDY_LIST_CHANGE_AVATAR_REQUEST, pace=Pace.BROADCAST)
def change_avatar(caller: Session, req: pb.IMChangeAvatarReq) -> Outcome:
    """Store the caller's picture and show it to everybody."""
    event = profile.set_avatar(caller.user_id, req.avatar_url)
    return Outcome(pb.IMChangeAvatarRsp(user_id=caller.user_id, result_code=DONE), (event,))


@handles(Command.BUDDY_LIST_CHANGE_SIGN_INFO_REQUEST, pace=Pace.BROADCAST)
def change_signature(caller: Session, req: pb.IMChangeSignInfoReq) -> Outcome:
    """Store the caller's signature and show it to everybody."""
    event = profile.set_signature(caller.user_id, req.sign_info)
    reply = pb.IMChangeSignInfoRsp(
        user_id=caller.user_id, result_code=DONE, sign_info=event.sign_info
    )
    return Outcome(reply, (event,))
