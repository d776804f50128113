"""The stage in JupyterLab at 1280 x 800 with its side bar: all of a moment at one glance, moved through by levels."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import Locator, expect

from tests.browser.lab import LabPage, aim, click, notebook_of, number, run_cell, settled, size_field, tab, thread_row

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
HIGHEST = 640  # CSS pixels of a Lab
# What of a Lab is not whole: outside the notebook's window or the Lab, of no size, over another part, or scrolling.
ASTRAY = """(root) => {
  const lab = root.querySelector(".bl-lab"), window_ = root.closest(".jp-WindowedPanel-outer");
  const shown = (node) => node.getClientRects().length > 0;
  const all = (selector) => [...root.querySelectorAll(selector)].filter(shown);
  const wanted = [".bl-actions", ".bl-headline", ".bl-canvas", ".bl-legend", ".bl-here", ".bl-tabs", ".bl-thread",
    ".bl-wire", ".bl-five > div", ".bl-timehead", ".bl-timeline"];
  const found = wanted.filter((selector) => !all(selector).length).map((selector) => `${selector} is missing`);
  if (all(".bl-five > div").length !== 5) found.push("there are not five numbers");
  const parts = all([...wanted, ".bl-lens"].join(", ")).map((node) => [node.className, node.getBoundingClientRect()]);
  const [edge, outer] = [lab.getBoundingClientRect(), window_.getBoundingClientRect()];
  for (const [name, box] of parts) {
    if (box.width < 5 || box.height < 5) found.push(`${name} has no size`);
    for (const [what, around] of [["the Lab", edge], ["the window", outer]])
      if (box.left < around.left - 1 || box.right > around.right + 1 || box.top < around.top - 1 ||
          box.bottom > around.bottom + 1) found.push(`${name} is not inside ${what}`);
  }
  parts.forEach(([name, a], i) => parts.slice(i + 1).forEach(([other, b]) => {
    const wide = Math.min(a.right, b.right) - Math.max(a.left, b.left);
    const high = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
    if (wide > 1 && high > 1) found.push(`${name} covers ${other}`);
  }));
  for (const node of [root, ...root.querySelectorAll("*")].filter(shown)) {
    const style = getComputedStyle(node);
    if ([style.overflowX, style.overflowY].some((way) => ["auto", "scroll"].includes(way)))
      found.push(`${node.className} scrolls`);
    if (["bl-thread", "bl-headline", "bl-five", "bl-wire", "bl-legend"].some((name) => node.classList.contains(name)) &&
        (node.scrollHeight > node.clientHeight + 1)) found.push(`${node.className} is cut below`);
  }
  return found;
}"""
# What says other figures than the rest: legend, numbers, locks in rows and in the tab.
DISAGREE = """(root) => {
  const n = (node) => Number(node.textContent.replace(/,/g, ""));
  const legend = {}, five = {}, found = [];
  for (const item of root.querySelectorAll(".bl-legend li"))
    legend[item.querySelector("span:nth-of-type(2)").textContent] = n(item.querySelector(".bl-count"));
  for (const cell of root.querySelectorAll(".bl-five > div"))
    five[cell.querySelector("dt").textContent] = n(cell.querySelector("dd > span"));
  const all = Object.values(legend).reduce((sum, pages) => sum + pages, 0);
  if (all !== Number(root.dataset.pages)) found.push(`the legend has ${all} pages`);
  if (legend.free !== five["free pages"]) found.push(`free: ${legend.free} and ${five["free pages"]}`);
  if (legend.isolated !== five.isolated) found.push(`isolated: ${legend.isolated} and ${five.isolated}`);
  for (const item of root.querySelectorAll(".bl-legend li"))
    if (item.hidden !== (n(item.querySelector(".bl-count")) === 0)) found.push(`${item.textContent}: hidden or not`);
  const held = (row) => {
    const [lock, holder] = [...row.children].map((cell) => cell.textContent);
    return `${holder}: has ${lock}`;
  };
  const table = [...root.querySelectorAll(".bl-locks tbody tr.bl-held")].map(held);
  const has = (chip) => !chip.matches("[hidden], .bl-wants") && !chip.textContent.endsWith("CPU"); // no lock
  const rows = [...root.querySelectorAll(".bl-thread")].flatMap((row) =>
    [...row.querySelectorAll(".bl-chip")].filter(has).map(
      (chip) => `${row.querySelector(".bl-name").textContent}: ${chip.textContent}`));
  if (table.sort().join() !== rows.sort().join()) found.push(`the tab says ${table}, the rows say ${rows}`);
  return found;
}"""
NAMELESS = """(root) => [...root.querySelectorAll("button, input, select, canvas")].filter((node) =>
  node.getClientRects().length && !node.hasAttribute("aria-hidden") &&
  !(node.getAttribute("aria-label") || node.textContent || node.labels?.[0]?.textContent).trim()
).map((node) => node.outerHTML)"""


def labs_of(lab: LabPage) -> list[Locator]:
    """The Labs of a notebook, each shown."""
    roots = lab.notebook.locator(".balloonlab").all()
    for root in roots:
        expect(root.locator(".bl-lab")).to_be_visible()
    return roots


def height_of(root: Locator) -> float:
    height: float = root.locator(".bl-lab").evaluate("(node) => node.getBoundingClientRect().height")
    return height


def in_sight(root: Locator) -> None:
    root.evaluate("(node) => node.querySelector('.bl-lab').scrollIntoView({ block: 'start' })")


def where(root: Locator) -> tuple[int, int]:
    here, last = re.findall(r"[\d,]+", root.locator(".bl-where").inner_text())
    return int(here.replace(",", "")), int(last.replace(",", ""))


def go(root: Locator, step: int, last: int) -> None:
    root.get_by_label("Position in the timeline").fill(str(step))
    expect(root.locator(".bl-where")).to_have_text(f"step {step:,} of {last:,}")


def check_all_in_one_window(root: Locator, *, samples: int = 12) -> None:
    """Every part at its place, whole and alone there, at a sample of steps; the figures agree."""
    tab(root, "locks")
    counts = root.locator(".bl-legend .bl-count").all_text_contents()
    pages = sum(int(count.replace(",", "")) for count in counts)
    root.evaluate("(node, pages) => { node.dataset.pages = pages; }", pages)
    in_sight(root)
    _, last = where(root)
    for step in sorted({*range(0, last, max(1, last // samples)), last}):
        go(root, step, last)
        assert root.evaluate(ASTRAY) == [], f"step {step}"
        assert root.evaluate(DISAGREE) == [], f"step {step}"
    assert root.evaluate(NAMELESS) == []


def wait_for_width(lab: LabPage, root: Locator, width: int) -> None:
    """Make the window so wide that a Lab has this width."""
    for _ in range(3):
        now: float = root.evaluate("(node) => node.clientWidth")
        size = lab.page.viewport_size
        assert size is not None
        lab.page.set_viewport_size({"width": size["width"] + round(width - now), "height": size["height"]})
        lab.page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    assert abs(root.evaluate("(node) => node.clientWidth") - width) <= 1


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
        check_all_in_one_window(root)
    for width in (800, 844, 1100):
        wait_for_width(lab, recorded, width)
        for root in (recorded, others[2]):
            assert height_of(root) <= HIGHEST
            check_all_in_one_window(root, samples=3)
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
        name = lab.page.evaluate(
            "() => { const at = document.activeElement; return at.closest('.bl-lab') && "
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


PROGRAM = """
import balloonlab as bl
from balloonlab.kernel.primitives import mutex_lock, mutex_unlock, read, write

def adding(shared):
    yield mutex_lock(shared.a)
    x = yield read(shared.n)
    yield write(shared.n, x + 1)
    yield mutex_unlock(shared.a)

bl.Lab(bl.Program("two add", {"one": adding, "two": adding}, locks=("a",), values={"n": 41}))
"""


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
