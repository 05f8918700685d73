"""Who is online where: the sessions of this process, and a mirror of the other gateways'."""

from collections.abc import Iterable, Iterator

from im.delivery.sessions import Sessions
from im.types import DeviceClass

# What counts as being online for others (spec/behaviour 7.1); the web client behaves like a PC.
SEEN_BY_OTHERS = DeviceClass.PC | DeviceClass.WEB
NOWHERE = DeviceClass(0)


class Presence:
    """Answers for the whole system, from memory."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions
        self._remote: dict[int, dict[str, DeviceClass]] = {}  # user id -> channel -> devices

    def devices_of(self, user_id: int) -> DeviceClass:
        """Return the classes of devices the user is connected with, anywhere."""
        devices = self._sessions.devices_of(user_id)
        for elsewhere in tuple(self._remote.get(user_id, {}).values()):  # threads ask, too
            devices |= elsewhere
        return devices

    def is_online(self, user_id: int) -> bool:
        """Tell whether others see the user as online."""
        return bool(self.devices_of(user_id) & SEEN_BY_OTHERS)

    def channels_of(self, user_ids: Iterable[int]) -> set[str]:
        """Return the gateways, other than this one, at which any of the users is."""
        return {channel for user_id in user_ids for channel in self._remote.get(user_id, ())}

    def local(self) -> Iterator[tuple[int, int]]:
        """Return (user id, devices) of everybody connected here, as plain numbers."""
        return (
            (user_id, int(self._sessions.devices_of(user_id))) for user_id in self._sessions.users()
        )

    def remote_devices(self, channel: str, user_id: int) -> DeviceClass:
        """Return the devices another gateway has of the user."""
        return self._remote.get(user_id, {}).get(channel, NOWHERE)

    def set_remote(self, channel: str, user_id: int, devices: DeviceClass) -> None:
        """Note what another gateway says of one user."""
        if devices:
            self._remote.setdefault(user_id, {})[channel] = devices
            return
        where = self._remote.get(user_id, {})
        where.pop(channel, None)
        if not where:
            self._remote.pop(user_id, None)

    def drop_remote(self, channel: str) -> list[int]:
        """Forget a gateway; return the users whom nobody sees online any more."""
        users = [user_id for user_id, where in self._remote.items() if channel in where]
        seen = [user_id for user_id in users if self.is_online(user_id)]
        for user_id in users:
            self.set_remote(channel, user_id, NOWHERE)
        return [user_id for user_id in seen if not self.is_online(user_id)]
