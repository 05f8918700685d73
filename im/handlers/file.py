"""Service 5, files, as far as it is the gateway's: offers, and the list of what waits.

Contents are moved at the file server's port, whose address clients get here.
"""

from im.delivery.local.sessions import Session
from im.handlers.encoding import records
from im.handlers.execution.registry import DONE, IN_TRANSACTION, Outcome, Pace, handles
from im.services.media import file_transfers
from im.types import DeviceClass, FileMode, FileOffered
from im.wire.catalog import Command
from im.wire.proto import base_define_pb2 as base
from im.wire.proto import file_pb2 as pb


@handles(Command.FILE_REQUEST, lane=IN_TRANSACTION, pace=Pace.SIGNAL)
def offer(caller: Session, req: pb.IMFileReq) -> Outcome:
    """Give the caller a task to send a file by; an offline one if the receiver's PC is off.

    Only PCs move files.  Of an offline one the receiver hears when it has been uploaded: before,
    Windows clients would try to fetch what isn't there.
    """
    has_pc = DeviceClass.PC in caller.node.presence.devices_of(req.to_user_id)
    mode = FileMode(req.trans_mode) if has_pc else FileMode.OFFLINE
    file = file_transfers.offer(caller.user_id, req.to_user_id, req.file_name, req.file_size, mode)
    reply = pb.IMFileRsp(
        result_code=DONE,
        from_user_id=file.sender_id,
        to_user_id=file.receiver_id,
        file_name=req.file_name,  # as it came: by it the client finds the file on its disk
        task_id=file.task_id,
        ip_addr_list=records.file_servers(),
        trans_mode=mode,
    )
    return Outcome(reply, (FileOffered(file),) if mode is FileMode.ONLINE else ())


@handles(Command.FILE_HAS_OFFLINE_REQ)
def waiting_files(caller: Session, req: pb.IMFileHasOfflineReq) -> Outcome:
    """List the files that wait for the caller, and where to fetch them."""
    return Outcome(
        pb.IMFileHasOfflineRsp(
            user_id=caller.user_id,
            offline_file_list=[
                base.OfflineFileInfo(
                    from_user_id=file.sender_id,
                    task_id=file.task_id,
                    file_name=file.name,
                    file_size=file.size,
                )
                for file in file_transfers.waiting_for(caller.user_id)
            ],
            ip_addr_list=records.file_servers(),
        )
    )


@handles(Command.FILE_ADD_OFFLINE_REQ, lane=IN_TRANSACTION, pace=Pace.SIGNAL)
def add_waiting_file(caller: Session, req: pb.IMFileAddOfflineReq) -> Outcome:
    """Note that the caller has uploaded a file, and tell its receiver's PC; there is no reply."""
    uploaded = file_transfers.add_offline(
        caller.user_id, req.to_user_id, req.task_id, req.file_name, req.file_size
    )
    return Outcome(events=(uploaded,))


@handles(Command.FILE_DEL_OFFLINE_REQ)
def delete_waiting_file(caller: Session, req: pb.IMFileDelOfflineReq) -> Outcome:
    """Take a file off the list, fetched or unwanted; the users in the request are claims."""
    file_transfers.delete_offline(caller.user_id, req.task_id)
    return Outcome()
