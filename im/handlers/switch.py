"""Service 6, signals between users: typing, window shake.  Not stored, not acknowledged."""

from im.delivery.local.sessions import Session
from im.errors import Refused
from im.handlers.execution.registry import ON_LOOP, Outcome, Pace, handles
from im.types import Signal
from im.wire.catalog import Command
from im.wire.proto import switch_service_pb2 as pb

MAX_SIGNAL_CHARS = 4096  # clients send some 60


@handles(Command.SWITCH_P2P_CMD, lane=ON_LOOP, pace=Pace.SIGNAL)
def relay(caller: Session, req: pb.IMP2PCmdMsg) -> Outcome:
    """Pass a signal on, in the caller's own name."""
    if len(req.cmd_msg_data) > MAX_SIGNAL_CHARS:
        raise Refused(f"a signal has at most {MAX_SIGNAL_CHARS} characters")
    return Outcome(events=(Signal(caller.user_id, req.to_user_id, req.cmd_msg_data),))
