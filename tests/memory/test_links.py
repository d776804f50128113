"""Positions on all lists at once are those that walking each list gives."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from balloonlab.foundations.journal import Journal
from balloonlab.memory.links import Links


@given(st.lists(st.tuples(st.integers(0, 39), st.integers(0, 3), st.booleans()), max_size=100))
def test_ranks_are_what_walking_gives(moves: list[tuple[int, int, bool]]) -> None:
    links = Links(40, 8, Journal())
    heads = [links.new_list(str(i)) for i in range(3)]
    for page, where, first in moves:
        if where < 3:
            (links.add if first else links.add_tail)(page, heads[where])
        elif links.listed(page):
            links.delete(page)
    walked = {page: (head, rank) for head in heads for rank, page in enumerate(links.walk(head), 1)}
    pages, on, ranks = (array.tolist() for array in links.ranks())
    assert pages == sorted(walked)
    assert dict(zip(pages, zip(on, ranks, strict=True), strict=True)) == walked
