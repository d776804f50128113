/** Panes of driver text: what the acting thread has just done, what it does next, in the driver's own function. */
import { framesOf, locationBefore, ownDepth, returnOf } from "./calls.js";
import { attribute, el, mark, put } from "./dom.js";
import { firstOfCode, foldedLines } from "./folds.js";
import { RemarkMark, Remarks, nextMark, oneTabStop } from "./remarks.js";
import { putTerms } from "./terms.js";
import { counted, wrap } from "./words.js";

const ROW = 17; // CSS pixels of a line
const HEAD = 23;
const PLACE_ROW = 17; // where in the kernel it stands
const PLACED_FROM = 150; // from this height on a pane has room for that
const MARK_WIDTH = 3; // characters that the marks of remarks take
const BEHIND = "\u0001"; // where a word stands after a line's text

/** One row of a pane: a line of code, or a fold; a word or a button may stand behind the text. */
class CodeRow {
  constructor() {
    this.mark = new RemarkMark();
    this.sign = el("span", { class: "bl-sign" });
    this.number = el("span", { class: "bl-n" });
    this.text = el("code");
    this.word = el("span", { class: "bl-word-behind" });
    this.button = el("button", { type: "button", class: "bl-inline", onclick: () => this.act?.() });
    this.element = el("li", {}, el("span", { class: "bl-slot" }, this.mark.button), this.sign, this.number, el("span", { class: "bl-line" }, this.text, this.word, this.button));
  }

  show({ text = "", number = "", sign = "", word = "", button = "", about = "", act = null, next = false, done = false, held = false, back = false }) {
    putTerms(this.text, text);
    put(this.number, number);
    put(this.sign, sign);
    put(this.word, word);
    put(this.button, button);
    this.button.hidden = !button;
    this.act = act;
    attribute(this.element, "title", about || null);
    attribute(this.element, "aria-current", next ? "step" : null);
    mark(this.element, "bl-done-line", done && !next);
    mark(this.element, "bl-held-line", held);
    mark(this.element, "bl-back-line", back);
  }
}

class Pane {
  /** choose(thread, frame or null): another of the thread's calls is to be shown. again(): show it anew. places: of the driver's routines. remarks: the panel. */
  constructor({ choose, again, places, remarks }) {
    Object.assign(this, { choose, again, places, remarks, rows: [], first: 1, open: null });
    this.name = el("b");
    this.in = el("span", { class: "bl-calls", text: " in " });
    this.place = el("p", { class: "bl-where-in-kernel" });
    this.calls = el("span", { class: "bl-calls" });
    this.caller = el("button", { type: "button", class: "bl-inline" });
    this.caller.addEventListener("click", () => this.goOut?.());
    this.head = el("header", {}, this.name, this.in, this.caller, this.calls);
    this.list = el("ol", { class: "bl-code", onkeydown: (event) => this.key(event) });
    this.element = el("section", { class: "bl-pane" }, this.head, this.place, this.list);
  }

  update(mirror, thread, { room, width, ran, instead, wrong, chosen, held }) {
    const { tables } = mirror.trace;
    const { name } = tables.threads[thread];
    const now = framesOf(tables, mirror.threadAt[thread]);
    const before = ran ? framesOf(tables, locationBefore(mirror, thread)) : [];
    const frames = now.length ? now : before;
    const own = ownDepth(frames);
    if (chosen && frames[chosen.depth]?.f !== chosen.f) this.choose(thread, null);
    const depth = chosen && frames[chosen.depth]?.f === chosen.f ? chosen.depth : own;
    const shown = frames[depth] ?? null;
    const to = (at) => () => this.choose(thread, at === own ? null : { depth: at, f: frames[at].f });
    const back = ran ? returnOf(mirror, thread) : null;
    this.showHead(name, frames, depth, { back, instead, to });
    mark(this.element, "bl-wrong", wrong);
    this.place.hidden = !this.places || room < PLACED_FROM; // kept while a routine has none, so that no line jumps
    const count = Math.max(1, Math.floor((room - HEAD - (this.place.hidden ? 0 : PLACE_ROW)) / ROW));
    this.list.style.height = `${count * ROW}px`;
    const marks = {
      next: now.length ? (shown?.line ?? 0) : 0,
      done: shown && before[depth]?.f === shown.f && depth === before.length - 1 ? before[depth].line : 0,
      back: back && back.depth === depth ? back : null,
      helper: frames[depth + 1] ? { name: frames[depth + 1].name, act: () => this.act(to(depth + 1), this.caller) } : null,
      held: shown && now.length ? held.linesOf(mirror, thread, { f: shown.f, depth }) : [],
    };
    this.fill(tables, shown, count, width, marks);
  }

  /** instead: who made the last step, where that is none of the threads whose code is shown. */
  showHead(name, frames, depth, { back, instead, to }) {
    const shown = frames[depth];
    const caller = frames[depth - 1];
    put(this.name, name);
    const last = instead ? ` (last step: ${instead})` : "";
    put(this.in, `${last} in `);
    this.in.hidden = !shown && !last;
    this.caller.hidden = !caller;
    put(this.caller, caller ? `\u2039 ${caller.name}` : "");
    this.goOut = caller ? () => this.act(to(depth - 1), this.caller) : null;
    attribute(this.caller, "title", caller ? `Show the call in ${caller.name}` : null);
    const inner = shown && frames.length > depth + 1 ? ` \u00b7 inside ${frames.slice(depth + 1).map((frame) => frame.name).join(" \u203a ")}` : "";
    const came = back && back.depth !== depth ? ` \u00b7 ${backWords(back)}` : "";
    put(this.calls, shown ? `${caller ? " \u203a " : ""}${shown.name}${inner}${came}` : " has no text here");
    const way = shown ? `in ${frames.map((frame) => frame.name).join(" \u203a ")}${came}` : "has no text here";
    const place = shown && this.places ? (this.places[shown.name] ?? "not one of the driver's own routines") : "";
    put(this.place, place);
    attribute(this.place, "title", place || null);
    attribute(this.head, "title", [`${name} ${way}${last}`, place].filter(Boolean).join("\n")); // whole, where it is cut
    attribute(this.element, "aria-label", `Code of ${name}${shown ? ` in ${shown.name}` : ""}`);
  }

  /** Do what a button says, and leave the focus on a button: the one that was pressed may be gone. */
  act(change, instead) {
    const focused = this.element.contains(document.activeElement);
    change();
    this.again();
    if (!focused || this.element.contains(document.activeElement)) return;
    const buttons = [instead, ...this.rows.map(({ button }) => button)];
    buttons.find((button) => !button.hidden && !button.closest("[hidden]"))?.focus();
  }

  /** Arrows lead from mark to mark. */
  key(event) {
    const to = nextMark(this.marks(), event.target, event.key);
    if (!event.target.matches(".bl-remark-mark") || !to) return;
    to.button.focus();
    oneTabStop(this.marks());
    event.preventDefault();
    event.stopPropagation();
  }

  marks() {
    return this.rows.filter(({ element }) => !element.hidden).map(({ mark }) => mark);
  }

  fill(tables, shown, count, width, { next, done, back, helper, held }) {
    while (this.rows.length < count) {
      const row = new CodeRow();
      this.rows.push(row);
      this.list.append(row.element);
    }
    this.rows.forEach((row, i) => (row.element.hidden = i >= count));
    const source = shown ? tables.functions[shown.f] : null;
    if (this.function !== shown?.f) this.first = source ? firstOfCode(source.lines) : 1;
    if (this.function !== shown?.f || this.at !== shown?.line) this.open = null;
    this.function = shown?.f;
    this.at = shown?.line;
    const noted = Boolean(source?.notes?.length);
    mark(this.list, "bl-noted", noted);
    const made = source ? this.textRows(source, shown, { count, width: noted ? width - MARK_WIDTH : width, back, helper, held }) : [];
    const open = (notes, from) => this.remarks.open(notes, from);
    for (let i = 0; i < count; i++) {
      const { line, fold, text, head } = made[i] ?? {};
      const [from, to] = fold ? [fold.from, fold.to] : head ? [line, line] : [0, -1];
      this.rows[i].mark.show(noted ? source.notes.filter((note) => note.line >= from && note.line <= to) : [], open);
      if (fold) {
        const lines = counted(fold.to - fold.from + 1, "line");
        this.rows[i].show({ button: `\u2026 ${lines}`, about: "Show these lines", act: () => this.act(() => (this.open = fold), this.caller) });
        continue;
      }
      const [code, behind] = (text ?? "").split(BEHIND);
      const isBack = Boolean(line) && back?.line === line;
      const taken = held.filter((each) => each.line === line).map((each) => each.name);
      const sign = line === next ? "\u25b6" : isBack ? "\u21a9" : line === done ? "\u2713" : taken.length ? "\u2022" : "";
      this.rows[i].show({
        text: code,
        number: head ? String(source.first_line + line - 1) : "",
        sign: head && line ? sign : "",
        word: behind !== undefined && isBack ? backWords(back) : "",
        ...(behind !== undefined && helper && line === shown.line ? { button: `${helper.name} \u25b8`, act: helper.act } : {}),
        about: taken.length ? `${taken.join(", ")} was taken here and is still held` : helper && line === shown.line ? `It is inside ${helper.name}: open it` : "",
        next: Boolean(line) && line === next,
        done: Boolean(line) && line === done,
        held: taken.length > 0,
        back: isBack,
      });
    }
    oneTabStop(this.marks());
  }

  /** Rows of text and folds: [{line, text, head} or {fold}]; what stands behind a line is wrapped with it. */
  textRows(source, shown, { count, width, back, helper, held }) {
    const lines = narrowed(source).slice();
    const behind = (line, word) => {
      if (!lines[line - 1]?.includes(BEHIND)) lines[line - 1] = `${lines[line - 1] ?? ""} `;
      lines[line - 1] += BEHIND.repeat(word.length + 3);
    };
    if (back) behind(back.line, backWords(back));
    if (helper) behind(shown.line, helper.name);
    const kept = [...(back ? [back.line] : []), ...held.map(({ line }) => line)];
    const { open, first: before } = this;
    const { first, parts } = foldedLines(lines, { current: shown.line, kept, open, before, rows: count, width });
    this.first = first;
    return parts.flatMap(({ line, from, to }) =>
      line ? wrap(lines[line - 1], width).map((text, i) => ({ line, text, head: i === 0 })) : [{ fold: { from, to } }],
    );
  }
}

function backWords({ name, result }) {
  return `back from ${name}${result ? `: ${result}` : ""}`;
}

/** The panes of a few threads above each other; threads: their numbers, the acting one first. */
export class Code {
  /** held: HeldLocks. places: {routine: its place in the kernel}, or null without a driver. */
  constructor(held, places) {
    this.held = held;
    this.remarks = new Remarks();
    this.chosen = new Map(); // thread -> {depth, f}: the call that is shown instead of the driver's own
    const choose = (thread, frame) => (frame ? this.chosen.set(thread, frame) : this.chosen.delete(thread));
    const again = () => this.update(...this.shown);
    this.panes = Array.from({ length: 3 }, () => new Pane({ choose, again, places, remarks: this.remarks }));
    this.element = el("div", { class: "bl-panes" }, ...this.panes.map(({ element }) => element));
  }

  update(mirror, threads, { ran, wrong }) {
    const height = this.element.clientHeight;
    if (!height) {
      this.remarks.close();
      return;
    }
    this.shown = [mirror, threads, { ran, wrong }];
    const width = this.characters();
    const shown = threads.slice(0, this.panes.length);
    const room = Math.floor(height / Math.max(1, shown.length));
    const instead = shown.includes(ran) || !mirror.position ? "" : ran < 0 ? "you" : mirror.trace.tables.threads[ran].name;
    this.panes.forEach((pane, i) => {
      const thread = shown[i];
      pane.element.hidden = i >= shown.length;
      if (thread === undefined) return;
      const chosen = this.chosen.get(thread);
      pane.update(mirror, thread, { room, width, ran: ran === thread, instead: i ? "" : instead, wrong: wrong.includes(thread), chosen, held: this.held });
    });
    this.remarks.settle(this.marks());
  }

  marks() {
    return this.panes.filter(({ element }) => !element.hidden).flatMap((pane) => pane.marks());
  }

  /** The focus to the first mark in sight; returns whether there is one. */
  toMark() {
    const found = this.marks().find(({ button }) => button.getClientRects().length);
    found?.button.focus();
    return Boolean(found);
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
