"""Stamps: the second since which a client asks for what has changed, and how far it is believed.

A stamp is meant to be one that the client was given.  But it may come from another clock: the
server's, before that was set back, or the client's own.
"""

import time

# How far back an impossible stamp is answered: further than clocks differ where somebody sets them,
# not so far that it brings much again.
FUTURE_REACH_S = 15 * 60
# How much later than the server's time a client's own may be; phones are set by their network.
CLOCK_MARGIN_S = 5 * 60


def believed(since: int) -> int:
    """Return the second to answer from: one before now for a stamp of the future.

    Stamp 0, which a client has that knows nothing yet, stays.
    """
    now = int(time.time())
    return since if since <= now else max(now - FUTURE_REACH_S, 1)


def before_other_clock(since: int) -> int:
    """Return the second to answer from when the client read the stamp off its own clock."""
    return max(since - CLOCK_MARGIN_S, 1) if since else 0
