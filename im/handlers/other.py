"""Service 7, other: the heartbeat."""

from im.delivery.local.sessions import Session
from im.handlers.execution.registry import NOTHING, ON_LOOP, Outcome, handles
from im.wire.catalog import Command
from im.wire.proto import other_pb2 as pb


@handles(Command.OTHER_HEARTBEAT, lane=ON_LOOP, anonymous=True)
def heartbeat(caller: Session, req: pb.IMHeartBeat) -> Outcome:
    """Nothing to do: dispatch echoes a heartbeat's header as it came."""
    return NOTHING
