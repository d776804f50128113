/** Panes of driver text: what the acting thread has just done, what it does next, in the driver's own function. */
import { attribute, el, mark, put } from "./dom.js";
import { KIND } from "./trace.js";
import { linesInSight, wrap } from "./words.js";

const ROW = 17; // CSS pixels of a line
const HEAD = 23;
const HELPERS = ["waiting.py", "workqueue.py"]; // the kernel's, in which a thread sleeps

/** The calls of a location: {own: the driver's innermost {f, line}, calls: names before it, helper: name or ""}. */
export function ownCall(tables, location) {
  const stack = tables.locations[location] || [];
  let own = stack.length - 1;
  while (own > 0 && HELPERS.includes(tables.functions[stack[own][0]].module)) own--;
  if (own < 0) return null;
  const [f, line] = stack[own];
  const names = stack.map(([each]) => tables.functions[each].name);
  return { f, line: line - tables.functions[f].first_line + 1, calls: names.slice(0, own), name: names[own], helper: names.slice(own + 1).join(" \u203a ") };
}

/** Where a thread stood before the last step, if that step moved it; else where it stands. */
export function locationBefore(mirror, thread) {
  const { trace, position } = mirror;
  const { events, eventEnd } = trace;
  if (position)
    for (let e = trace.start(eventEnd, position - 1); e < eventEnd.data[position - 1]; e++)
      if (events.kind.data[e] === KIND.THREAD_AT && events.key.data[e] === thread) return events.old.data[e];
  return mirror.threadAt[thread];
}

/** The text of the line at which a location stands, without its indentation. */
export function lineText(tables, location) {
  const call = ownCall(tables, location);
  return call ? (tables.functions[call.f].lines[call.line - 1] ?? "").trim() : "";
}

class Pane {
  constructor() {
    this.name = el("b");
    this.calls = el("span", { class: "bl-calls" });
    this.head = el("header", {}, this.name, this.calls);
    this.list = el("ol", { class: "bl-code" });
    this.rows = [];
    this.first = 1;
    this.element = el("section", { class: "bl-pane" }, this.head, this.list);
  }

  update(mirror, thread, room, width, { ran, wrong }) {
    const { tables } = mirror.trace;
    const { name } = tables.threads[thread];
    const next = ownCall(tables, mirror.threadAt[thread]);
    const done = ran ? ownCall(tables, locationBefore(mirror, thread)) : null;
    const shown = next ?? done;
    put(this.name, name);
    const way = shown ? [...shown.calls.slice(-1), shown.name].join(" \u203a ") : "";
    const came = done && next && done.f !== next.f && done.calls.length > next.calls.length ? ` (back from ${done.name})` : "";
    put(this.calls, shown ? ` in ${way}${shown.helper ? ` \u00b7 sleeps in ${shown.helper}` : ""}${came}` : " has no text here");
    attribute(this.head, "title", `${name}${this.calls.shown}`); // whole, where it is cut
    attribute(this.element, "aria-label", `Code of ${name}${shown ? ` in ${shown.name}` : ""}`);
    mark(this.element, "bl-wrong", wrong);
    const count = Math.max(1, Math.floor((room - HEAD) / ROW));
    this.list.style.height = `${count * ROW}px`;
    this.fill(tables, shown, next, done, count, width);
  }

  fill(tables, shown, next, done, count, width) {
    while (this.rows.length < count) {
      const row = { sign: el("span", { class: "bl-sign" }), number: el("span", { class: "bl-n" }), text: el("code") };
      row.element = el("li", {}, row.sign, row.number, row.text);
      this.rows.push(row);
      this.list.append(row.element);
    }
    const source = shown ? tables.functions[shown.f] : null;
    const lines = source ? narrowed(source) : [];
    if (this.function !== shown?.f) this.first = 1;
    this.function = shown?.f;
    const sight = shown ? linesInSight(lines, shown.line, count, width, this.first) : { first: 1, last: 0 };
    this.first = sight.first;
    const rows = [];
    for (let line = sight.first; line <= sight.last; line++)
      wrap(lines[line - 1], width).forEach((text, i) => rows.push({ text, line, head: i === 0 }));
    const doneLine = done && done.f === shown?.f ? done.line : 0;
    const nextLine = next ? next.line : 0;
    this.rows.forEach((row, i) => {
      const made = rows[i];
      put(row.text, made ? made.text : "");
      put(row.number, made?.head ? String(source.first_line + made.line - 1) : "");
      const isNext = Boolean(made) && made.line === nextLine;
      const isDone = Boolean(made) && made.line === doneLine;
      put(row.sign, made?.head ? (isNext ? "\u25b6" : isDone ? "\u2713" : "") : "");
      attribute(row.element, "aria-current", isNext ? "step" : null);
      mark(row.element, "bl-done-line", isDone && !isNext);
      row.element.hidden = i >= count;
    });
  }
}

/** The panes of a few threads above each other; threads: their numbers, the acting one first. */
export class Code {
  constructor() {
    this.panes = [new Pane(), new Pane(), new Pane()];
    this.element = el("div", { class: "bl-panes" }, ...this.panes.map(({ element }) => element));
  }

  update(mirror, threads, { ran, wrong }) {
    const height = this.element.clientHeight;
    if (!height) return;
    const width = this.characters();
    const shown = threads.slice(0, this.panes.length);
    const room = Math.floor(height / Math.max(1, shown.length));
    this.panes.forEach((pane, i) => {
      pane.element.hidden = i >= shown.length;
      if (i < shown.length) pane.update(mirror, shown[i], room, width, { ran: ran === shown[i], wrong: wrong.includes(shown[i]) });
    });
  }

  /** How many characters of code fit in a line. */
  characters() {
    const wide = this.element.clientWidth;
    if (this.measured !== wide) {
      this.measured = wide;
      const probe = el("code", { class: "bl-probe", text: "0".repeat(50) });
      this.panes[0].list.append(probe);
      this.letters = Math.max(20, Math.floor((wide - 62) / (probe.getBoundingClientRect().width / 50)));
      probe.remove();
    }
    return this.letters;
  }
}

/** A function's lines with half their indentation: more of them fit in a row. */
export function narrowed(source) {
  source.narrow ||= source.lines.map((line) => line.slice(Math.floor((line.length - line.trimStart().length) / 2)));
  return source.narrow;
}
