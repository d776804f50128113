"""The invariants of drivers/invariants.py as properties that an exploration watches.

I3 (no finished call holds a lock) is built into the explorer, for every program.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from balloonlab.drivers import invariants as checks
from balloonlab.explore.learn.subject import Property
from balloonlab.foundations.errors import pick
from balloonlab.foundations.words import counted
from balloonlab.guest.guest import Guest


def check_target(guest: Guest) -> None:
    """At rest: the balloon holds what the host wants, in whole guest pages."""
    ppp = guest.world.pages_per_page
    wanted = -(-guest.host.target // ppp) * ppp
    held = guest.balloon_pages
    assert held == wanted, f"everybody rests, and the balloon holds {held} of {counted(wanted, 'balloon page')}"


def invariants(guest: Guest, names: Sequence[str]) -> tuple[Property, ...]:
    """Those of the named invariants as properties of this guest's machine.

    I1, I2, I4, I5, I6, "told first" (what MUST_TELL_HOST promises) and "target".
    """
    world, vb = guest.world, guest.vb
    target = world.values.names[world.host.target_slot]
    known: dict[str, tuple[str, tuple[str, ...], Callable[[], None]]] = {
        "I1": ("between rounds", ("lists", "num_pages"), lambda: checks.check_i1(world, vb)),
        "I2": ("always", ("lists", "references"), lambda: checks.check_i2(world, vb)),
        "I2 between rounds": (
            "between rounds",
            ("lists", "references", "marks"),
            lambda: checks.check_i2_at_rest(world, vb),
        ),
        "I4": ("between rounds", ("lists", *vb.vmstat), lambda: checks.check_i4(world, vb)),
        "I5": ("always", ("lists", "beliefs"), lambda: checks.check_i5(world)),
        "told first": ("always", ("lists", "beliefs"), lambda: checks.check_told_first(world)),
        "I6": (
            "between rounds",
            ("beliefs", "num_pages", world.values.names[world.host.actual_slot]),
            lambda: checks.check_i6(world, vb),
        ),
        "target": ("at rest", ("num_pages", target), lambda: check_target(guest)),
    }
    made = []
    for name in names:
        when, reads, check = known[pick("invariant", name, list(known))]
        made.append(Property(name, "invariant", when, reads, check))
    return tuple(made)
