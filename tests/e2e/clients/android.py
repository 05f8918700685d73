"""The Android client."""

import time
from typing import ClassVar

from im.types import ClientType, SessionType
from im.wire.pdu import HEADER_LENGTH, Pdu
from im.wire.proto import buddy_pb2, message_pb2
from tests.e2e.clients.device import Device

MAX_FRAME_BYTES = 400 * 1024
PAGE = 18


class Android(Device):
    """Takes no directory that is not addressed to it, and no frame beyond 400 KiB."""

    client_type = ClientType.ANDROID
    client_version = "1.0.0"
    needs_of_discovery: ClassVar[frozenset[str]] = frozenset(
        {"code", "priorIP", "backupIP", "port"}
    )
    pdu_version = 6
    reserved = 0x30
    answers_read_notices = True

    def look_at(self, pdu: Pdu) -> None:
        super().look_at(pdu)
        assert HEADER_LENGTH + len(pdu.body) <= MAX_FRAME_BYTES

    async def sync(self) -> None:
        cache, me = self.cache, self.me
        departments = buddy_pb2.IMDepartmentReq(
            user_id=me, latest_update_time=cache.departments_stamp
        )
        self.keep_departments(await self.call(departments, buddy_pb2.IMDepartmentRsp))
        await self.sync_people(cache.people_stamp)
        since = cache.sessions_stamp
        sessions = buddy_pb2.IMRecentContactSessionReq(user_id=me, latest_update_time=since)
        self.keep_sessions(await self.call(sessions, buddy_pb2.IMRecentContactSessionRsp))
        versions = await self.list_groups()
        known = cache.group_versions
        changed = [group for group in versions if versions[group] != known.get(group)]
        await self.sync_groups(dict.fromkeys(changed, 0))
        await self.sync_unread()
        await self.sync_groups(
            {
                number: known.get(number, 0)
                for kind, number in cache.sessions
                if kind == SessionType.GROUP
            }
        )
        for key in cache.unread:
            await self.sync_page(key, cache.sessions[key].latest_msg_id, PAGE)

    def keep_people(self, answer: buddy_pb2.IMAllUserRsp, *, asked_since: int) -> None:
        if answer.user_id == self.user_id:
            super().keep_people(answer, asked_since=asked_since)

    def keep_departments(self, answer: buddy_pb2.IMDepartmentRsp) -> None:
        if answer.user_id == self.user_id:
            super().keep_departments(answer)

    def text(self, peer_id: int, content: bytes) -> message_pb2.IMMsgData:
        message = super().text(peer_id, content)
        message.create_time = int(time.time())
        return message

    def delivery_ack(self, message: message_pb2.IMMsgData) -> message_pb2.IMMsgDataAck:
        return message_pb2.IMMsgDataAck(
            user_id=message.from_user_id,
            session_id=self.user_id,
            msg_id=message.msg_id,
            session_type=SessionType.SINGLE.value,
        )
