"""How long a broken engine may hold this process up, in all."""
from __future__ import annotations

import time


class Budget:
    """Seconds that may be spent on waiting for something that does not answer. Waiting that was answered costs nothing.

    `allowed`: all that was ever granted; `spent` never exceeds it by more than what one waiting takes too long to wake up.
    One thread (the test thread) spends; any thread may look.
    """

    def __init__(self, seconds: float, clock=time.monotonic):
        self._clock = clock
        self.allowed, self.spent = seconds, 0.0

    def left(self) -> float:
        return max(0.0, self.allowed - self.spent)

    def spend(self, seconds: float) -> None:
        self.spent += seconds

    def add(self, seconds: float) -> None:
        self.allowed += seconds

    def limit(self, seconds: float) -> None:
        """From now on so many, whatever was left."""
        self.allowed = self.spent + seconds

    def attempt(self, action, patience: float):
        """Calls `action(seconds it may take)`, which returns (answered, result); the time it took is spent unless it was answered."""
        begin = self._clock()
        answered, result = action(min(patience, self.left()))
        if not answered:
            self.spend(self._clock() - begin)
        return result
