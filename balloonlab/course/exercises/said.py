"""What is shown by its text."""

from __future__ import annotations


class Said:
    """What is shown by its text."""

    text: str

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return self.text
