"""Who is online where: the sessions of this process, and a mirror of each other gateway's."""

from collections.abc import Collection

from im.delivery.local.sessions import Sessions
from im.types import DeviceClass

# What counts as being online for others (spec/behaviour 7.1); the web client behaves like a PC.
SEEN_BY_OTHERS = DeviceClass.PC | DeviceClass.WEB
_SEEN_CLASSES = (DeviceClass.PC, DeviceClass.WEB)  # to operate on flags takes a microsecond
NOWHERE = DeviceClass(0)

# A user's logins at one gateway: (device class, epoch) each, plain numbers.  The epoch tells which
# of two logins of one class is the later one.
Login = tuple[int, int]
Logins = tuple[Login, ...]

_64_BITS = (1 << 64) - 1


class Mirror:
    """The logins at one gateway, as it told them.

    `digest` is equal for equal contents, whatever the order they came in: two gateways compare a
    number instead of a hundred thousand users.
    """

    __slots__ = ("digest", "logins")

    def __init__(self) -> None:
        self.logins: dict[int, Logins] = {}
        self.digest = 0

    def note(self, user_id: int, logins: Logins) -> Logins:
        """Replace what is known of one user; return what was."""
        before = self.logins.get(user_id, ())
        if logins == before:
            return before
        change = sum(_mixed(user_id, login) for login in logins)
        change -= sum(_mixed(user_id, login) for login in before)
        self.digest = (self.digest + change) & _64_BITS
        if logins:
            self.logins[user_id] = logins
        else:
            del self.logins[user_id]
        return before


def _mixed(user_id: int, login: Login) -> int:
    """Return a number that no other login is likely to have; the same in every process."""
    device, epoch = login
    return ((user_id * 0x9E3779B97F4A7C15) ^ (epoch * 0xC2B2AE3D27D4EB4F + device)) * 0xFF51AFD7ED5


class Presence:
    """Answers for the whole system, from memory."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions
        self._mirrors: dict[str, Mirror] = {}  # by channel

    def devices_of(self, user_id: int) -> DeviceClass:
        """Return the classes of devices the user is connected with, anywhere."""
        devices = int(self._sessions.devices_of(user_id))
        for mirror in tuple(self._mirrors.values()):  # threads ask, too
            for device, _ in mirror.logins.get(user_id, ()):
                devices |= device
        return DeviceClass(devices)

    def is_online(self, user_id: int) -> bool:
        """Tell whether others see the user as online.  Quick: clients ask for 1,000 at a time."""
        for session in self._sessions.of_user(user_id):
            if session.device in _SEEN_CLASSES:
                return True
        for mirror in tuple(self._mirrors.values()):
            for device, _ in mirror.logins.get(user_id, ()):
                if device in _SEEN_CLASSES:
                    return True
        return False

    def channels_of(self, user_ids: Collection[int]) -> list[str]:
        """Return the gateways, other than this one, at which any of the users is."""
        if not self._mirrors:
            return []
        return [
            channel
            for channel, mirror in self._mirrors.items()
            if not mirror.logins.keys().isdisjoint(user_ids)
        ]

    def newest_epoch(self, user_id: int, device: DeviceClass) -> int:
        """Return the epoch of the user's latest known login of a class, 0 if there is none."""
        here = self._sessions.logins_of(user_id)
        elsewhere = (mirror.logins.get(user_id, ()) for mirror in self._mirrors.values())
        epochs = (epoch for logins in (here, *elsewhere) for cls, epoch in logins if cls == device)
        return max(epochs, default=0)

    def mirror(self, channel: str) -> Mirror:
        """Return the mirror of another gateway; a new one is empty."""
        return self._mirrors.setdefault(channel, Mirror())

    def drop(self, channel: str) -> list[int]:
        """Forget a gateway; return those of its users who were seen online."""
        mirror = self._mirrors.get(channel, Mirror())
        seen = [user_id for user_id in mirror.logins if self.is_online(user_id)]
        self._mirrors.pop(channel, None)
        return seen
