"""How long a widget lives: while somebody holds it, looks at it, or could look at it again.

ipywidgets keeps every widget for good, and IPython whatever a cell showed: a cell run twelve times would keep twelve
guests. So a widget of ours is let go once every cell that showed it has been run again and no view of it is left. Who
holds it by a name keeps it, and can show it again.
"""

from __future__ import annotations

import gc
import weakref
from collections.abc import MutableMapping, Sequence
from typing import Any, Protocol
from weakref import WeakSet

from IPython.core.getipython import get_ipython
from ipywidgets.widgets import widget as registry

_INSTANCES: MutableMapping[str, Any] = registry._instances  # noqa: SLF001  (what ipywidgets keeps has no other name)


class Mortal(Protocol):
    """A widget that can be let go.

    views: of it, that are there. cells: whose output shows it; None among them if nobody knows which one does. kept:
    by ipywidgets, so that it outlives those who hold it. parts: widgets that live as long. let_go: called when it is
    kept no longer.
    """

    comm: Any
    views: dict[str, Any]
    cells: set[object]
    kept: bool
    parts: Sequence[Any]

    def let_go(self) -> None: ...


class Lifetimes:
    """The widgets that live by this rule, in the shell whose cells show them."""

    def __init__(self) -> None:
        self._widgets: WeakSet[Mortal] = WeakSet()
        self._shell: Any = None
        self._in_cell = False

    def follow(self, widget: Mortal) -> None:
        """A new widget; ipywidgets keeps it already."""
        self._widgets.add(widget)
        for each in (widget, *widget.parts):
            _hear_weakly(each)
        shell = get_ipython()
        if shell is not None and shell is not self._shell:
            self._shell, self._in_cell = shell, True
            shell.events.register("pre_run_cell", self._begins)
            shell.events.register("post_run_cell", self._ends)

    def show(self, widget: Mortal) -> None:
        """The widget is shown by the cell that runs."""
        widget.cells.add(_cell())
        self.keep(widget)

    def keep(self, widget: Mortal) -> None:
        """From now on the widget lives without anybody's holding it."""
        if widget.comm is not None:
            for each in (widget, *widget.parts):
                _INSTANCES[each.comm.comm_id] = each
            widget.kept = True

    def look_around(self) -> None:
        """Let go what nobody can look at any more; a cell that runs may be about to show it."""
        gone = False
        while not self._in_cell and any(self._let_go(widget) for widget in list(self._widgets)):
            gone = True  # and with a container what it held, in the next round
        if gone:
            gc.collect()  # a guest is full of circles, and large

    def _begins(self, *_info: object) -> None:
        self._in_cell = True
        cell = _cell()
        if cell is not None:
            for widget in list(self._widgets):
                widget.cells.discard(cell)

    def _ends(self, *_result: object) -> None:
        self._in_cell = False
        self.look_around()

    def _let_go(self, widget: Mortal) -> bool:
        if not widget.kept or widget.cells or widget.views or _in_another(widget):
            return False
        widget.kept = False
        for each in (widget, *widget.parts):
            if each.comm is not None:
                _INSTANCES.pop(each.comm.comm_id, None)
        if self._shell is not None:
            _forget_output(self._shell, widget)
        widget.let_go()
        return True


def _hear_weakly(widget: Any) -> None:  # noqa: ANN401
    """Let the widget go though ipykernel keeps every comm: a comm is not to keep what it is of."""
    handle = weakref.WeakMethod(widget._handle_msg)  # noqa: SLF001  (what ipywidgets calls has no other name)
    widget.comm.on_msg(lambda message: (known := handle()) and known(message))


def _cell() -> object:
    """The cell that runs, as its front end names it; None if it does not."""
    asks = getattr(get_ipython(), "get_parent", None)
    return asks().get("metadata", {}).get("cellId") if asks else None


def _in_another(widget: Mortal) -> bool:
    """Whether a container holds it, which may be shown."""
    return any(child is widget for other in list(_INSTANCES.values()) for child in getattr(other, "children", ()))


def _forget_output(shell: Any, widget: Mortal) -> None:  # noqa: ANN401
    """Take the widget out of what IPython notes of results: Out, _3, _ and so on, all of it twice."""
    hook, results = shell.displayhook, shell.user_ns.get("_oh", {})
    for number in [number for number, result in results.items() if result is widget]:
        del results[number]
        _forget_name(shell, f"_{number}", widget)
    for name in ("_", "__", "___"):
        if getattr(hook, name, None) is widget:
            setattr(hook, name, "")
            _forget_name(shell, name, widget)


def _forget_name(shell: Any, name: str, widget: Mortal) -> None:  # noqa: ANN401
    for names in (shell.user_ns, shell.user_ns_hidden):
        if names.get(name) is widget:
            del names[name]


LIFETIMES = Lifetimes()
