"""The Windows client."""

import time
from typing import ClassVar

from im.types import ClientType
from im.wire.catalog import Command
from im.wire.pdu import Pdu
from im.wire.proto import buddy_pb2, file_pb2, message_pb2
from tests.e2e.clients.device import Device, batches

LOGGING_IN = {Command.LOGIN_RES_USERLOGIN, Command.OTHER_HEARTBEAT}
FIRST_MESSAGE = 700  # a random number up to 1,000
UNREAD_LIST = 0xFF03
STATUS_BATCH = 300
UNREAD_PAGE = 100


class Windows(Device):
    """Numbers logins and messages only; tells lists of messages apart by fixed numbers."""

    client_type = ClientType.WINDOWS
    client_version = "win_10086"
    needs_of_discovery: ClassVar[frozenset[str]] = frozenset(
        {"code", "priorIP", "backupIP", "port", "msfsPrior", "msfsBackup"}
    )
    _last_message = FIRST_MESSAGE

    def number(self, command: Command) -> int:
        if command == Command.LOGIN_REQ_USERLOGIN:
            return self.cache.logins
        if command == Command.MSG_DATA:
            self._last_message = self._last_message % 0xFEFF + 1
            return self._last_message
        return 0

    def look_at(self, pdu: Pdu) -> None:
        super().look_at(pdu)
        # It would swallow anything else of this number.
        assert pdu.seq != self.cache.logins or pdu.command_id in LOGGING_IN

    async def sync(self) -> None:
        cache, me = self.cache, self.me
        old, since = cache.departments_stamp, cache.people_stamp
        self.send(buddy_pb2.IMDepartmentReq(user_id=me, latest_update_time=old))
        self.send(buddy_pb2.IMAllUserReq(user_id=me, latest_update_time=since))
        self.send(
            buddy_pb2.IMRecentContactSessionReq(user_id=me, latest_update_time=cache.sessions_stamp)
        )
        cache.group_versions |= await self.list_groups()
        self.keep_departments(await self.receive(buddy_pb2.IMDepartmentRsp, seq=0))
        cache.departments_stamp = old  # it never learns a new one
        people = await self.receive(buddy_pb2.IMAllUserRsp, seq=0)
        self.keep_people(people, asked_since=since)
        self.keep_sessions(await self.receive(buddy_pb2.IMRecentContactSessionRsp, seq=0))
        self.send(file_pb2.IMFileHasOfflineReq(user_id=me))
        await self.sync_unread()
        for key, count in cache.unread.items():
            newest = cache.sessions[key].latest_msg_id
            await self.sync_page(key, newest, min(count, UNREAD_PAGE), seq=UNREAD_LIST)
        for user_ids in batches(cache.people, STATUS_BATCH):
            await self.sync_statuses(user_ids)

    def text(self, peer_id: int, content: bytes) -> message_pb2.IMMsgData:
        message = super().text(peer_id, content)
        message.create_time = int(time.time())
        return message
