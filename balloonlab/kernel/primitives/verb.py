"""What a primitive is: one statement of driver text that touches shared state, as a value.

Driver code yields primitives. A primitive names its verb and its arguments and nothing else: it can be compared,
printed, put in a table. Its verb holds the one definition of when it may happen (`enabled`) and of what it does
(`effect`). The same value is the event in the log, the label of an edge in the state graph, and what a panel marks.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from balloonlab.kernel.not_a_value import stands_for_a_value
from balloonlab.kernel.world import Ref

if TYPE_CHECKING:
    from balloonlab.kernel.world import World

TOUCHED = {
    "lists": "page states, free lists, the balloon's and the compactor's lists, types of pageblocks",
    "references": "reference counts of pages",
    "marks": "PageFlag bits of pages",
    "page locks": "lock bits of pages",
    "pfns": "the driver's array of PFNs",
    "messages": "messages that are under way",
    "beliefs": "what the host believes, and what it has given back",
    "scanners": "positions and counts of a compactor",
    "own sleep": "whether this thread is asleep",
    "interrupts": "whether interrupts are off on this thread's CPU, where one may come in (primitives/interrupts.py)",
    "all sleeps": "which threads are asleep",
    "tallies": "numbers that are kept for statistics only",
}
Effect = Callable[..., Any]
Enabled = Callable[..., bool]
Blocker = Callable[..., "Blocked"]


class Blocked(NamedTuple):
    """Why a primitive cannot happen now.

    status: "blocked" (on a lock), "asleep" (on a queue) or "idle" (nothing to do). on: what it waits for. holder: the
    thread number of who holds that, -1 for nobody in particular.
    """

    status: str
    on: str
    holder: int = -1


class Verb:
    """A kind of primitive: its kernel name, its effect, when it is enabled, what blocks it.

    naps: the statement lets time pass (msleep); a run that looks for rest stops there. rests: who waits here has
    nothing to do (an idle worker, a host without messages). prints: it may print to the kernel's log. touches: shared
    state that it reads or writes beside the locks and numbers among its arguments, by the names of TOUCHED; "counter":
    it changes those numbers and its result tells nothing of them.
    """

    def __init__(
        self,
        effect: Effect,
        enabled: Enabled | None,
        blocker: Blocker | None,
        *,
        naps: bool,
        rests: bool,
        prints: bool,
        touches: tuple[str, ...],
    ) -> None:
        self.name = effect.__name__
        self.effect = effect
        self.enabled = enabled
        self.blocker = blocker
        self.naps = naps
        self.rests = rests
        self.prints = prints
        self.touches = touches
        self.doc = inspect.getdoc(effect) or ""
        self.wants = tuple(inspect.signature(effect).parameters.values())[2:]  # after world and thread
        self.parameters = tuple(parameter.name for parameter in self.wants)

    def __repr__(self) -> str:
        return f"<verb {self.name}>"


def _untaken(primitive: Primitive) -> str:
    call = f"{primitive.verb.name}({', '.join(primitive.verb.parameters)})"
    return f"{call} is a step that has not been taken, not what it returns; write `(yield {call})`."


@stands_for_a_value(_untaken, keeps=("iter",))  # whoever yields from it is told by wrong_yield.py
class Primitive(NamedTuple):
    """One shared-state statement: a verb and its arguments (Refs, page PFNs, numbers)."""

    verb: Verb
    args: tuple[Any, ...]

    def enabled(self, world: World, thread: int) -> bool:
        """Whether `thread` could perform it now."""
        test = self.verb.enabled
        return test is None or test(world, thread, *self.args)

    def blocked(self, world: World, thread: int) -> Blocked:
        """What stands in the way; only asked while not enabled."""
        assert self.verb.blocker is not None
        return self.verb.blocker(world, thread, *self.args)

    def __str__(self) -> str:
        shown = ", ".join(_word(name, arg) for name, arg in zip(self.verb.parameters, self.args, strict=False))
        return f"{self.verb.name}({shown})"


def _word(parameter: str, arg: object) -> str:
    if isinstance(arg, Ref):
        return arg.name
    if parameter == "page" and isinstance(arg, int):
        return f"page {arg:#x}"
    if isinstance(arg, tuple):
        return f"{len(arg)} PFNs"
    return str(arg)


def primitive(
    enabled: Enabled | None = None,
    blocker: Blocker | None = None,
    *,
    naps: bool = False,
    rests: bool = False,
    prints: bool = False,
    touches: tuple[str, ...] = (),
) -> Callable[[Effect], Callable[..., Primitive]]:
    """Make a verb of an effect function ``(world, thread, *arguments) -> result``.

    The decorated name, called with the arguments alone, returns the Primitive value. Without `enabled` the primitive
    can always happen.
    """

    def decorate(effect: Effect) -> Callable[..., Primitive]:
        verb = Verb(effect, enabled, blocker, naps=naps, rests=rests, prints=prints, touches=touches)
        make = tuple.__new__

        def build(*args: Any) -> Primitive:  # noqa: ANN401
            return make(Primitive, (verb, args))

        build.__name__ = build.__qualname__ = verb.name
        build.__doc__ = verb.doc
        build.verb = verb  # type: ignore[attr-defined]
        return build

    return decorate
