"""The nearest name: another spelling, a neighbour by number, a slip; silence where nothing is near."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

import balloonlab as bl
from balloonlab.foundations.errors import UnknownNameError
from balloonlab.foundations.nearest_name import nearest_name

KNOWN = ["linux-3.6", "v9", "v10", "v11", "linux-3.8", "linux-6.1", "linux-7.2"]


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("linux-6.2", "It lies between 'linux-6.1' and 'linux-7.2'."),
        ("6.2", "It lies between 'linux-6.1' and 'linux-7.2'."),
        ("linux-3.7", "It lies between 'linux-3.6' and 'linux-3.8'."),
        ("linux-6.12", "It lies between 'linux-6.1' and 'linux-7.2'."),  # 12 is more than 1
        ("linux-2.6", "The nearest is 'linux-3.6'."),
        ("linux-9", "The nearest is 'linux-7.2'."),
        ("v8", "The nearest is 'v9'."),
        ("v12", "The nearest is 'v11'."),
        ("8", "The nearest is 'v9'."),
        ("6.1", "Did you mean 'linux-6.1'?"),
        ("v6.1", "Did you mean 'linux-6.1'?"),
        ("lunix-6.1", "Did you mean 'linux-6.1'?"),
        ("linux-6.1.192", "Did you mean 'linux-6.1'?"),
        ("linux-6", "Did you mean 'linux-6.1'?"),
        ("linux-3", "Did you mean 'linux-3.6' or 'linux-3.8'?"),
        ("V10", "Did you mean 'v10'?"),
        ("Linux 6.1", "Did you mean 'linux-6.1'?"),
        ("linux-3,6", "Did you mean 'linux-3.6'?"),
        ("linuks-3.6", "Did you mean 'linux-3.6'?"),
        ("", ""),
        ("windows", ""),
        ("v" * 100_000, ""),
        ("linux-" + "9" * 30, ""),
    ],
)
def test_the_nearest_version(name: str, sentence: str) -> None:
    assert nearest_name(name, KNOWN) == sentence


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("Inflate", "Did you mean 'inflate'?"),
        ("fill_out_of_memory", "Did you mean 'fill-out-of-memory'?"),
        ("deflat", "Did you mean 'deflate'?"),
        ("vballoon2", "Did you mean 'vballoon'?"),
        ("compact9", "The nearest is 'compact2'."),
        ("cpu1", ""),
    ],
)
def test_the_nearest_of_other_names(name: str, sentence: str) -> None:
    known = ["inflate", "deflate", "fill-out-of-memory", "vballoon", "compact1", "compact2"]
    assert nearest_name(name, known) == sentence


@given(st.text(), st.lists(st.text(max_size=12) | st.sampled_from(KNOWN)))
def test_any_name_has_a_sentence_that_names_known_ones(name: str, known: list[str]) -> None:
    sentence = nearest_name(name, known)
    assert sentence == "" or any(repr(each) in sentence for each in known)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("linux-6.2", "between 'linux-6.1' and 'linux-7.2'"),
        ("linux-4.9", "between 'linux-4.8' and 'linux-4.15'"),  # kernels for one defect each
        ("v8", "nearest is 'v9'"),
        ("6.1", "mean 'linux-6.1'"),
        ("V10", "mean 'v10'"),
    ],
)
def test_a_driver_that_nobody_knows(name: str, words: str) -> None:
    with pytest.raises(UnknownNameError, match=words) as raised:
        bl.find_driver(name)
    assert f"known: {', '.join(bl.DRIVERS)}." in str(raised.value)
