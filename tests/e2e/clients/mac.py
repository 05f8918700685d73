"""The Mac client."""

from typing import ClassVar

from im.types import ClientType
from im.wire.proto import buddy_pb2, message_pb2
from tests.e2e.clients.device import Device, Key

PAGE = 20


class Mac(Device):
    """Names nobody in its requests, and asks for conversations once it has the people."""

    client_type = ClientType.MAC
    client_version = "MAC/1.2-310"
    needs_of_discovery: ClassVar[frozenset[str]] = frozenset(
        {"code", "priorIP", "port", "msfsPrior", "discovery"}
    )
    names_itself = False

    async def sync(self) -> None:
        await self.sync_people(self.cache.people_stamp)
        versions = await self.list_groups()
        sessions = buddy_pb2.IMRecentContactSessionReq(user_id=self.me, latest_update_time=0)
        self.keep_sessions(await self.call(sessions, buddy_pb2.IMRecentContactSessionRsp))
        await self.sync_unread()
        known = self.cache.group_versions
        await self.sync_groups(
            {
                group: known.get(group, 0)
                for group in versions
                if versions[group] > known.get(group, 0)
            }
        )
        departments = buddy_pb2.IMDepartmentReq(user_id=self.me, latest_update_time=0)
        self.keep_departments(await self.call(departments, buddy_pb2.IMDepartmentRsp))
        for key in self.cache.unread:
            await self.open(key)

    async def open(self, key: Key) -> None:
        """Show a conversation: ask for its newest id, then for the page that ends there."""
        request = message_pb2.IMGetLatestMsgIdReq(
            user_id=self.me,
            session_type=key[0],
            session_id=key[1],
        )
        answer = await self.call(request, message_pb2.IMGetLatestMsgIdRsp)
        await self.sync_page(key, answer.latest_msg_id, PAGE)

    def delivery_ack(self, message: message_pb2.IMMsgData) -> None:
        """Say nothing."""
