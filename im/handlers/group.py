"""Service 4, groups: which ones there are and who is in them."""

from im.delivery.sessions import Session
from im.handlers.registry import Outcome, handles
from im.services import groups
from im.wire.catalog import Command
from im.wire.proto import base_define_pb2 as base
from im.wire.proto import group_pb2 as pb


@handles(Command.GROUP_NORMAL_LIST_REQUEST)
def normal_list(caller: Session, req: pb.IMNormalGroupListReq) -> Outcome:
    """Return the caller's fixed groups with their versions."""
    found = groups.fixed_groups(caller.user_id)
    return Outcome(
        pb.IMNormalGroupListRsp(
            user_id=caller.user_id,
            group_version_list=[
                base.GroupVersionInfo(group_id=group.group_id, version=group.version)
                for group in found
            ],
        )
    )


@handles(Command.GROUP_INFO_REQUEST)
def group_info(caller: Session, req: pb.IMGroupInfoListReq) -> Outcome:
    """Return those of the asked groups of the caller that are newer than what the client has."""
    known = {entry.group_id: entry.version for entry in req.group_version_list}
    found = groups.newer_groups(caller.user_id, known)
    return Outcome(
        pb.IMGroupInfoListRsp(
            user_id=caller.user_id, group_info_list=[_group_info(group) for group in found]
        )
    )


def _group_info(group: groups.GroupCard) -> base.GroupInfo:
    return base.GroupInfo(
        group_id=group.group_id,
        version=group.version,
        group_name=group.name,
        group_avatar=group.avatar,
        group_creator_id=group.creator_id,
        group_type=group.group_type,
        shield_status=0,
        group_member_list=group.member_ids,
    )
