"""What a notebook keeps of each figure it shows: the picture on a card, and what it says in words."""

from __future__ import annotations

from typing import Any

from IPython.core.getipython import get_ipython
from matplotlib.figure import Figure

from balloonlab.plots.alternative_text import alternative_text
from balloonlab.plots.card import lay_on_card


def dress_figures() -> None:
    """From now on every figure that this IPython shows has its card and its text, a learner's own figures too."""
    shell = get_ipython()
    if shell is not None and shell.display_formatter is not None:
        shell.display_formatter.mimebundle_formatter.for_type_by_name("matplotlib.figure", "Figure", _dress)


def _dress(figure: Figure) -> tuple[dict[str, Any], dict[str, Any]]:
    """No data, which other formatters make after this one; and the text, where nbconvert and other readers look."""
    lay_on_card(figure)
    text = alternative_text(figure)
    return {}, {"image/png": {"alt": text}} if text else {}
