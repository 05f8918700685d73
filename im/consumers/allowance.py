"""How often something may be done: an allowance that fills with time."""

# The loop's clock ticks in milliseconds: a shorter timer only goes round in circles until it does.
MIN_PAUSE_S = 0.001


class Allowance:
    """What may be done at once, at most what a second brings; full when first asked.

    `rate` is per second, 0 for no bound.
    """

    __slots__ = ("_asked_at", "_left", "_rate")

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._left = 0.0
        self._asked_at = float("-inf")

    def take(self, now: float) -> float:
        """Take one and return 0, or return in how many seconds there is one.

        `now` is any clock's seconds.
        """
        rate = self._rate
        if not rate:
            return 0.0
        self._left = min(rate, self._left + (now - self._asked_at) * rate)
        self._asked_at = now
        if self._left < 1:
            return max(MIN_PAUSE_S, (1 - self._left) / rate)
        self._left -= 1
        return 0.0
