"""Every verb has its sentence, and sentences say what happened."""

from __future__ import annotations

import re

import pytest

import balloonlab as bl
from balloonlab.drivers import DRIVERS
from balloonlab.kernel import primitives
from balloonlab.kernel.primitives import compaction, devices, interrupts
from balloonlab.kernel.primitives.verb import Verb
from balloonlab.kernel.sentences import FINDS, SENTENCES, sentence
from balloonlab.kernel.timeline import NONE


def verbs() -> dict[str, Verb]:
    made = [
        getattr(thing, "verb", None)
        for room in (primitives, compaction, devices, interrupts)
        for thing in vars(room).values()
    ]
    return {verb.name: verb for verb in made if isinstance(verb, Verb)}


def test_every_verb_has_a_sentence_and_every_sentence_a_verb() -> None:
    outside = {"set_target", "compact", "request_stats", "begin", "load", "unload", "suspend", "resume"}
    assert SENTENCES.keys() - outside == verbs().keys()


def test_a_sentence_asks_only_for_what_its_verb_has() -> None:
    needs = {"page": "page", "other": "newpage"}
    for name, verb in verbs().items():
        told = SENTENCES[name]
        for text in (told,) if isinstance(told, str) else told:
            for field in re.findall(r"{(\w+)}", text):
                assert needs.get(field, verb.parameters[0] if verb.parameters else "") in verb.parameters, (name, field)


SAYS_NO = re.compile(r"\b(no|not|nothing|nobody|cannot|empty|ends?|already)\b")
OTHERWISE = {  # what the result of others tells: a word of the first sentence
    "bug_on": "impossible",
    "warn_on": "complains",
    "free_page": "not the last",
    "put_page": "not the last",
    "virtqueue_add_outbuf": "is gone",
}


def test_of_two_sentences_the_second_is_for_nothing() -> None:
    for name, told in SENTENCES.items():
        if name in OTHERWISE:
            assert OTHERWISE[name] in told[0]
        elif not isinstance(told, str):
            assert [bool(SAYS_NO.search(text)) for text in told] == [False, True], name


@pytest.mark.parametrize("driver", sorted(DRIVERS))
def test_a_whole_run_can_be_told(driver: str) -> None:
    guest = bl.Guest(1024, driver, engine="steps")
    guest.workload("random", fraction=0.3)
    guest.machine.record()
    guest.inflate(300)
    guest.deflate(100)
    guest.compact()
    line = guest.machine.timeline
    told = {sentence(line, step, guest.machine.names) for step in range(len(line))}
    assert all(text.endswith(".") and not any(bad in text for bad in ("{", "-0x", f"{NONE:,}")) for text in told)
    assert "The host asks for a balloon of size 300." in told


def test_sentences_of_a_fill_by_hand() -> None:
    guest = bl.Guest(64, "v9", engine="steps")
    guest.machine.record()
    guest.inflate(1)
    line = guest.machine.timeline
    told = [sentence(line, step, guest.machine.names) for step in range(len(line))]
    page = guest.balloon_list[0]
    assert f"vballoon takes page {page:#x} from free memory." in told
    assert f"vballoon puts page {page:#x} on the list pages." in told
    assert f"vballoon locks page {page:#x}." in told


def test_page_0_is_a_page_that_can_be_found() -> None:
    assert {"alloc_page", "list_first", "compaction_alloc"} <= FINDS
    states = [bl.PageState.FREE] + [bl.PageState.UNMOVABLE] * 3
    guest = bl.Guest.from_states(states, "v9", engine="steps")
    guest.machine.record()
    guest.inflate(1)
    line = guest.machine.timeline
    assert "vballoon takes page 0x0 from free memory." in [
        sentence(line, i, guest.machine.names) for i in range(len(line))
    ]


def test_a_walk_that_leaves_its_list_comes_to_no_page() -> None:
    machine = bl.defects["M2"].case().found_in(bl.defects["M2"].explore("v11")).machine()  # type: ignore[union-attr]
    told = [sentence(machine.timeline, step, machine.names) for step in range(len(machine.timeline))]
    assert "vballoon goes on along the list to something that is no page." in told
    assert not any("-0x" in text for text in told)
