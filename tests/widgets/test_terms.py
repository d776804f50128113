"""The terms of the stage: one sentence each, and those that the Lab says are among them."""

from __future__ import annotations

import balloonlab as bl
from balloonlab.kernel.primitives.marks import FLAG_WORDS
from balloonlab.memory.palette import PALETTE
from balloonlab.widgets.terms import TERMS
from balloonlab.widgets.wire import Encoder


def test_each_term_has_one_short_sentence() -> None:
    for term, sentence in TERMS.items():
        assert sentence.endswith("."), term
        assert 20 < len(sentence) < 110, term
        assert "\n" not in sentence
    assert len(set(TERMS.values())) == len(TERMS)


def test_states_have_the_palettes_sentence() -> None:
    for look in PALETTE:
        assert TERMS.get(look.word, look.meaning) == look.meaning
    assert {"isolated", "in transit", "set aside"} <= TERMS.keys()


def test_marks_of_a_page_are_terms_or_speak_of_one() -> None:
    for words in FLAG_WORDS.values():
        assert any(term in words for term in TERMS), words


def test_they_cross_with_every_frame() -> None:
    guest = bl.Guest(64)
    guest.machine.record()
    content, _ = Encoder(guest.machine).frame()
    assert content["tables"]["terms"] == TERMS
