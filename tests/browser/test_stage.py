"""The stage in JupyterLab at 1280 x 800 with its side bar: all of a moment at one glance, moved through by levels."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import Locator, expect

from tests.browser.lab import (
    TWO_ADD,
    LabPage,
    aim,
    click,
    notebook_of,
    number,
    run_cell,
    settled,
    size_field,
    tab,
    thread_row,
)
from tests.browser.one_glance import HIGHEST, NAMELESS, check_all_in_one_window, height_of

Open = Callable[..., LabPage]
RECORDED = 'import balloonlab as bl\nbl.Lab(bl.recordings.load("S2_256M_alt").snapshot("freed"))'
SCENARIO = (
    'import balloonlab as bl\nscenario = bl.scenario("{0}", "{1}")\nmachine = scenario.machine()\nmachine.run()\n'
)
SCENARIOS = [
    (name, driver)
    for name in ("fill-out-of-memory", "interrupt", "remove-and-compact")
    for driver in ("v9", "linux-6.1")
]


def labs_of(lab: LabPage) -> list[Locator]:
    """The Labs of a notebook, each shown."""
    roots = lab.notebook.locator(".balloonlab").all()
    for root in roots:
        expect(root.locator(".bl-lab")).to_be_visible()
    return roots


def where(root: Locator) -> tuple[int, int]:
    here, last = re.findall(r"[\d,]+", root.locator(".bl-where").inner_text())
    return int(here.replace(",", "")), int(last.replace(",", ""))


def go(root: Locator, step: int, last: int) -> None:
    root.get_by_label("Position in the timeline").fill(str(step))
    expect(root.locator(".bl-where")).to_have_text(f"step {step:,} of {last:,}")


def wait_for_width(lab: LabPage, root: Locator, width: int) -> None:
    """Make the window so wide that a Lab has this width."""
    for _ in range(3):
        now: float = root.evaluate("(node) => node.clientWidth")
        size = lab.page.viewport_size
        assert size is not None
        lab.page.set_viewport_size({"width": size["width"] + round(width - now), "height": size["height"]})
        lab.page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    assert abs(root.evaluate("(node) => node.clientWidth") - width) <= 1


def widths_of(root: Locator) -> list[float]:
    """Of the map and of what stands beside it, in CSS pixels."""
    return [root.locator(part).evaluate("(node) => node.clientWidth") for part in (".bl-canvas", ".bl-tabbody")]


def small_window(lab: LabPage) -> None:
    lab.page.set_viewport_size({"width": 1280, "height": 800})
    expect(lab.page.locator("#jp-left-stack")).to_be_visible()


def test_every_moment_is_in_one_window(lab_page: Open) -> None:
    scenarios = [SCENARIO.format(*each) + "bl.Lab(machine)" for each in SCENARIOS]
    lab = lab_page(notebook_of(RECORDED, *scenarios))
    small_window(lab)
    recorded, *others = labs_of(lab)
    assert len(others) == len(SCENARIOS)
    for root in (recorded, *others):
        assert height_of(root) <= HIGHEST
    aim(recorded, 17_000)
    click(recorded, "Inflate")
    expect(recorded.locator(".bl-headline.bl-done .bl-said")).to_have_text(
        "The balloon holds 17,000 pages: 616 more, in 3 messages."
    )
    settled(recorded)
    expect(recorded.locator(".bl-lens")).to_be_visible()
    for root in (recorded, *others):
        check_all_in_one_window(root, samples=200)  # of a scenario all
    for width in (800, 844, 1100):
        wait_for_width(lab, recorded, width)
        for root in (recorded, others[2]):
            check_all_in_one_window(root, samples=3)
    narrow = widths_of(recorded)
    for size in ((1440, 900), (1920, 1080)):
        lab.page.set_viewport_size({"width": size[0], "height": size[1]})
        for root in (recorded, others[2]):
            check_all_in_one_window(root, samples=3)
    assert all(wide > before for wide, before in zip(widths_of(recorded), narrow, strict=True))
    assert lab.thrown == []


STUCK = """
import balloonlab as bl
found = bl.explore(bl.scenario("{0}", "v9"))
bl.Lab(next(each for each in found.findings if each.kind == "{1}"))
"""


def test_a_dead_end_is_said_first_and_leads_to_its_cause(lab_page: Open) -> None:
    lab = lab_page(notebook_of(STUCK.format("fill-out-of-memory", "deadlock"), STUCK.format("interrupt", "deadlock")))
    small_window(lab)
    alone, ring = labs_of(lab)
    said = ".bl-headline.bl-wrong .bl-said"
    expect(alone.locator(said)).to_have_text(
        "vballoon waits for balloon_lock, which it holds itself: nothing can go on."
    )
    expect(ring.locator(said)).to_have_text("Nothing can go on: three threads wait for each other.")
    expect(ring.locator(".bl-place")).to_contain_text("pages_lock")
    tab(ring, "code")
    panes = ring.locator(".bl-pane:visible")
    expect(panes).to_have_count(3)  # each thread of the ring has its own
    for name in ("vballoon", "compactor", "interrupt"):
        expect(ring.get_by_role("region", name=f"Code of {name} in ")).to_be_visible()
        expect(thread_row(ring, name)).to_have_class(re.compile("bl-wrong"))
    for name, lock in (("vballoon", "pages_lock"), ("compactor", "lru_lock"), ("interrupt", "vballoon's CPU")):
        expect(thread_row(ring, name)).to_contain_text(f"has {lock}")
    for root, way in ((alone, "To the cause"), (ring, "To where it waits")):
        expect(root.get_by_role("button", name="Back", exact=True)).to_have_class(re.compile("bl-main"))
        check_all_in_one_window(root, samples=8)
        _, last = where(root)
        expect(root.locator(said)).to_be_visible()
        click(root, way)
        expect(root.locator(".bl-where")).not_to_have_text(f"step {last:,} of {last:,}")
        expect(root.locator(said)).to_have_count(0)
        click(root, "To end")
        expect(root.locator(said)).to_be_visible()
        click(root, "Start over")
        expect(root.locator(".bl-where")).to_have_text(f"step 0 of {last:,}")
    assert lab.thrown == []


def test_time_moves_by_levels_and_a_unit_opens(lab_page: Open) -> None:
    lab = lab_page(notebook_of(RECORDED))
    (root,) = labs_of(lab)
    unit = root.get_by_label("Unit of time")
    expect(unit.locator("option:checked")).to_have_text("round")  # where a guest is at rest
    aim(root, 17_000)
    click(root, "Inflate")
    said, held = root.locator(".bl-said"), number(root, "in the balloon")
    expect(held).to_have_text("17,000")
    settled(root)
    click(root, "To start")
    expect(held).to_have_text("16,384")
    step = root.get_by_role("button", name="Step", exact=True)
    step.click()
    expect(said).to_have_text("The host asks for a balloon of size 17,000.")
    step.click()
    expect(held).to_have_text("16,640")
    expect(root.locator(".bl-five > .bl-changed", has_text="in the balloon")).to_contain_text("+256")
    expect(root.locator(".bl-place")).to_contain_text("Inflating by 616: round 2 of 3")
    end, _ = where(root)
    click(root, "Back")
    expect(held).to_have_text("16,384")
    step.click()
    click(root, "Open this unit")
    expect(unit.locator("option:checked")).to_have_text("message")
    expect(root.locator(".bl-where")).to_contain_text("step 1 of")
    step.click()
    expect(said).to_have_text("vballoon puts a message of page numbers on inflateq.")
    assert 1 < where(root)[0] < end
    expect(root.locator(".bl-wire .bl-pill").first).to_contain_text("256 page numbers")
    click(root, "Open this unit")
    expect(unit.locator("option:checked")).to_have_text("page")
    free = root.locator(".bl-legend li", has_text="free").locator(".bl-count")
    expect(free).to_have_text("25,665")
    step.click()
    expect(said).to_have_text(re.compile(r"^vballoon puts page 0x[0-9a-f]+ on the list pages\.$"))
    expect(free).to_have_text("25,664")
    unit.select_option("call")
    at, _ = where(root)
    step.click()
    expect(root.locator(".bl-where")).not_to_contain_text(f"step {at:,} of")
    unit.select_option("statement")
    at, _ = where(root)
    step.click()
    expect(root.locator(".bl-where")).to_contain_text(f"step {at + 1:,} of")
    expect(root.get_by_role("button", name="Open this unit")).to_be_disabled()
    unit.select_option("round")
    root.get_by_label("Speed").select_option("1000")
    click(root, "Play")
    expect(held).to_have_text("17,000")
    assert lab.thrown == []


SMALL = 'import balloonlab as bl\nbl.Lab(bl.scenario("inflate", "v9"))'


def test_menu_tabs_whole_window_and_the_keyboard(lab_page: Open) -> None:
    lab = lab_page(notebook_of(SMALL, "import balloonlab as bl"))
    small_window(lab)
    root = labs_of(lab)[0]
    check_menu(lab, root)
    check_tabs(lab, root)
    check_whole_window(lab, root)
    check_keyboard(lab, root)
    assert lab.thrown == []


def check_menu(lab: LabPage, root: Locator) -> None:
    """What is asked for rarely is under More, which Escape closes."""
    more = root.get_by_role("button", name=re.compile("^More"))
    expect(root.get_by_role("button", name="Run", exact=True)).not_to_be_visible()
    more.click()
    expect(more).to_have_attribute("aria-expanded", "true")
    for name in ("Statistics", "Run"):
        expect(root.get_by_role("button", name=name, exact=True)).to_be_visible()
    root.get_by_role("checkbox", name="I step by hand").focus()
    lab.page.keyboard.press("Escape")
    expect(more).to_have_attribute("aria-expanded", "false")
    expect(root.get_by_role("button", name="Run", exact=True)).not_to_be_visible()
    expect(more).to_be_focused()


def check_tabs(lab: LabPage, root: Locator) -> None:
    """Arrow keys open them, map and threads stay, and a Lab that comes later opens the last one."""
    press = lab.page.keyboard.press
    code = root.get_by_role("tab", name="code")
    expect(code).to_have_attribute("aria-selected", "true")
    code.focus()
    press("ArrowRight")
    expect(root.get_by_role("tab", name="messages")).to_be_focused()
    expect(root.get_by_role("table", name="Messages to the host")).to_be_visible()
    expect(root.locator("canvas.bl-canvas")).to_be_visible()
    expect(thread_row(root, "vballoon")).to_be_visible()
    press("ArrowLeft")
    press("ArrowLeft")
    expect(root.get_by_role("tab", name="fates")).to_be_focused()
    expect(root.get_by_role("tab", selected=True)).to_have_text("fates")
    tab(root, "locks")
    lab.page.evaluate(
        "(source) => window.jupyterapp.shell.currentWidget.content.widgets[1].model.sharedModel.setSource(source)",
        SMALL,
    )
    run_cell(lab, 1)
    expect(lab.notebook.locator(".balloonlab")).to_have_count(2)
    expect(labs_of(lab)[1].get_by_role("tab", selected=True)).to_have_text("locks")
    tab(root, "code")


def check_whole_window(lab: LabPage, root: Locator) -> None:
    """Full takes the whole window, and gives it back."""
    full = root.get_by_role("button", name="Full", exact=True)
    full.click()
    lab.page.wait_for_function("document.fullscreenElement?.classList.contains('balloonlab')")
    lab.page.wait_for_function("document.querySelector('.bl-lab').clientHeight > window.innerHeight - 40")
    full.click()
    lab.page.wait_for_function("!document.fullscreenElement")
    assert height_of(root) <= HIGHEST


def check_keyboard(lab: LabPage, root: Locator) -> None:
    """Tab reaches every control, and leaves the Lab; Enter does what a click does."""
    press = lab.page.keyboard.press
    size_field(root).focus()
    reached = []
    for _ in range(60):
        press("Tab")
        name = root.evaluate(
            "(root) => { const at = document.activeElement; return root.contains(at) && "
            "(at.getAttribute('aria-label') || at.textContent || at.parentNode.textContent).trim(); }"
        )
        if not name:
            break
        reached.append(name)
    for wanted in ("Compact", "Full", "code", "Step vballoon", "Step", "Unit of time", "Jump to", "show fates"):
        assert wanted in reached, f"{wanted} is not among {reached}"
    assert reached[-1] == "Position in the timeline"
    step = root.get_by_role("button", name="Step vballoon")
    step.focus()
    for _ in range(3):
        press("Enter")
    expect(root.locator(".bl-where")).to_have_text("step 4 of 4")
    pin = thread_row(root, "compactor").get_by_role("button", name="compactor", exact=True)
    pin.focus()
    press("Enter")
    expect(root.get_by_role("region", name="Code of compactor")).to_be_visible()
    expect(root.get_by_role("region", name="Code of vballoon")).to_be_visible()
    expect(pin).to_have_attribute("aria-pressed", "true")


PROGRAM = TWO_ADD.format(more="")


def test_a_program_shows_numbers_locks_and_own_variables_and_no_guest(lab_page: Open) -> None:
    lab = lab_page(notebook_of(PROGRAM))
    small_window(lab)
    (root,) = labs_of(lab)
    for absent in ("canvas.bl-canvas", ".bl-wire", ".bl-five", ".bl-legend"):
        expect(root.locator(absent)).to_have_count(0)
    own = root.get_by_role("table", name="Each thread's own variables")
    step = root.get_by_role("button", name="Step one", exact=True)
    for position in (1, 2, 3):
        step.click()
        expect(root.locator(".bl-where")).to_have_text(f"step {position} of {position}")
    expect(root.get_by_role("table", name="Locks").get_by_role("row", name="a one")).to_be_visible()
    expect(root.get_by_role("table", name="Shared numbers").get_by_role("row", name="n 42")).to_be_visible()
    expect(own.get_by_role("row", name=re.compile("one .*x = 41"))).to_be_visible()
    expect(thread_row(root, "one")).to_contain_text("has a")
    assert height_of(root) <= HIGHEST
    assert root.evaluate(NAMELESS) == []
    assert lab.thrown == []
