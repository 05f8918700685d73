"""Whether people are connected from a network, at any gateway: others there upload nothing."""

import time
from collections.abc import Awaitable, Callable

from django.conf import settings

from im.delivery.node import here
from im.delivery.remote import control
from im.delivery.remote.control_client import Answers, ask_from_loop

KNOWN_S = 10.0  # so long it is remembered that people are there
UNKNOWN_S = 1.0  # and that nobody is: somebody may log in at any moment
STALE_S = 600.0  # what was known counts for so long while gateways can't be asked
MOST_KNOWN = 10_000
MOST_ASKING = 8  # questions to gateways at once: strangers have no means to make more

Ask = Callable[[str, str], Awaitable[Answers]]


async def people_at(network: str) -> int:
    """Return how many people are connected from a network, at any gateway; 0 if nobody can tell."""
    if settings.REDIS_URL:
        return await _elsewhere.people_at(network)
    node = here()
    return node.sessions.people_at(network) if node is not None else 0


class Origins:
    """Asks gateways, and remembers for a moment what they said."""

    def __init__(self, ask: Ask, clock: Callable[[], float] = time.monotonic) -> None:
        self._ask = ask
        self._clock = clock
        self._known: dict[str, tuple[int, float]] = {}  # network -> people, when it was asked
        self._asking = 0

    def __len__(self) -> int:
        return len(self._known)

    async def people_at(self, network: str) -> int:
        """Return how many people are connected from a network.

        Where gateways can't be asked the last answer counts, if it is not too old.
        """
        people, asked_at = self._known.get(network, (0, -STALE_S))
        age_s = self._clock() - asked_at
        if age_s < (KNOWN_S if people else UNKNOWN_S):
            return people
        found = await self._found(network)
        if found is None:
            return people if age_s < STALE_S else 0
        self._known.pop(network, None)
        while len(self._known) >= MOST_KNOWN:
            del self._known[next(iter(self._known))]
        self._known[network] = found, self._clock()
        return found

    async def _found(self, network: str) -> int | None:
        """Return the people at all gateways; None: who answered has none, and not all have."""
        if self._asking >= MOST_ASKING:
            return None
        self._asking += 1
        try:
            answers = await self._ask(control.PEOPLE_AT, network)
        finally:
            self._asking -= 1
        people = sum(said for said in answers.said.values() if isinstance(said, int))
        return people if people or not (answers.is_cut_off or answers.silent) else None


_elsewhere = Origins(ask_from_loop)
