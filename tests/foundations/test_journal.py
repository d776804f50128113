"""The journal: undo and redo are exact, values are named slots."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from balloonlab.foundations.journal import Journal, Kind, Values


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(-5, 5)), max_size=30), st.data())
def test_undo_and_redo_of_any_stretch(changes: list[tuple[int, int]], data: st.DataObject) -> None:
    journal = Journal()
    values = Values(journal)
    for name in "abcd":
        values.declare(name)
    journal.recording = True
    moments = [list(values.numbers)]
    lengths = [0]
    for slot, number in changes:
        values.set(slot, number)
        moments.append(list(values.numbers))
        lengths.append(len(journal))
    back = data.draw(st.integers(0, len(changes)))
    journal.undo(lengths[back], len(journal))
    assert values.numbers == moments[back]
    ahead = data.draw(st.integers(back, len(changes)))
    journal.redo(lengths[back], lengths[ahead])
    assert values.numbers == moments[ahead]


def test_an_unchanged_value_is_no_entry() -> None:
    journal = Journal()
    values = Values(journal)
    slot = values.declare("num_pages", 7, "4 KiB pages")
    journal.recording = True
    values.set(slot, 7)
    assert len(journal) == 0
    values["num_pages"] = 8
    assert (journal.kinds[0], journal.keys[0], journal.old[0], journal.new[0]) == (Kind.VALUE, slot, 7, 8)


def test_declaring_again_keeps_the_number() -> None:
    values = Values(Journal())
    slot = values.declare("actual", 3)
    assert values.declare("actual", 99) == slot
    assert values["actual"] == 3


def test_truncate_forgets_the_tail() -> None:
    journal = Journal()
    for key in range(5):
        journal.note(Kind.STATE, key, 0, 1)
    journal.truncate(2)
    assert list(journal.keys) == [0, 1]
