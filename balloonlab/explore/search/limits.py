"""How far a search may go: a number of states, an amount of memory, the patience of whoever waits for it."""

from __future__ import annotations

from dataclasses import dataclass

from balloonlab.foundations.errors import whole_number
from balloonlab.foundations.interrupt import Interruption

BYTES_A_STATE = 160  # of the plain search: an entry in a dict, a whole number, a row of steps


@dataclass
class Limits:
    """states: the most that are looked at. memory: bytes that states and steps may take, about."""

    states: int
    memory: int
    interruption: Interruption | None = None

    @classmethod
    def checked(cls, states: object, memory: object) -> Limits:
        """Limits from what a caller gave; raises BadValueError."""
        why = "An exploration that ends there has not finished."
        most = whole_number("most_states", states, 1, 2**31 - 2, "states", why)
        return cls(most, whole_number("most_memory", memory, 1 << 20, 1 << 50, "bytes", why))

    def reached(self, states: int, taken: int) -> str:
        """Which limit is reached, in words; "" if none is."""
        if self.interruption is not None:
            self.interruption.say(f"{states:,} states so far")
            if self.interruption.asked:
                return f"it was interrupted after {states:,} states"
        if states >= self.states:
            return f"it came to the limit of {self.states:,} states"
        if taken > self.memory:
            return f"it came to the limit of {self.memory >> 20:,} MiB of memory at {states:,} states"
        return ""
