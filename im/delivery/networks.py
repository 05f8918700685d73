"""Who is connected from where."""


class PeopleByNetwork:
    """How many connections each user has from each network."""

    def __init__(self) -> None:
        self._users: dict[str, dict[int, int]] = {}

    def add(self, network: str, user_id: int) -> None:
        """Count a connection."""
        users = self._users.setdefault(network, {})
        users[user_id] = users.get(user_id, 0) + 1

    def remove(self, network: str, user_id: int) -> None:
        """Count a connection no longer."""
        users = self._users[network]
        users[user_id] -= 1
        if not users[user_id]:
            del users[user_id]
        if not users:
            del self._users[network]

    def count(self, network: str) -> int:
        """Return how many people are connected from a network."""
        return len(self._users.get(network, ()))
