"""Service 2, directory and presence."""

from im.delivery.sessions import Session
from im.handlers.registry import ON_LOOP, Outcome, handles
from im.types import OnlineStatus
from im.wire.catalog import Command
from im.wire.proto import base_define_pb2 as base
from im.wire.proto import buddy_pb2 as pb

MAX_STATUS_QUERY = 10_000  # ids per question; clients ask for 300 at a time


@handles(Command.BUDDY_LIST_USERS_STATUS_REQUEST, lane=ON_LOOP)
def users_status(caller: Session, req: pb.IMUsersStatReq) -> Outcome:
    """Say who of the given users is online (with a PC), in the order of the question."""
    presence = caller.node.presence
    return Outcome(
        pb.IMUsersStatRsp(
            user_id=caller.user_id,
            user_stat_list=[
                base.UserStat(
                    user_id=user_id,
                    status=OnlineStatus.ONLINE
                    if presence.is_online(user_id)
                    else OnlineStatus.OFFLINE,
                )
                for user_id in req.user_id_list[:MAX_STATUS_QUERY]
            ],
        )
    )
