"""The remarks of the mail: where each stands in the patch, what came of it, and the retold line that carries it.

A quotation is a sentence of the mail at most; the verdicts are this course's own, most of them by run.
"""

from __future__ import annotations

from dataclasses import dataclass

from balloonlab.drivers import v9
from balloonlab.drivers.line_notes import Note, hang
from balloonlab.foundations.errors import as_text, pick
from balloonlab.foundations.said import in_lines
from balloonlab.foundations.words import counted

KINDS = ("design", "bug", "style", "wording")
LESSON = "06-the-review"  # the notebook that puts them to the test


@dataclass(frozen=True)
class Remark:
    """One remark.

    name: how it is asked for. patch: the words of the patch that it stands below, and in which function or comment.
    says: the remark, or its core. kind: "design", "bug" (it says that something goes wrong, or may), "style" or
    "wording". verdict: what came of it. section: where notebook 06, on the review, puts it to the test. routine, line:
    the retold line of v9 that it speaks of (how it begins); "" of a comment, which no retold line is: it hangs at the
    routine's first. Without a routine it speaks of the patch as a whole, or of what v9 has no routine for. defects: ids
    in the catalogue. below: the line of the patch that it stands below, by its number in the patched file; 0 for the
    patch as a whole. mail: the one that it stands in, if it is not the review itself but a sister of it in the same
    thread, which quotes no line.
    """

    name: str
    patch: str
    says: str
    kind: str
    verdict: str
    section: str
    routine: str = ""
    line: str = ""
    defects: tuple[str, ...] = ()
    mail: str = ""
    below: int = 0

    @property
    def where(self) -> str:
        """The retold line that carries it, in words, or why none does."""
        if not self.routine:
            return "no retold line: it is not about one"
        return f"{self.routine} of v9, {f'`{self.line}`' if self.line else 'its first line, as it is about a comment'}"

    def __str__(self) -> str:
        stands = self.mail or (f"below line {self.below} of the patched file" if self.below else "")
        lines = (
            f'{self.name} ({self.kind}): "{self.says}"',
            f"on: {self.patch}{f' ({stands})' if stands else ''}",
            f"retold: {self.where}",
            f"verdict: {self.verdict}",
            f'put to the test: notebook {LESSON}, "{self.section}"',
        )
        defects = (f"defects: {', '.join(self.defects)}",) if self.defects else ()
        return in_lines("\n".join((*lines, *defects)), 2)

    @property
    def note(self) -> Note:
        """What a Lab shows of it at its line."""
        return Note(self.name, self.kind, self.says, self.patch, self.verdict, LESSON, self.section)


def _wording(name: str, routine: str, before: str, after: str, below: int) -> Remark:
    return Remark(
        *(name, f"comment on {routine}: {before}", after, "wording", "Right; v10 words it anew."),
        *("Ten remarks on wording", routine, "", ("S5",)),
        below=below,
    )


_ISOLATE, _MIGRATE, _PUTBACK = "virtballoon_isolatepage", "virtballoon_migratepage", "virtballoon_putbackpage"

_REMARKS = (
    Remark(
        "better",
        "the patch as a whole",
        "OK, this looks better.",
        "design",
        "Better than v8, which the author had sent in the same week.",
        "Better than what?",
    ),
    Remark(
        "two atomics",
        "__pages_at_balloon_list: the difference of two atomic_read",
        "Reading two atomics and doing math? Result can even be negative.",
        "bug",
        "Not in v9, where one thread changes num_pages and the same thread subtracts. The rule stands.",
        "How low does it go?",
        *("pages_at_balloon_list", "return num_pages - (yield atomic_read(vb.num_isolated_pages))"),
        ("S1",),
        below=199,
    ),
    Remark(
        "plain ints",
        "atomic_t num_pages, in place of an unsigned int",
        "... so just fix that, and then we can keep using int instead of atomics.",
        "design",
        "Right; v10 does so.",
        "Just fix that",
        *("pages_at_balloon_list", "num_pages = yield atomic_read(vb.num_pages)"),
        ("S1",),
        below=199,
    ),
    Remark(
        "explain",
        "__wait_on_isolated_pages: the comment above its first test",
        "This just repeats what's below.",
        "style",
        "Right: what a reader needs is why the wait may be skipped.",
        "A comment that repeats the code",
        *("wait_on_isolated_pages", "if (yield atomic_read(vb.num_isolated_pages)) == 0:"),
        below=215,
    ),
    Remark(
        "twice",
        "__wait_on_isolated_pages: the condition of wait_event",
        "Why did we repeat the logic above? optimization to skip lock/unlock?",
        "style",
        "Right to ask: the two differ by one character, which breaks nothing. v10 has it once.",
        "Two tests, one character apart",
        *("wait_on_isolated_pages", "yield from wait_event(vb.config_change, enough_came_back)"),
        ("S2",),
        below=228,
    ),
    Remark(
        "stack",
        "leak_balloon: u32 pfns[VIRTIO_BALLOON_ARRAY_PFNS_MAX], a local variable",
        "That's 1K on stack - and can become more if we increase VIRTIO_BALLOON_ARRAY_PFNS_MAX.",
        "bug",
        "Right; but without balloon_lock the shared array breaks. v10 takes the lock first, and uses that array.",
        "A kilobyte on the stack",
        *("leak_balloon", "pfns: tuple[int, ...] = ()"),
        ("S3", "N8"),
        below=240,
    ),
    Remark(
        "under page lock",
        "comment on virtballoon_isolatepage: (must be called under page lock)",
        "Better 'called under page lock' - driver is not supposed to call this.",
        "wording",
        "Right: compaction calls all three, and in every interleaving it has the page's lock.",
        "Called under page lock",
        *(_ISOLATE, "yield spin_lock(vb.pages_lock)"),
        ("S5",),
        below=460,
    ),
    _wording("isolating", _ISOLATE, "works isolating pages", "by isolating pages", 464),
    _wording("isolates", _ISOLATE, "populates a callback method", "This function isolates a page ...", 471),
    _wording("of a thread", _MIGRATE, "of a compaction running thread", "of a compaction thread", 496),
    _wording("old page removed", _MIGRATE, "the removed old page from the list", "the old page removed from", 499),
    _wording(
        "migrates", _MIGRATE, "populates a callback method", "This function preforms [sic] the ... migration task.", 502
    ),
    _wording("some reason", _PUTBACK, "If by any mean", "If for some reason", 541),
    _wording("one round", _PUTBACK, "on its round", "in one round", 541),
    _wording("private balloon", _PUTBACK, "their appropriate lists", "appropriate -> private balloon", 544),
    _wording("will exit", _PUTBACK, "before the thread exits", "will exit.", 544),
    _wording(
        "inserts", _PUTBACK, "populates a callback method", "This function inserts an isolated ... page back ...", 548
    ),
    Remark(
        "free mapping",
        "virtballoon_probe: kfree(vb_mapping) at the label out_free_vb_mapping",
        "We have alloc_balloon_mapping, it would be cleaner to have free_balloon_mapping.",
        "style",
        "Right, and nothing leaks in v9. v10 has it, and one label too few: it frees an error (R5).",
        "A free for an alloc",
        *("virtballoon_probe", "yield from kfree(vb.vb_mapping, vb_mapping)  # out_free_vb_mapping:"),
        ("S4", "R5"),
        below=615,
    ),
    Remark(
        "two messages",
        "virtballoon_migratepage: tell_host, twice for a page",
        "each page that moves is told by itself; batch them, if that is common",
        "design",
        "Right: messages = 2 x pages that move, to this day.",
        "Two messages a page",
        *("virtballoon_migratepage", "yield from vb.driver.tell_host(vb, vb.inflate_vq)"),
        ("S6",),
        "on the cover letter, 26 August",
    ),
    Remark(
        "rcu",
        "patch 1/5: page->mapping is read by the rules of RCU",
        "readers, and nobody who waits for them",
        "bug",
        "Right: compaction reads the object after unloading has freed it (V14). v10 drops RCU, not the defect.",
        "Readers, and nobody who waits for them",
        *("balloon_page_movable", "return (yield movable_balloon_page(page))"),
        ("S7", "V14"),
        mail="on patch 1/5, 26 August",
    ),
    Remark(
        "busy waiting",
        "leak_balloon: the loop that tries the page's lock",
        "the worry was the busy waiting",
        "bug",
        "Right, and worse: on one CPU without preemption it never ends. v10 gives the round up.",
        "Waiting without sleeping",
        *("leak_balloon", "if page is not None and (yield trylock_page(page)):"),
        ("V5",),
        "two days later, 28 August",
    ),
)
REMARKS = [remark.name for remark in _REMARKS]


def remark(name: str) -> Remark:
    """The remark of that name; raises UnknownNameError that lists the names."""
    return _REMARKS[REMARKS.index(pick("remark", name, REMARKS))]


def remarks_on(defect: str) -> tuple[Remark, ...]:
    """The remarks that speak of a defect of the catalogue, by its id (none for an unknown one), in the mail's order.

    Raises BadValueError for what is no text.
    """
    as_text("defect", defect)
    return tuple(each for each in _REMARKS if defect in each.defects)


def remarks_below(number: int) -> tuple[Remark, ...]:
    """The remarks that stand right below a line of the patch, by its number in the patched file."""
    return tuple(each for each in _REMARKS if each.below == number)


def _hang_at_their_lines() -> None:
    for each in _REMARKS:
        if each.routine:
            hang(v9.DRIVER.functions[each.routine], each.line, each.note)


_hang_at_their_lines()


def map_of_the_mail() -> str:
    """All remarks in the mail's order, below the section of notebook 06 that tests them: kind, place in the patch."""
    wide = max(map(len, REMARKS))
    lines, section = [], ""
    for each in _REMARKS:
        if each.section != section:
            lines.append(section := each.section)
        lines.append(f"  {each.name:{wide}}  {each.kind:8} {each.patch}")
    kinds = ", ".join(f"{sum(each.kind == kind for each in _REMARKS)} on {kind}" for kind in KINDS)
    return "\n".join([*lines, f"{counted(len(_REMARKS), 'remark')}: {kinds}"])


def verdicts() -> str:
    """All remarks in the mail's order, and what came of each."""
    wide = max(map(len, REMARKS))
    rows = (f"{each.name:{wide}}  {each.verdict}" for each in _REMARKS)
    return in_lines("\n".join(rows), wide + 2)
