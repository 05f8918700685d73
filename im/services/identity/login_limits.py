"""How often one may be wrong at a login, and how long one waits after that.  No clock, no memory.

Three counts look at one attempt: of the name from this address, of the name from everywhere, and of
the address for all names.  Beyond what is allowed each failure makes the next wait twice as long.
Two of them can be driven up by strangers, so they wait for seconds only, and not at all where this
name has logged in from this address before: nobody keeps a colleague out from elsewhere.
"""

from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from django.conf import settings

FIRST_WAIT_S = 15.0  # of a name from one address
# Of what strangers can drive up: a few thousand guesses a day, and a wait that people bear.
FIRST_SHARED_WAIT_S, LONGEST_SHARED_WAIT_S = 1.0, 15.0
_MOST_DOUBLINGS = 30


@dataclass(frozen=True, slots=True)
class Limit:
    """`allowed` failures cost nothing (0: no limit); waits grow from `first_s` to `longest_s`."""

    allowed: int
    first_s: float
    longest_s: float

    def is_exceeded(self, failures: int) -> bool:
        """Tell whether so many failures make one wait."""
        return 0 < self.allowed < failures

    def wait_s(self, failures: int) -> float:
        """Return how long after the last of so many failures the next attempt is looked at."""
        if not self.is_exceeded(failures):
            return 0.0
        doublings = min(failures - self.allowed - 1, _MOST_DOUBLINGS)
        return min(self.longest_s, self.first_s * 2.0**doublings)


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of one kind of login; failures are forgotten after `window_s` without another."""

    pair: Limit
    name: Limit
    address: Limit
    window_s: int


class Attempt(NamedTuple):
    """One attempt, checked; `address` as `home_of` returns it."""

    name: str
    address: str
    is_right: bool


class Verdict(Enum):
    """What becomes of an attempt.  A blocked one does not hear whether it was right."""

    ADMITTED = 0
    WRONG = 1
    BLOCKED = 2


class Blocked(NamedTuple):
    """Who has to wait: a name from an address, a name from everywhere ("") or an address ("")."""

    name: str
    address: str
    failures: int
    last_at: float  # unix seconds
    wait_s: float  # from now; 0: the next failure will make it wait


def people_limits() -> Limits:
    """Return the limits of the messenger's logins."""
    return Limits(
        Limit(settings.IM_LOGIN_FAILURES, FIRST_WAIT_S, settings.IM_LOGIN_DELAY_SECONDS),
        _shared(settings.IM_LOGIN_NAME_FAILURES),
        _shared(settings.IM_LOGIN_ADDRESS_FAILURES),
        settings.IM_LOGIN_FAILURE_WINDOW_SECONDS,
    )


def console_limits() -> Limits:
    """Return the limits of the console's logins; axes counts names from one address."""
    return Limits(
        Limit(0, 0, 0),
        _shared(settings.IM_LOGIN_NAME_FAILURES),
        _shared(settings.IM_LOGIN_ADDRESS_FAILURES),
        settings.IM_LOGIN_FAILURE_WINDOW_SECONDS,
    )


def _shared(allowed: int) -> Limit:
    return Limit(allowed, FIRST_SHARED_WAIT_S, LONGEST_SHARED_WAIT_S)
