"""Questions: the truth comes from the model, and nothing is revealed too early."""

from __future__ import annotations

import pytest

from balloonlab.errors import BadValueError, UnknownNameError
from balloonlab.exercises import QUESTIONS, question

BY_HAND = {"messages": 4, "blocks": 4, "units": 7}


@pytest.mark.parametrize("name", QUESTIONS)
def test_the_model_agrees_with_the_hand(name: str) -> None:
    ask = question(name)
    assert ask.truth() == BY_HAND[name]
    assert ask.check(BY_HAND[name]).startswith(f"Yes, {BY_HAND[name]}.")


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_wrong_answer_gets_a_hint_and_not_the_truth(name: str) -> None:
    ask = question(name)
    for wrong in (BY_HAND[name] + 50, BY_HAND[name] - 1, 100):
        told = ask.check(wrong)
        assert told.startswith(f"Not {wrong}.")
        assert ask.why not in told
    assert ask.check(None).startswith("Not answered yet")


def test_no_number_is_refused() -> None:
    with pytest.raises(BadValueError, match="whole number"):
        question("messages").check("four")  # type: ignore[arg-type]
    with pytest.raises(UnknownNameError, match="messages, blocks, units"):
        question("everything")
