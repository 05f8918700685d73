"""Service 3, messages: sending, having read, looking back."""

import re
import time
from collections.abc import Hashable, Iterator, Sequence
from hashlib import blake2b

from im.delivery.local.sessions import Session
from im.errors import Refused
from im.handlers.encoding import records
from im.handlers.execution.batched_lists import ListQuestion
from im.handlers.execution.registry import (
    LISTS,
    NOTHING,
    ON_LOOP,
    WRITER,
    ItemInMaking,
    Outcome,
    Pace,
    Room,
    handles,
    with_reply,
)
from im.services.messages import compose, history, voice
from im.services.messages.history import Opening
from im.services.messages.prefetch import Reading
from im.services.messages.unread import Unread, unread
from im.storage.writer.requests import (
    AnyMessage,
    ClientKey,
    Contradicted,
    GroupReadMark,
    ReadMark,
    Repeated,
)
from im.types import AUDIO_TYPES, GROUP_TYPES, MessageStored, SessionRead, SessionType
from im.wire.catalog import Command, encode
from im.wire.proto import base_define_pb2 as base
from im.wire.proto import message_pb2 as pb

CLIENT_MSG_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_DIGEST_BYTES = 16
_REMEMBERED_BYTES = 256  # of a message that may be retried; most texts are shorter

# --- sending ----------------------------------------------------------------------------------


def _answer_message(
    caller: Session,
    req: pb.IMMsgData,
    seq: int,
    event: MessageStored | Repeated | Contradicted | None,
) -> Outcome:
    """Acknowledge what was stored, now or before; the protocol has no reply for what was not."""
    if isinstance(event, Repeated):
        return Outcome(_ack(caller, req, event.msg_id))
    if isinstance(event, Contradicted):
        caller.node.counters["client ids used twice"] += 1
        return Outcome(refusal="this client_msg_id is another message's")
    key = _retry_key(caller, req, seq)
    if event is None:
        caller.node.counters["messages not stored"] += 1
        caller.node.retries.forget(caller, key)
        return Outcome(refusal="the message could not be stored")
    ack = _ack(caller, req, event.message.msg_id)
    if key is not None:
        for session in caller.node.retries.stored(caller, key, event.message.msg_id):
            session.send(encode(ack, seq))
    if req.msg_type in AUDIO_TYPES:  # others hear it as it came
        event = event._replace(message=event.message._replace(content=req.msg_data))
    return Outcome(ack, (event,))


@handles(
    Command.MSG_DATA,
    lane=WRITER,
    answer=_answer_message,
    pace=Pace.MESSAGE,
    room=Room("IM_VOICE_BYTES", 1),
)
def send_message(
    caller: Session, req: pb.IMMsgData, seq: int
) -> AnyMessage | ItemInMaking | Outcome:
    """Store a message, then acknowledge and deliver it; a client's retry gets the first answer."""
    if req.from_user_id == req.to_session_id and req.msg_type not in GROUP_TYPES:
        # As the original does, whoever the client says it is.
        return Outcome(refusal="a message needs another user to go to")
    item = _item(caller.user_id, req)
    key = _retry_key(caller, req, seq)
    if key is None:
        return item
    attempt = caller.node.retries.begin(caller, key)
    if attempt is None:
        return item
    if attempt.msg_id:
        return Outcome(_ack(caller, req, attempt.msg_id))
    attempt.waiting = [*attempt.waiting, caller]
    return NOTHING


def _item(sender_id: int, req: pb.IMMsgData) -> AnyMessage | ItemInMaking:
    key = _client_key(req)
    if req.msg_type not in AUDIO_TYPES:
        said = compose.new_text(sender_id, req.to_session_id, req.msg_type, req.msg_data)
        return said._replace(key=key) if key else said
    spoken = voice.new_voice(sender_id, req.to_session_id, req.msg_type, req.msg_data)
    return ItemInMaking(lambda: voice.store(spoken)._replace(key=key))


def _client_key(req: pb.IMMsgData) -> ClientKey | None:
    """Return what the client calls the message; Refused for what can't be a name."""
    if not req.client_msg_id:
        return None
    if not CLIENT_MSG_ID.fullmatch(req.client_msg_id):
        raise Refused("client_msg_id has 1 to 64 letters, digits, - and _")
    where = b"%d %d " % (req.to_session_id, req.msg_type)
    digest = blake2b(where + req.msg_data, digest_size=_DIGEST_BYTES).hexdigest()
    return ClientKey(req.client_msg_id, digest)


def _retry_key(caller: Session, req: pb.IMMsgData, seq: int) -> Hashable:
    """Return what an automatic retry repeats.  Clients that number nothing (0) repeat nothing.

    Messages with a name of their own are known by that.  Those without a time of the client's can
    be told from later ones on their own connection only.
    """
    if not seq or req.client_msg_id:
        return None
    content: bytes | str = req.msg_data
    if len(content) > _REMEMBERED_BYTES:
        content = blake2b(req.msg_data, digest_size=_DIGEST_BYTES).hexdigest()
    whose = caller.client_type if req.create_time else caller.id
    return (seq, req.to_session_id, req.msg_type, req.create_time, whose, content)


def _ack(caller: Session, req: pb.IMMsgData, msg_id: int) -> pb.IMMsgDataAck:
    return pb.IMMsgDataAck(
        user_id=caller.user_id,
        session_id=req.to_session_id,
        msg_id=msg_id,
        session_type=SessionType.GROUP if req.msg_type in GROUP_TYPES else SessionType.SINGLE,
    )


@handles(Command.MSG_DATA_ACK, lane=ON_LOOP)
def message_arrived(caller: Session, req: pb.IMMsgDataAck) -> Outcome:
    """Take note that a client has got a message: statistics only."""
    caller.node.sessions.unacked.acknowledged(caller.id, req.session_id, req.msg_id)
    caller.node.sessions.trace.arrived(caller.id, req.session_id, req.msg_id)
    return NOTHING


# --- having read ------------------------------------------------------------------------------


def _answer_read(
    caller: Session, req: pb.IMMsgDataReadAck, seq: int, event: SessionRead | None
) -> Outcome:
    return Outcome(events=(event,)) if event else NOTHING


@handles(Command.MSG_READ_ACK, lane=WRITER, answer=_answer_read)
def read_messages(
    caller: Session, req: pb.IMMsgDataReadAck, seq: int
) -> ReadMark | GroupReadMark | Outcome:
    """Mark a conversation as read and tell the reader's other devices."""
    session_type = SessionType(req.session_type)
    if session_type is SessionType.SINGLE:
        caller.node.sessions.unacked.acknowledged(caller.id, req.session_id, req.msg_id)
    return compose.read_mark(caller.user_id, session_type, req.session_id, req.msg_id)


def _unread_lists(user_ids: Sequence[int], reading: Reading) -> Iterator[pb.IMUnreadMsgCntRsp]:
    lists = unread(user_ids, reading)
    return (_unread_list(user_id, [*found]) for user_id, found in zip(user_ids, lists, strict=True))


def _unread_list(user_id: int, found: Sequence[Unread]) -> pb.IMUnreadMsgCntRsp:
    return pb.IMUnreadMsgCntRsp(
        user_id=user_id,
        total_cnt=sum(entry.count for entry in found),
        unreadinfo_list=[_unread_info(entry) for entry in found],
    )


@handles(Command.MSG_UNREAD_CNT_REQUEST, lane=LISTS, answer=with_reply)
def unread_conversations(caller: Session, req: pb.IMUnreadMsgCntReq, seq: int) -> ListQuestion:
    """List the conversations with unread messages, each with its newest message."""
    return ListQuestion(_unread_lists, caller.user_id, groups_of=caller.user_id)


def _unread_info(entry: Unread) -> base.UnreadInfo:
    latest = entry.latest
    return base.UnreadInfo(
        session_id=entry.session_id,
        session_type=entry.session_type,
        unread_cnt=entry.count,
        latest_msg_id=latest.msg_id,
        latest_msg_data=records.preview(latest),
        latest_msg_type=latest.msg_type,
        latest_msg_from_user_id=records.latest_author(entry.session_type, entry.session_id, latest),
    )


# --- looking back -----------------------------------------------------------------------------


def _pages(openings: Sequence[Opening], reading: Reading) -> Iterator[pb.IMGetMsgListRsp]:
    pages = history.pages(openings)
    return (
        pb.IMGetMsgListRsp(
            user_id=opening.user_id,
            session_type=opening.session_type.value,
            session_id=opening.session_id,
            msg_id_begin=opening.newest_id,
            msg_list=[records.message(row) for row in voice.as_sent(page)],
        )
        for opening, page in zip(openings, pages, strict=True)
    )


@handles(Command.MSG_LIST_REQUEST, lane=LISTS, answer=with_reply)
def message_list(caller: Session, req: pb.IMGetMsgListReq, seq: int) -> ListQuestion:
    """Return a page of history, newest first."""
    session_type = SessionType(req.session_type)
    opening = Opening(caller.user_id, session_type, req.session_id, req.msg_id_begin, req.msg_cnt)
    return ListQuestion(_pages, opening)


@handles(Command.MSG_GET_LATEST_MSG_ID_REQ)
def latest_message_id(caller: Session, req: pb.IMGetLatestMsgIdReq) -> Outcome:
    """Return the id of a conversation's newest message."""
    is_single = req.session_type == base.SESSION_TYPE_SINGLE
    latest_id = history.latest_id if is_single else history.latest_group_id
    return Outcome(
        pb.IMGetLatestMsgIdRsp(
            user_id=caller.user_id,
            session_type=req.session_type,
            session_id=req.session_id,
            latest_msg_id=latest_id(caller.user_id, req.session_id),
        )
    )


@handles(Command.MSG_GET_BY_MSG_ID_REQ)
def messages_by_id(caller: Session, req: pb.IMGetMsgByIdReq) -> Outcome:
    """Return certain messages of a conversation, newest first; ids it lacks are left out."""
    is_single = req.session_type == base.SESSION_TYPE_SINGLE
    by_ids = history.by_ids if is_single else history.group_by_ids
    found = by_ids(caller.user_id, req.session_id, req.msg_id_list)
    return Outcome(
        pb.IMGetMsgByIdRsp(
            user_id=caller.user_id,
            session_type=req.session_type,
            session_id=req.session_id,
            msg_list=[records.message(row) for row in voice.as_sent(found)],
        )
    )


@handles(Command.MSG_TIME_REQUEST, lane=ON_LOOP, anonymous=True)
def server_time(caller: Session, req: pb.IMClientTimeReq) -> Outcome:
    """Tell the time."""
    return Outcome(pb.IMClientTimeRsp(server_time=int(time.time())))
