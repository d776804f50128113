"""For everybody: axe-core finds nothing, the keyboard is enough, a step is said once, shapes stay without colours."""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib.resources import files
from typing import Literal

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.lab import TWO_ADD, LabPage, in_theme, notebook_of, tab, thread_row

Open = Callable[..., LabPage]
AXE = files("axe_playwright_python").joinpath("axe.min.js")
# Every rule of axe-core but those of WCAG's level AAA. JupyterLab's body has no height and hides what is beyond: axe
# takes all text for hidden then, and looks at no contrast. It looks only at what is scrolled into sight.
VIOLATIONS = """async (root, more) => {
  document.body.style.minHeight = "100vh";
  root.scrollIntoView({ block: "start" });
  const level = ({ ruleId, tags }) => [ruleId, { enabled: more.includes(ruleId) || !tags.includes("wcag2aaa") }];
  const { violations } = await axe.run(root, { rules: Object.fromEntries(axe.getRules().map(level)) });
  return violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html.slice(0, 200)}`));
}"""
RING = """
import balloonlab as bl
found = bl.explore(bl.scenario("interrupt", "v9"))
bl.Lab(next(each for each in found.findings if each.kind == "deadlock"))
"""
RECORDED = """
import balloonlab as bl
guest = bl.recordings.load("S2_256M_alt").snapshot("freed")
lab = bl.Lab(guest)
guest.inflate(300)
lab
"""
PROGRAM = TWO_ADD.format(more=", fate=True")
MAP = "import balloonlab as bl\nbl.PageMap([0, 1, 2, 3, 4, 5, 6, 7, 8] * 300)"
FULL_OUT = 'import balloonlab as bl\nbl.Lab(bl.scenario("fill-out-of-memory", "v9"))'
FRAMES = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
# Words that a screen reader is given: every change of every live region, until `window.heard` is taken.
HEAR = """(root) => {
  window.heard = [];
  const live = [...root.querySelectorAll("[aria-live]:not([aria-live=off]), [role=status], [role=alert], output")];
  const hear = (node) => () => node.textContent.trim() && window.heard.push(node.textContent.trim());
  for (const node of live)
    new MutationObserver(hear(node)).observe(node, { childList: true, characterData: true, subtree: true });
  return live.map((node) => node.getAttribute("role"));
}"""
# What of a narrow Lab can't be reached or read: beside it, over another part, cut without a mark, or scrolling.
UNREADABLE = """(root) => {
  const found = [], edge = root.getBoundingClientRect();
  const shown = (node) => node.getClientRects().length > 0 && !node.closest(".bl-hidden, .bl-off");
  for (const node of [...root.querySelectorAll("*")].filter(shown)) {
    const box = node.getBoundingClientRect(), style = getComputedStyle(node);
    if ((box.left < edge.left - 1 || box.right > edge.right + 1) && !node.parentNode.closest("header[title]"))
      found.push(`${node.outerHTML.slice(0, 120)} stands out`);
    const ways = [style.overflowX, style.overflowY];
    if (ways.some((way) => ["auto", "scroll"].includes(way))) found.push(`${node.className} scrolls`);
    const text = [...node.childNodes].some((child) => child.nodeType === Node.TEXT_NODE && child.data.trim());
    const marked = style.textOverflow === "ellipsis" && node.closest("[title]");
    if (text && style.overflow === "hidden" && !marked && node.scrollWidth > node.clientWidth + 1)
      found.push(`${node.className} is cut: ${node.textContent}`);
  }
  const parents = [".bl-lab", ".bl-left", ".bl-right", ".bl-thread", ".bl-wire li", ".bl-actions", ".bl-timebar"];
  const parts = [...root.querySelectorAll(parents.map((parent) => `${parent} > *`).join())].filter(shown);
  parts.forEach((one, i) => parts.slice(i + 1).forEach((other) => {
    if (one.contains(other) || other.contains(one)) return;
    const [a, b] = [one.getBoundingClientRect(), other.getBoundingClientRect()];
    const wide = Math.min(a.right, b.right) - Math.max(a.left, b.left);
    const high = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
    if (wide > 1 && high > 1) found.push(`${one.className} covers ${other.className}`);
  }));
  return found;
}"""


def violations(root: Locator, *more: str) -> list[str]:
    """What axe-core has against a widget."""
    if not root.page.evaluate("'axe' in window"):
        root.page.evaluate(AXE.read_text("utf-8"))
    root.page.evaluate(FRAMES)
    found: list[str] = root.evaluate(VIOLATIONS, list(more))
    return found


def turned(lab: LabPage, theme: str) -> None:
    """Change the theme, and wait until its colours are there."""
    in_theme(lab.page, theme)
    dark = lab.notebook.locator(".balloonlab.bl-dark")
    expect(dark).to_have_count(lab.notebook.locator(".balloonlab").count() if theme == "Dark" else 0)
    lab.page.evaluate(FRAMES)


@pytest.mark.parametrize("theme", ["Light", "Dark"])
def test_axe_finds_nothing(own_lab_page: Open, theme: str) -> None:
    lab = own_lab_page(notebook_of(RING, RECORDED, PROGRAM, MAP))
    turned(lab, theme)
    roots = lab.notebook.locator(".balloonlab").all()
    assert len(roots) == 4
    ring, _recorded, program, _map = roots
    for root in roots:
        assert violations(root) == []
    program.get_by_role("checkbox", name="show fates").check()
    expect(thread_row(program, "one").locator(".bl-fate")).to_contain_text("safe")
    for root in (ring, program):
        for name in root.get_by_role("tab").all_text_contents():
            tab(root, name)
            assert violations(root.locator(".bl-tabs")) == [], name
    ring.get_by_role("button", name=re.compile("^More")).click()
    ring.get_by_role("button", name="Keys").click()
    expect(ring.locator(".bl-keylist")).to_be_visible()
    assert violations(ring.locator(".bl-actions")) == []  # it lies over what is below it, in part
    lab.page.keyboard.press("Escape")
    ring.get_by_role("button", name="Full", exact=True).click()
    lab.page.wait_for_function("document.querySelector('.bl-lab').clientHeight > window.innerHeight - 40")
    assert violations(ring) == []
    lab.page.emulate_media(contrast="more")
    assert violations(ring, "color-contrast-enhanced") == []


def test_axe_has_rules_that_can_find_something(own_lab_page: Open) -> None:
    lab = own_lab_page(notebook_of(MAP))
    root = lab.notebook.locator(".balloonlab")
    root.evaluate(
        "(root) => { root.style.setProperty('--bl-text', '#bbb'); root.querySelector('button').textContent = ''; "
        "root.querySelector('button').removeAttribute('aria-label'); root.querySelector('button').title = ''; }"
    )
    assert {found.split(":")[0] for found in violations(root)} == {"button-name", "color-contrast"}


@pytest.mark.parametrize(("width", "height"), [(640, 400), (720, 450)])  # of 1280 x 800 and 1440 x 900, at 200 %
def test_at_200_percent_all_is_there_below_each_other(own_lab_page: Open, width: int, height: int) -> None:
    lab = own_lab_page(notebook_of(RING, RECORDED, PROGRAM, MAP))
    lab.page.set_viewport_size({"width": width, "height": height})
    for command in ("none", "application:toggle-left-area"):  # with the side bar open, and closed
        if command != "none":
            lab.page.evaluate("(command) => window.jupyterapp.commands.execute(command)", command)
        lab.page.evaluate(FRAMES)
        roots = lab.notebook.locator(".balloonlab").all()
        for root in roots:
            assert root.evaluate("(node) => node.clientWidth") < width
            assert root.evaluate(UNREADABLE) == []
        check_each_control_comes_into_sight(lab, roots[0])
    for name in roots[0].get_by_role("tab").all_text_contents():
        tab(roots[0], name)
        assert roots[0].evaluate(UNREADABLE) == [], name
    assert lab.thrown == []


def check_each_control_comes_into_sight(lab: LabPage, root: Locator) -> None:
    for control in root.locator(":is(button, select, input, canvas[tabindex]):visible").all():
        control.focus()
        control.scroll_into_view_if_needed()
        box = control.bounding_box()
        size = lab.page.viewport_size
        assert box is not None
        assert size is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= size["width"]


STYLE = "(node, [name, of]) => getComputedStyle(node, of)[name]"


def style(found: Locator, name: str, of: str | None = None) -> str:
    value: str = found.first.evaluate(STYLE, [name, of])
    return value


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_forced_colours_keep_every_mark(own_lab_page: Open, scheme: Literal["light", "dark"]) -> None:
    lab = own_lab_page(notebook_of(RING, RECORDED))
    lab.page.emulate_media(forced_colors="active", color_scheme=scheme)
    ring, recorded = lab.notebook.locator(".balloonlab").all()
    expect(lab.notebook.locator(".balloonlab.bl-dark")).to_have_count(2 if scheme == "dark" else 0)
    assert "26a0" in repr(ascii(style(ring.locator(".bl-wrong .bl-said"), "content", "::before")))
    assert style(ring.locator(".bl-headline"), "outlineStyle") == "solid"
    assert style(ring.locator(".bl-thread.bl-wrong"), "borderTopStyle") == "dashed"
    assert style(ring.locator(".bl-code [aria-current]"), "outlineStyle") == "solid"
    swatches = ring.locator(".bl-legend li:visible .bl-swatch")
    assert style(swatches, "backgroundColor") not in ("rgb(255, 255, 255)", "rgb(0, 0, 0)")
    step = thread_row(ring, "vballoon").get_by_role("button", name="Step vballoon")
    expect(step).to_be_disabled()
    back = ring.get_by_role("button", name="Back", exact=True)
    assert style(step, "color") != style(back, "color") != style(ring.get_by_role("button", name="Play"), "color")
    selected, other = (ring.get_by_role("tab", selected=chosen) for chosen in (True, False))
    assert style(selected, "backgroundColor") != style(other, "backgroundColor")
    assert style(selected, "backgroundColor") != style(selected, "color")
    recorded.get_by_role("button", name="Back", exact=True).click()
    changed, same = recorded.locator(".bl-five > .bl-changed"), recorded.locator(".bl-five > :not(.bl-changed)")
    expect(changed.first).to_be_visible()
    assert style(changed, "backgroundColor") != style(same, "backgroundColor")
    back.focus()
    for key in ("Tab", "Shift+Tab"):
        lab.page.keyboard.press(key)
    assert style(back, "outlineStyle") == "solid"
    assert violations(ring) == []


def test_v1_is_found_with_the_keyboard_alone(own_lab_page: Open) -> None:
    lab = own_lab_page(notebook_of(FULL_OUT))
    press = lab.page.keyboard.press
    root = lab.notebook.locator(".balloonlab")
    where, said = root.locator(".bl-where"), root.locator(".bl-said")
    expect(where).to_have_text("step 1 of 1")
    inside = "document.activeElement.closest('.balloonlab') !== null"
    for _ in range(20):
        if lab.page.evaluate(inside):
            break
        press("Tab")
    assert lab.page.evaluate(inside), "Tab does not lead into the Lab"
    press("?")
    keys = root.locator(".bl-keylist")
    expect(keys).to_contain_text("Step of a thread")
    menu, whole = root.locator(".bl-menu").bounding_box(), root.locator(".bl-lab").bounding_box()
    assert menu is not None
    assert whole is not None
    assert keys.evaluate("(list) => list.clientWidth") > 400, "the words of the keys stand in a narrow column"
    assert whole["x"] <= menu["x"], "the menu leaves the Lab"
    assert menu["y"] + menu["height"] <= whole["y"] + whole["height"], "the menu leaves the Lab"
    press("Escape")
    expect(keys).not_to_be_visible()
    wrong = root.locator(".bl-headline.bl-wrong")
    for step in range(2, 40):
        press("1")
        expect(where).to_have_text(f"step {step} of {step}")
        if wrong.count():
            break
    expect(said).to_have_text("vballoon waits for balloon_lock, which it holds itself: nothing can go on.")
    expect(root.locator(".bl-heard")).to_have_text(said.inner_text())
    press("1")
    expect(root.locator(".bl-heard")).to_have_text(re.compile("^Not here: vballoon waits for balloon_lock"))
    press("b")
    expect(where).to_have_text(f"step {step - 1} of {step}")
    expect(wrong).to_have_count(0)
    assert lab.page.evaluate(inside), "the focus was lost"
    press("t")
    expect(root.get_by_role("tab", selected=True)).to_be_focused()
    press("Shift+2")
    expect(root.get_by_role("region", name="Code of compactor")).to_be_visible()
    press("m")
    expect(root.locator(".bl-canvas")).to_be_focused()
    press("s")
    press("1")  # typed into the field: no step
    expect(root.locator(".bl-field")).to_have_value("1")
    expect(where).to_have_text(f"step {step - 1} of {step}")
    assert lab.notebook.locator(".jp-Cell").count() == 1
    assert lab.thrown == []


def test_each_step_is_heard_once_and_the_focus_stays(own_lab_page: Open) -> None:
    lab = own_lab_page(notebook_of(FULL_OUT.replace('"v9")', '"v9"), fate=True')))
    root = lab.notebook.locator(".balloonlab")
    root.get_by_role("checkbox", name="show fates").check()
    expect(thread_row(root, "vballoon").locator(".bl-fate")).to_contain_text("will go wrong")
    assert sorted(filter(None, root.evaluate(HEAR))) == ["alert", "status"]
    said, where = root.locator(".bl-said"), root.locator(".bl-where")
    root.get_by_role("button", name="Step vballoon").focus()
    for step in range(2, 25):
        lab.page.evaluate("window.heard = []")
        lab.page.keyboard.press("Enter")
        expect(where).to_have_text(f"step {step} of {step}")
        lab.page.wait_for_function("window.heard.join(' ').includes('Here: ')")  # its fate may come later than the step
        lab.page.evaluate(FRAMES)
        heard = lab.page.evaluate("window.heard")
        told = " ".join(heard).replace("\u00a0", "")
        assert told.startswith(said.inner_text()), "not what is read in the first line"
        assert told.count(said.inner_text()) == 1, heard
        assert told.count("Here:") <= 1, heard
        expect(root.get_by_role("button", name="Step vballoon")).to_be_focused()
    expect(root.locator(".bl-headline.bl-wrong")).to_be_visible()
    root.locator(".bl-canvas").focus()
    lab.page.evaluate("window.heard = []")
    lab.page.keyboard.press("ArrowRight")
    lab.page.evaluate(FRAMES)
    (words,) = lab.page.evaluate("window.heard")
    assert words.startswith("PFN 0x1: ")
