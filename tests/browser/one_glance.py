"""Whether all of a Lab is to be seen at one glance, and agrees, at step after step."""

from __future__ import annotations

from playwright.sync_api import Locator

from tests.browser.lab import tab

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
    const marked = style.textOverflow === "ellipsis" && node.closest("[title]");
    const cut = style.overflowX === "hidden" && node.scrollWidth > node.clientWidth + 1;
    if (cut && !marked && !node.closest(".bl-hidden"))
      found.push(`${node.className} is cut: ${node.textContent}`);
    if (["bl-thread", "bl-headline", "bl-five", "bl-wire", "bl-legend"].some((name) => node.classList.contains(name)) &&
        (node.scrollHeight > node.clientHeight + 1)) found.push(`${node.className} is cut below`);
  }
  return found;
}"""
# What says other figures than the rest: legend, numbers, locks in rows and in the tab.
DISAGREE = """(root) => {
  const n = (node) => Number(node.textContent.replace(/,/g, ""));
  const legend = {}, five = {}, found = [];
  for (const item of root.querySelectorAll(".bl-legend li:not(.bl-key)"))
    legend[item.querySelector("span:nth-of-type(2)").textContent] = n(item.querySelector(".bl-count"));
  for (const cell of root.querySelectorAll(".bl-five > div"))
    five[cell.querySelector("dt").textContent] = n(cell.querySelector("dd > span"));
  const all = Object.values(legend).reduce((sum, pages) => sum + pages, 0);
  if (all !== Number(root.dataset.pages)) found.push(`the legend has ${all} pages`);
  if (legend.free !== five["free pages"]) found.push(`free: ${legend.free} and ${five["free pages"]}`);
  if (legend.isolated !== five.isolated) found.push(`isolated: ${legend.isolated} and ${five.isolated}`);
  for (const item of root.querySelectorAll(".bl-legend li:not(.bl-key)"))
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
# Goes to each of the steps and looks: [step, what is wrong there]. In the page, as hundreds of steps are looked at.
WALK = """async (root, steps) => {
  const range = root.querySelector(".bl-strip input"), where = root.querySelector(".bl-where"), found = [];
  for (const step of steps) {
    range.value = String(step);
    range.dispatchEvent(new Event("input"));
    await new Promise(requestAnimationFrame); // asked for after the Lab's own, so it has shown the step
    const wrong = [ASTRAY, DISAGREE].flatMap((look) => look(root));
    const said = where.textContent;
    if (!said.startsWith(`step ${step.toLocaleString("en")} of`)) wrong.push(`it says ${said}`);
    const height = root.querySelector(".bl-lab").getBoundingClientRect().height;
    if (height > HIGHEST) wrong.push(`it is ${height} px high`);
    if (wrong.length) found.push([step, ...wrong]);
  }
  return found;
}"""
# What of the tab in the code's place is not whole: it ends below its frame.
CUT_BELOW = """(root) => [...root.querySelectorAll(".bl-tabbody, .bl-tabbody ol, .bl-tabbody > div")]
  .filter((node) => node.getClientRects().length && node.scrollHeight > node.clientHeight + 1)
  .map((node) => `${node.className} is cut below: ${node.scrollHeight} of ${node.clientHeight}`)"""
GIVEN = f"const HIGHEST = {HIGHEST}, ASTRAY = {ASTRAY}, DISAGREE = {DISAGREE};"
LOOK_AT_TAB = f"""(root, steps) => {{
  const HIGHEST = {HIGHEST}, ASTRAY = {ASTRAY}, DISAGREE = {CUT_BELOW};
  return ({WALK})(root, steps);
}}"""
LOOK = f"(root, steps) => {{ {GIVEN} return ({WALK})(root, steps); }}"


def height_of(root: Locator) -> float:
    height: float = root.locator(".bl-lab").evaluate("(node) => node.getBoundingClientRect().height")
    return height


def in_sight(root: Locator) -> None:
    root.evaluate("(node) => node.querySelector('.bl-lab').scrollIntoView({ block: 'start' })")


def check_tab(root: Locator, *, samples: int) -> None:
    """The open tab is whole, and so is all around it, at about so many steps; it has names for all that is pressed."""
    in_sight(root)
    last = int(root.get_by_label("Position in the timeline").get_attribute("max") or 0)
    astray = root.evaluate(LOOK_AT_TAB, sorted({*range(0, last, max(1, last // samples)), last}))
    assert astray == [], astray[:3]
    nameless = root.evaluate(NAMELESS)
    assert nameless == [], nameless


def check_all_in_one_window(root: Locator, *, samples: int) -> None:
    """Every part at its place, whole and alone there, at about so many steps or at all; the figures agree."""
    tab(root, "locks")
    counts = root.locator(".bl-legend .bl-count").all_text_contents()
    pages = sum(int(count.replace(",", "")) for count in counts)
    root.evaluate("(node, pages) => { node.dataset.pages = pages; }", pages)
    in_sight(root)
    last = int(root.get_by_label("Position in the timeline").get_attribute("max") or 0)
    steps = sorted({*range(0, last, max(1, last // samples)), last})
    astray = root.evaluate(LOOK, steps)
    assert astray == [], astray[:3]
    nameless = root.evaluate(NAMELESS)
    assert nameless == [], nameless
