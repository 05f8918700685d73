"""Service 1, login: the door, the way out, and the search for a gateway."""

import time

from im.delivery.cluster import discovery
from im.delivery.local.presence import SEEN_BY_OTHERS
from im.delivery.local.sessions import Door, Session
from im.errors import Refused
from im.handlers.encoding import records
from im.handlers.execution.registry import (
    DONE,
    FAILED,
    LOGIN_DESK,
    NOTHING,
    ON_LOOP,
    Outcome,
    handles,
)
from im.peer_log import PeerLog
from im.services.identity import profile, push_tokens
from im.services.identity.login import Admitted, Credentials, LoginRefusal
from im.types import (
    DeviceClass,
    DevicesKicked,
    Event,
    LoginResult,
    PcStatusTold,
    UserInfo,
    UserStatus,
)
from im.wire.catalog import Command
from im.wire.proto import base_define_pb2 as base
from im.wire.proto import login_pb2 as pb

peer_log = PeerLog(__name__)

SUCCESS_TEXT = "成功"
SERVER_ERROR_TEXT = "服务端异常"


def _answer_login(
    caller: Session, req: pb.IMLoginReq, seq: int, result: Admitted | LoginRefusal | None
) -> Outcome:
    if result is None:  # the database can't be asked
        return _refuse(LoginResult.NO_DB_SERVER, SERVER_ERROR_TEXT)
    if isinstance(result, LoginRefusal):
        peer_log.info(caller.whose, "login refused on %r: %s", caller, result.text)
        return _refuse(LoginResult.VALIDATE_FAILED, result.text)
    if caller.is_closed:  # it didn't wait; bound now, it would count as online for good
        return NOTHING
    caller.access_key, caller.web_session = result.access_key, result.web_session
    caller.node.log_in(caller, result.user_id, caller.client_type or req.client_type)
    peer_log.info(caller.whose, "login %r, version %.40r", caller, req.client_version)
    reply = pb.IMLoginRes(
        server_time=int(time.time()),
        result_code=LoginResult.NONE,
        result_string=SUCCESS_TEXT,
        online_status=req.online_status,
        user_info=_own_record(result),
    )
    return Outcome(reply, _arrival(caller))


@handles(Command.LOGIN_REQ_USERLOGIN, lane=LOGIN_DESK, answer=_answer_login, anonymous=True)
def log_in(caller: Session, req: pb.IMLoginReq, seq: int) -> Credentials | Outcome:
    """Check name and password; one attempt per connection, a second one is ignored."""
    if caller.login_begun:
        return NOTHING
    caller.login_begun = bool(req.user_name)  # an empty name leaves the connection free to try
    return Credentials(req.user_name, req.password, caller.network)


@handles(Command.LOGIN_REQ_LOGINOUT, anonymous=True)
def log_out(caller: Session, req: pb.IMLogoutReq) -> Outcome:
    """Answer, then close; a phone gets no push from now on, which a PC has no say in."""
    peer_log.info(caller.whose, "logout %r", caller)
    if caller.user_id and caller.device is DeviceClass.MOBILE:
        push_tokens.forget(caller.user_id)
    return Outcome(pb.IMLogoutRsp(result_code=0), close=True)


@handles(Command.LOGIN_REQ_MSGSERVER, lane=ON_LOOP, anonymous=True, door=Door.LOGIN_SERVER)
def find_gateway(caller: Session, req: pb.IMMsgServReq) -> Outcome:
    """Name the least loaded gateway, then close (TCP form of the discovery view)."""
    choice = discovery.choice_at(caller.node)
    reply = pb.IMMsgServRsp(result_code=choice.result)
    if choice.gateway is not None:
        asked = caller.link.local_host
        reply.prior_ip = choice.gateway.host or asked
        reply.backip_ip = choice.gateway.backup_host or asked
        reply.port = choice.gateway.port
    return Outcome(reply, close=True)


def _arrival(caller: Session) -> tuple[Event, ...]:
    """Return what a phone hears when it comes; of a PC that comes, the node tells."""
    if caller.device is DeviceClass.MOBILE and caller.node.presence.is_online(caller.user_id):
        return (PcStatusTold(caller.user_id, True),)
    return ()


def _refuse(code: LoginResult, text: str) -> Outcome:
    reply = pb.IMLoginRes(server_time=int(time.time()), result_code=code, result_string=text)
    return Outcome(reply, close=True)


def _own_record(user: UserInfo) -> base.UserInfo:
    record = records.user_info(user)
    record.status = UserStatus.NORMAL  # as the original: one's own status is never told
    return record


# --- the phone and its PC ---------------------------------------------------------------------


@handles(Command.LOGIN_REQ_KICKPCCLIENT, lane=ON_LOOP)
def kick_pc(caller: Session, req: pb.IMKickPCClientReq) -> Outcome:
    """End the connection of the caller's PC, from his phone; a PC can't ask for that."""
    if caller.device is not DeviceClass.MOBILE:
        raise Refused("only a phone ends the PC's connection")
    reply = pb.IMKickPCClientRsp(user_id=caller.user_id, result_code=DONE)
    return Outcome(reply, (DevicesKicked(caller.user_id, SEEN_BY_OTHERS),))


@handles(Command.LOGIN_REQ_DEVICETOKEN)
def register_device(caller: Session, req: pb.IMDeviceTokenReq) -> Outcome:
    """Store what the caller's phone is reached by when it is not connected."""
    if caller.device is not DeviceClass.MOBILE:
        raise Refused("only phones are pushed to")
    push_tokens.register(caller.user_id, caller.client_type, req.device_token)
    return Outcome(pb.IMDeviceTokenRsp(user_id=caller.user_id))


@handles(Command.LOGIN_REQ_PUSH_SHIELD)
def set_push_shield(caller: Session, req: pb.IMPushShieldReq) -> Outcome:
    """Switch the night-time silence of pushes."""
    profile.set_push_shield(caller.user_id, bool(req.shield_status))
    return Outcome(
        pb.IMPushShieldRsp(
            user_id=caller.user_id, result_code=DONE, shield_status=int(bool(req.shield_status))
        )
    )


@handles(Command.LOGIN_REQ_QUERY_PUSH_SHIELD)
def query_push_shield(caller: Session, req: pb.IMQueryPushShieldReq) -> Outcome:
    """Say whether pushes are silent at night."""
    shield = profile.push_shield(caller.user_id)
    reply = pb.IMQueryPushShieldRsp(user_id=caller.user_id, result_code=FAILED)
    if shield is not None:
        reply.result_code, reply.shield_status = DONE, int(shield)
    return Outcome(reply)
