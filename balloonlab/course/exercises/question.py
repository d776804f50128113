"""A question with a number for an answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from balloonlab.foundations.errors import whole_number
from balloonlab.foundations.said import Said, in_lines
from balloonlab.foundations.typed import typed_number


@dataclass(frozen=True, repr=False)
class Question(Said):
    """One question. text: what is asked. truth: runs the model. why: the reason, given once somebody has answered.

    most, unit: an answer is a whole number from 0 to `most`, of these. hint: what a wrong answer is told, from (given,
    truth).
    """

    name: str
    text: str
    most: int
    unit: str
    truth: Callable[[], int]
    why: str
    hint: Callable[[int, int], str]

    def check(self, answer: float | str | None) -> str:
        """What to say to an answer (None: not answered yet). Raises BadValueError for what cannot be one.

        4, 4.0 and " 4 " are the same answer.
        """
        if answer is None:
            return "Not answered yet: put your prediction in place of None and run the cell again."
        number = typed_number(answer) if isinstance(answer, str) else answer
        whole = int(number) if isinstance(number, float) and number.is_integer() else number
        legal = type(whole) is int and 0 <= whole <= self.most
        given = whole_number("your answer", whole if legal else answer, 0, self.most, self.unit)
        truth = self.truth()
        if given == truth:
            return in_lines(f"Yes, {truth:,}. {self.why}")
        return in_lines(f"Not {given:,}. {self.hint(given, truth)}")
