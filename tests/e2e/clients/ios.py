"""The iOS client."""

from typing import ClassVar

from im.types import ClientType, SessionType
from im.wire.catalog import Command
from im.wire.pdu import Pdu
from im.wire.proto import buddy_pb2, login_pb2, message_pb2
from tests.e2e.clients.device import Device

PAGE = 20


class IOS(Device):
    """Sends heartbeats as soon as it is connected, and counts on replies having a body."""

    client_type = ClientType.IOS
    client_version = "MAC/2.0-77"
    needs_of_discovery: ClassVar[frozenset[str]] = frozenset(
        {"code", "priorIP", "port", "msfsPrior"}
    )
    pdu_version = 13
    reserved = 1
    names_itself = False
    answers_read_notices = True

    async def arrive(self, name: str) -> None:
        await self.beat()
        await super().arrive(name)

    def look_at(self, pdu: Pdu) -> None:
        super().look_at(pdu)
        assert pdu.body or pdu.command_id == Command.OTHER_HEARTBEAT  # it ignores empty ones

    async def sync(self) -> None:
        cache = self.cache
        is_empty = not cache.people
        await self.sync_people(cache.people_stamp)
        if is_empty:
            await self.sync_people(0)
            token = f"ios:{64 * 'a'}"
            self.send(login_pb2.IMDeviceTokenReq(user_id=self.me, device_token=token))
        since = cache.sessions_stamp
        sessions = buddy_pb2.IMRecentContactSessionReq(user_id=self.me, latest_update_time=since)
        before = {key: session.latest_msg_id for key, session in cache.sessions.items()}
        self.keep_sessions(await self.call(sessions, buddy_pb2.IMRecentContactSessionRsp))
        await self.sync_statuses([self.user_id])  # is my PC on?
        await self.sync_unread()
        for group_id in await self.list_groups():
            await self.sync_groups({group_id: 0})
        for key, session in cache.sessions.items():
            if before.get(key) != session.latest_msg_id:
                await self.sync_page(key, session.latest_msg_id, PAGE)

    def keep_people(self, answer: buddy_pb2.IMAllUserRsp, *, asked_since: int) -> None:
        if asked_since and answer.latest_update_time == asked_since:
            self.cache.news = []  # it looks no further
            return
        super().keep_people(answer, asked_since=asked_since)

    def delivery_ack(self, message: message_pb2.IMMsgData) -> message_pb2.IMMsgDataAck:
        return message_pb2.IMMsgDataAck(
            user_id=0,
            session_id=message.from_user_id,
            msg_id=message.msg_id,
            session_type=SessionType.SINGLE.value,
        )
