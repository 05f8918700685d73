"""Service 4, groups: which ones there are, who is in them, and how that changes."""

from collections.abc import Iterator, Sequence

from im.delivery.local.sessions import Session
from im.errors import Refused
from im.handlers.execution.batched_lists import ListQuestion
from im.handlers.execution.registry import (
    DONE,
    FAILED,
    IN_TRANSACTION,
    LISTS,
    Outcome,
    Pace,
    Room,
    handles,
    with_reply,
)
from im.services.groups import members
from im.services.messages.prefetch import Reading
from im.types import ClientType, GroupChange, GroupMade, GroupType
from im.wire.catalog import Command
from im.wire.proto import base_define_pb2 as base
from im.wire.proto import group_pb2 as pb

GROUP_VERSION_BYTES = 14  # at most, of a group and its version: two ids and what is around them


def _fixed_lists(user_ids: Sequence[int], reading: Reading) -> Iterator[pb.IMNormalGroupListRsp]:
    return _lists(user_ids, members.fixed_groups(user_ids, reading))


def _fixed_and_silent_lists(
    user_ids: Sequence[int], reading: Reading
) -> Iterator[pb.IMNormalGroupListRsp]:
    return _lists(user_ids, members.fixed_and_silent_groups(user_ids, reading))


def _lists(
    user_ids: Sequence[int], lists: Sequence[Sequence[members.GroupVersion]]
) -> Iterator[pb.IMNormalGroupListRsp]:
    return (
        pb.IMNormalGroupListRsp(
            user_id=user_id,
            group_version_list=[
                base.GroupVersionInfo(group_id=group.group_id, version=group.version)
                for group in found
            ],
        )
        for user_id, found in zip(user_ids, lists, strict=True)
    )


@handles(Command.GROUP_NORMAL_LIST_REQUEST, lane=LISTS, answer=with_reply)
def normal_list(caller: Session, req: pb.IMNormalGroupListReq, seq: int) -> ListQuestion:
    """Return the caller's fixed groups with their versions.

    To web clients also the temporary ones in which nothing was said yet: no other list has them.
    """
    is_web = caller.client_type == ClientType.WEB
    lists = _fixed_and_silent_lists if is_web else _fixed_lists
    return ListQuestion(lists, caller.user_id, groups_of=caller.user_id)


@handles(Command.GROUP_INFO_REQUEST, room=Room("IM_GROUPS", GROUP_VERSION_BYTES))
def group_info(caller: Session, req: pb.IMGroupInfoListReq) -> Outcome:
    """Return those of the asked groups of the caller that are newer than what the client has."""
    known = {entry.group_id: entry.version for entry in req.group_version_list}
    found = members.newer_groups(caller.user_id, known)
    return Outcome(
        pb.IMGroupInfoListRsp(
            user_id=caller.user_id, group_info_list=[_group_info(group) for group in found]
        )
    )


def _group_info(group: members.GroupCard) -> base.GroupInfo:
    return base.GroupInfo(
        group_id=group.group_id,
        version=group.version,
        group_name=group.name,
        group_avatar=group.avatar,
        group_creator_id=group.creator_id,
        group_type=group.group_type,
        shield_status=int(group.is_shielded),
        group_member_list=group.member_ids,
    )


@handles(
    Command.GROUP_CREATE_REQUEST,
    lane=IN_TRANSACTION,
    pace=Pace.SIGNAL,
    room=Room("IM_GROUP_MEMBERS"),
)
def create(caller: Session, req: pb.IMGroupCreateReq) -> Outcome:
    """Make a temporary group; fixed ones are made by operators."""
    reply = pb.IMGroupCreateRsp(
        user_id=caller.user_id,
        result_code=FAILED,
        group_name=req.group_name,
        user_id_list=sorted(set(req.member_id_list)),
    )
    if req.group_type != base.GROUP_TYPE_TMP:
        return Outcome(reply)
    try:
        made = members.create_group(
            caller.user_id,
            req.group_name,
            req.group_avatar,
            req.member_id_list,
            GroupType.TEMPORARY,
        )
    except Refused:
        return Outcome(reply)
    reply.result_code, reply.group_id = DONE, made.group_id
    reply.user_id_list[:] = made.member_ids
    return Outcome(reply, (GroupMade(caller.user_id, made.group_id, made.member_ids),))


@handles(
    Command.GROUP_CHANGE_MEMBER_REQUEST,
    lane=IN_TRANSACTION,
    pace=Pace.SIGNAL,
    room=Room("IM_GROUP_MEMBERS"),
)
def change_members(caller: Session, req: pb.IMGroupChangeMemberReq) -> Outcome:
    """Add people to a group or take them out, and tell everybody concerned."""
    change = members.change_members(
        caller.user_id, req.group_id, GroupChange(req.change_type), req.member_id_list
    )
    reply = pb.IMGroupChangeMemberRsp(
        user_id=caller.user_id,
        change_type=req.change_type,
        result_code=DONE,
        group_id=req.group_id,
        cur_user_id_list=change.members,
        chg_user_id_list=change.changed,
    )
    return Outcome(reply, (change,))


@handles(Command.GROUP_SHIELD_GROUP_REQUEST)
def shield(caller: Session, req: pb.IMGroupShieldReq) -> Outcome:
    """Switch the pushes of a group off or on for the caller."""
    members.set_shield(caller.user_id, req.group_id, bool(req.shield_status))
    return Outcome(
        pb.IMGroupShieldRsp(user_id=caller.user_id, group_id=req.group_id, result_code=DONE)
    )
