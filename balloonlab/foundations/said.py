"""What is shown by its text."""

from __future__ import annotations

from textwrap import fill

WIDTH = 100  # characters of a line; JupyterLab breaks one that is wider than its window amid a word


def in_lines(text: str, indent: int = 0) -> str:
    """The text in lines of at most WIDTH characters; what does not fit goes on below, indented by so many."""
    return "\n".join(fill(line, WIDTH, subsequent_indent=" " * indent) for line in text.splitlines())


class Said:
    """What is shown by its text."""

    text: str

    def __str__(self) -> str:
        return in_lines(self.text)

    def __repr__(self) -> str:
        return str(self)
