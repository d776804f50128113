/** Five numbers that matter, each with the change that the last move made. */
import { el, mark, put } from "./dom.js";
import { hugeBlocks } from "./levels.js";
import { putTerms } from "./terms.js";
import { number } from "./words.js";

/** [{name, about, now, change}] at the mirror's position; changes: of `changesBetween`. */
export function fiveNumbers(mirror, { values, counts }) {
  const { tables } = mirror.trace;
  const state = (word) => tables.palette.findIndex((look) => look.word === word);
  const slot = (group, name) => tables.values.findIndex((value) => value.group === group && value.name === name);
  const value = (at) => ({ now: at < 0 ? 0 : mirror.values[at], change: values.get(at) ?? 0 });
  const count = (at) => ({ now: mirror.counts[at] || 0, change: counts.get(at) ?? 0 });
  const huge = { now: hugeBlocks(tables, (at) => mirror.values[at]), change: hugeBlocks(tables, (at) => values.get(at) ?? 0) };
  return [
    { name: "in the balloon", about: "What the driver counts as ballooned, in pages of 4 KiB (num_pages); isolated ones are in it, and in the map's legend they stand apart", ...value(tables.num_pages) },
    { name: "isolated", about: "Balloon pages that compaction took off the list, to move them", ...count(state("isolated")) },
    { name: "believed by the host", about: "What the host was told is in the balloon, in pages of 4 KiB", ...value(slot("host", "believed ballooned")) },
    { name: "free pages", about: "Pages that nobody has", ...count(state("free")) },
    { name: "free 2 MiB blocks", about: "Free blocks from which a huge page can be had", ...huge },
  ];
}

/** The same of an end that was foretold. */
export function numbersForetold(mirror, { before, held, free, huge }) {
  const by = (now, then) => ({ now, change: now - then });
  const none = { values: new Map(), counts: new Map() };
  const told = [by(held, before), by(0, 0), by(held, before), by(free[1], free[0]), by(huge[1], huge[0])];
  return fiveNumbers(mirror, none).map((each, i) => ({ ...each, ...told[i] }));
}

const BELIEVED = 2; // which of the five is the host's

export class Numbers {
  constructor() {
    this.cells = [];
    this.element = el("dl", { class: "bl-five", "aria-label": "Five numbers" });
  }

  /** differ: pages on which guest and host disagree, null where nobody knows. */
  update(mirror, changes, differ) {
    this.show(fiveNumbers(mirror, changes), differ);
  }

  show(five, differ) {
    five.forEach(({ name, about, now, change }, i) => {
      const cell = (this.cells[i] ||= this.add(name, about));
      put(cell.now, number(now));
      put(cell.change, change ? `${change > 0 ? "+" : "\u2212"}${number(Math.abs(change))}` : "");
      mark(cell.element, "bl-changed", Boolean(change));
      if (i === BELIEVED) put(cell.differ, differ ? `${number(differ)} ${differ === 1 ? "differs" : "differ"}` : "");
    });
  }

  add(name, about) {
    const cell = { now: el("span"), change: el("span", { class: "bl-change" }) };
    cell.differ = el("span", { class: "bl-differ", title: "Pages that one of them has in the balloon and the other has not" });
    const term = el("dt");
    putTerms(term, name);
    cell.element = el("div", { title: about }, term, el("dd", {}, cell.now, cell.change, cell.differ));
    this.element.append(cell.element);
    return cell;
  }
}
