"""What the four clients have in common."""

import asyncio
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import ClassVar, Self

from google.protobuf.message import Message

from im.types import ClientType, OnlineStatus, SessionType
from im.wire.catalog import Command, command_of
from im.wire.pdu import Pdu
from im.wire.proto import base_define_pb2 as base
from im.wire.proto import buddy_pb2, group_pb2, login_pb2, message_pb2, other_pb2
from tests.client import TIMEOUT_S, Client, wire_password
from tests.e2e.web import ask

Key = tuple[int, int]  # session type, session id

# What comes unasked.  Windows takes a PDU whose number is that of its login for the login's answer.
NOTICES = {
    Command.LOGIN_KICK_USER,
    Command.BUDDY_LIST_STATUS_NOTIFY,
    Command.BUDDY_LIST_PC_LOGIN_STATUS_NOTIFY,
    Command.MSG_DATA,
    Command.MSG_READ_NOTIFY,
}


@dataclass
class Cache:
    """A client's own database.  `news` are the ids of the people the last sync has brought."""

    people: dict[int, base.UserInfo] = field(default_factory=dict)
    people_stamp: int = 0
    news: list[int] = field(default_factory=list)
    departments: dict[int, base.DepartInfo] = field(default_factory=dict)
    departments_stamp: int = 0
    group_versions: dict[int, int] = field(default_factory=dict)
    groups: dict[int, base.GroupInfo] = field(default_factory=dict)
    sessions: dict[Key, base.ContactSessionInfo] = field(default_factory=dict)
    unread: dict[Key, int] = field(default_factory=dict)
    messages: dict[Key, dict[int, bytes]] = field(default_factory=dict)
    online: set[int] = field(default_factory=set)
    logins: int = 0

    @property
    def sessions_stamp(self) -> int:
        """The time of the newest session."""
        return max((session.updated_time for session in self.sessions.values()), default=0)


class Device(Client):
    """One connection of a client.  A reply must have the number its request had."""

    client_type: ClassVar[ClientType]
    client_version: ClassVar[str]
    needs_of_discovery: ClassVar[frozenset[str]]
    pdu_version: ClassVar[int] = 1
    reserved: ClassVar[int] = 0
    names_itself: ClassVar[bool] = True  # its user id stands in requests, otherwise 0
    answers_read_notices: ClassVar[bool] = False

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        super().__init__(reader, writer)
        self.cache = Cache()

    # --- the way in ---------------------------------------------------------------------------

    @classmethod
    async def switch_on(cls, http_port: int, name: str, cache: Cache | None = None) -> Self:
        """Find the gateway, log in and sync; with a cache it has been here before."""
        answer = json.loads((await asyncio.to_thread(ask, http_port, "/msg_server")).body)
        assert cls.needs_of_discovery <= answer.keys()
        assert answer["code"] == 0
        device = await cls.connect(int(answer["port"]), answer["priorIP"])
        device.cache = cache or device.cache
        await device.arrive(name)
        await device.sync()
        return device

    async def arrive(self, name: str) -> None:
        """Log in."""
        self.cache.logins += 1
        request = login_pb2.IMLoginReq(
            user_name=name,
            password=wire_password("pass"),
            online_status=OnlineStatus.ONLINE,
            client_type=self.client_type,
            client_version=self.client_version,
        )
        answer = await self.call(request, login_pb2.IMLoginRes)
        assert answer.result_code == 0
        assert answer.user_info.IsInitialized()
        self.user_id = answer.user_info.user_id

    async def sync(self) -> None:
        """Ask for what it shows."""
        raise NotImplementedError

    # --- PDUs ---------------------------------------------------------------------------------

    def number(self, command: Command) -> int:
        """Return the sequence number of the next PDU: from 1, one more for each."""
        self._seq += 1
        return self._seq

    def send(self, message: Message, seq: int | None = None) -> int:
        command = command_of(message)
        seq = self.number(command) if seq is None else seq
        pdu = Pdu(
            command,
            message.SerializeToString(),
            seq,
            version=self.pdu_version,
            reserved=self.reserved,
        )
        self.send_bytes(pdu.encode())
        return seq

    async def next_pdu(self, timeout_s: float = TIMEOUT_S) -> Pdu:
        pdu = await super().next_pdu(timeout_s)
        self.look_at(pdu)
        return pdu

    def look_at(self, pdu: Pdu) -> None:
        """Check what every PDU from the server must have."""
        if pdu.command_id == Command.OTHER_HEARTBEAT:
            return  # the client's own comes back
        assert (pdu.version, pdu.flag, pdu.reserved) == (1, 0, 0)
        assert pdu.service_id == pdu.command_id >> 8
        if pdu.command_id in NOTICES:
            assert pdu.seq == 0

    @property
    def me(self) -> int:
        """What stands in requests for the client's user."""
        return self.user_id if self.names_itself else 0

    # --- what it keeps ------------------------------------------------------------------------

    async def sync_people(self, stamp: int) -> None:
        """Ask for the people changed since `stamp`."""
        request = buddy_pb2.IMAllUserReq(user_id=self.me, latest_update_time=stamp)
        self.keep_people(await self.call(request, buddy_pb2.IMAllUserRsp), asked_since=stamp)

    def keep_people(self, answer: buddy_pb2.IMAllUserRsp, *, asked_since: int) -> None:
        """Add people; who left is not shown any more."""
        self.cache.news = [person.user_id for person in answer.user_list]
        self.cache.people |= {person.user_id: person for person in answer.user_list}
        self.cache.people_stamp = answer.latest_update_time

    def keep_departments(self, answer: buddy_pb2.IMDepartmentRsp) -> None:
        """Add departments."""
        self.cache.departments |= {row.dept_id: row for row in answer.dept_list}
        self.cache.departments_stamp = answer.latest_update_time

    def keep_sessions(self, answer: buddy_pb2.IMRecentContactSessionRsp) -> None:
        """Add the conversations that were touched."""
        self.cache.sessions |= {
            (session.session_type, session.session_id): session
            for session in answer.contact_session_list
        }

    def keep_unread(self, answer: message_pb2.IMUnreadMsgCntRsp) -> None:
        """Take over what is unread."""
        self.cache.unread = {
            (entry.session_type, entry.session_id): entry.unread_cnt
            for entry in answer.unreadinfo_list
        }
        assert answer.total_cnt == sum(self.cache.unread.values())

    def keep_messages(self, answer: message_pb2.IMGetMsgListRsp) -> None:
        """Add a page of history."""
        page = self.cache.messages.setdefault((answer.session_type, answer.session_id), {})
        page |= {message.msg_id: message.msg_data for message in answer.msg_list}

    async def remove(self, session_type: SessionType, session_id: int) -> None:
        """Take a conversation off the list, here and there."""
        request = buddy_pb2.IMRemoveSessionReq(
            user_id=self.me, session_type=session_type.value, session_id=session_id
        )
        await self.call(request, buddy_pb2.IMRemoveSessionRsp)
        del self.cache.sessions[session_type.value, session_id]

    async def sync_unread(self) -> None:
        """Ask what is unread."""
        request = message_pb2.IMUnreadMsgCntReq(user_id=self.me)
        self.keep_unread(await self.call(request, message_pb2.IMUnreadMsgCntRsp))

    async def sync_page(self, key: Key, begin: int, count: int, seq: int | None = None) -> None:
        """Ask for a page of history."""
        request = message_pb2.IMGetMsgListReq(
            user_id=self.me,
            session_type=SessionType(key[0]).value,
            session_id=key[1],
            msg_id_begin=begin,
            msg_cnt=count,
        )
        answer = await self.receive(message_pb2.IMGetMsgListRsp, self.send(request, seq))
        assert [message.msg_id for message in answer.msg_list] == sorted(
            (message.msg_id for message in answer.msg_list), reverse=True
        )
        self.keep_messages(answer)

    async def list_groups(self) -> dict[int, int]:
        """Ask for the fixed groups and return their versions."""
        request = group_pb2.IMNormalGroupListReq(user_id=self.me)
        answer = await self.call(request, group_pb2.IMNormalGroupListRsp)
        return {entry.group_id: entry.version for entry in answer.group_version_list}

    async def sync_groups(self, known: dict[int, int]) -> None:
        """Ask for the groups that are newer than the known versions."""
        request = group_pb2.IMGroupInfoListReq(
            user_id=self.me,
            group_version_list=[
                base.GroupVersionInfo(group_id=group_id, version=version)
                for group_id, version in known.items()
            ],
        )
        answer = await self.call(request, group_pb2.IMGroupInfoListRsp)
        self.cache.groups |= {group.group_id: group for group in answer.group_info_list}
        self.cache.group_versions |= {
            group.group_id: group.version for group in answer.group_info_list
        }

    async def sync_statuses(self, user_ids: Iterable[int]) -> None:
        """Ask who is online."""
        request = buddy_pb2.IMUsersStatReq(user_id=self.me, user_id_list=user_ids)
        answer = await self.call(request, buddy_pb2.IMUsersStatRsp)
        self.cache.online |= {
            stat.user_id
            for stat in answer.user_stat_list
            if stat.status == int(OnlineStatus.ONLINE)
        }

    # --- staying and talking ------------------------------------------------------------------

    async def beat(self) -> Pdu:
        """Send a heartbeat and return what comes back."""
        return await self.receive_pdu(other_pb2.IMHeartBeat, self.send(other_pb2.IMHeartBeat()))

    def text(self, peer_id: int, content: bytes) -> message_pb2.IMMsgData:
        """Return a text as this client sends it."""
        return message_pb2.IMMsgData(
            from_user_id=self.me,
            to_session_id=peer_id,
            msg_id=0,
            create_time=0,
            msg_type=1,
            msg_data=content,
        )

    async def write(self, peer_id: int, content: bytes) -> int:
        """Send a text and return its id."""
        ack = await self.call(self.text(peer_id, content), message_pb2.IMMsgDataAck)
        assert (ack.user_id, ack.session_id) == (self.user_id, peer_id)
        assert 0 < ack.msg_id < 1_000_000  # higher ones are unsent messages to iOS
        return ack.msg_id

    async def hear(self) -> message_pb2.IMMsgData:
        """Wait for a message and acknowledge that it came."""
        message = await self.receive(message_pb2.IMMsgData)
        ack = self.delivery_ack(message)
        if ack is not None:
            self.send(ack)
        return message

    def delivery_ack(self, message: message_pb2.IMMsgData) -> message_pb2.IMMsgDataAck | None:
        """Return how this client says that a message came."""
        return message_pb2.IMMsgDataAck(
            user_id=self.me,
            session_id=message.from_user_id,
            msg_id=message.msg_id,
            session_type=SessionType.SINGLE.value,
        )

    def read(self, peer_id: int, msg_id: int) -> None:
        """Say that a conversation was read."""
        self.send(
            message_pb2.IMMsgDataReadAck(
                user_id=self.me,
                session_id=peer_id,
                msg_id=msg_id,
                session_type=SessionType.SINGLE.value,
            )
        )

    async def hear_reading(self) -> message_pb2.IMMsgDataReadNotify:
        """Wait for the word that another device has read; some repeat it to the server."""
        notice = await self.receive(message_pb2.IMMsgDataReadNotify)
        if self.answers_read_notices:
            self.read(notice.session_id, notice.msg_id)
        return notice


def batches(ids: Iterable[int], size: int) -> Iterable[list[int]]:
    """Return ids in lists of `size`."""
    wanted = list(ids)
    return (wanted[start : start + size] for start in range(0, len(wanted), size))
