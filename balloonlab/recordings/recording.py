"""A recording and what the engine says to it: rules checked, a compaction predicted, its work done again."""

from __future__ import annotations

from balloonlab.drivers import Driver
from balloonlab.guest.guest import Guest
from balloonlab.recordings.check import Check, check
from balloonlab.recordings.follow import Stage, follow
from balloonlab.recordings.predict import Prediction, predict_compaction
from balloonlab.recordings.recorded_guest import RecordedGuest
from balloonlab.recordings.rules import find_rules


class Recording(RecordedGuest):
    """What a real guest did (attributes as RecordedGuest's), and this package's engine beside it."""

    def check(self, driver: str | Driver = "linux-6.1") -> Check:
        """Hold every message and config event against the rules of `driver` (rules.py).

        A recorded guest ran Linux 6.1; another driver's rules show where that driver would have behaved otherwise.
        UnknownNameError for a driver nobody knows, BadValueError for an edited one.
        """
        rules = find_rules(driver)
        bits = self.meta.get("balloon_feature_bits_negotiated")
        features = frozenset(bit for bit in bits if isinstance(bit, int)) if isinstance(bits, list) else None
        return check(self.name, self.messages, self.config, self.list_events, rules, told=self.told, features=features)

    def predict_compaction(self, before: str, after: str) -> Prediction:
        """The engine's run of compact_memory from snapshot `before`, beside what the guest did until `after`.

        UnknownNameError for a snapshot that is not here, BadValueError if no compact_memory ran between the two.
        """
        return predict_compaction(self, before, after)

    def follow(self) -> list[Stage]:
        """The engine's free blocks beside the guest's, from each snapshot to the next (follow.py)."""
        return follow(self)

    def snapshot(self, name: str, driver: str | Driver = "v9") -> Guest:
        """A guest of this package that begins as the real one was at that snapshot, its target reached."""
        balloon = self.balloon(name)
        return Guest.from_states(
            self.snapshot_states(name),
            driver=driver,
            pageblock_types=self.snapshot_block_types(name),
            balloon=balloon,
            target=len(balloon),
        )
