/** One card a thread: whether it can run and why not, its calls, and the driver's text with the current line marked. */
import { attribute, el, mark, put } from "./dom.js";
import { Badge } from "./fates.js";
import { callStack, linesInSight, stackWords, wrap } from "./words.js";

const ROOM = 34; // rows of text that the cards have together, beside the map
const AROUND = 5; // of them, what a card needs beside its driver text
const FEWEST_ROWS = 5;

/**
 * The cards. A thread that is `brief` (the host's, of two lines) has a card of one line, without text. step(thread
 * number) is called when a thread is chosen to take the next step.
 */
export class Threads {
  constructor(threads, step) {
    const brief = threads.filter((thread) => thread.brief).length;
    const full = Math.max(1, threads.length - brief);
    const rows = Math.max(FEWEST_ROWS, Math.floor((ROOM - 2 * brief) / full) - AROUND);
    this.cards = threads.map((thread, i) => new Card(thread, thread.brief ? 0 : rows, () => step(i)));
    this.element = el("div", { class: "bl-threads" }, ...this.cards.map((card) => card.element));
    this.resizer = new ResizeObserver(() => this.measure());
    this.resizer.observe(this.element);
  }

  /** How many characters of driver text fit in a row. */
  measure() {
    const code = this.cards.find(({ rows }) => rows)?.code;
    if (!code || !code.clientWidth) return;
    const probe = el("code", { class: "bl-probe", text: "0".repeat(50) });
    code.append(probe);
    this.width = Math.max(20, Math.floor((code.clientWidth - 42) / (probe.getBoundingClientRect().width / 50)));
    probe.remove();
    if (this.mirror) this.update(this.mirror);
  }

  /**
   * @param {Mirror} mirror
   * @param {boolean} busy whether the kernel is at work: then nobody can be chosen
   * @param {Object|null} found what can become of each thread's step (fates.js), if that is shown
   */
  update(mirror, busy = this.busy, found = this.found) {
    Object.assign(this, { mirror, busy, found });
    mark(this.element, "bl-foreseen", Boolean(found));
    const { trace, position } = mirror;
    const ran = position > 0 ? trace.step.thread.data[position - 1] : -1;
    const following = position < trace.length ? trace.step.thread.data[position] : -1;
    this.cards.forEach((card, i) => {
      const wait = trace.tables.waits[mirror.waits[i]];
      card.update(trace.tables, mirror.threadAt[i], wait, this.width || 56, {
        ran: ran === i,
        next: following === i,
        busy,
        fate: found?.next[i] ?? null,
      });
    });
  }

  destroy() {
    this.resizer.disconnect();
  }
}

class Card {
  constructor(thread, rows, step) {
    this.name = thread.name;
    this.rows = rows;
    this.first = 1;
    this.status = el("p", { class: "bl-wait" });
    this.fate = new Badge();
    this.button = el("button", { type: "button", class: "bl-step", text: `Step ${thread.name}`, onclick: step });
    this.stack = el("p", { class: "bl-stack" });
    this.lines = Array.from({ length: rows }, () => ({ number: el("span", { class: "bl-n" }), text: el("code") }));
    this.code = el("ol", { class: "bl-code" }, ...this.lines.map(({ number, text }) => el("li", {}, number, text)));
    this.code.style.setProperty("--rows", rows);
    this.next = el("span", { class: "bl-next", text: "next", title: "The recorded timeline goes on with this thread" });
    const name = el("h4", { text: thread.name, title: thread.role });
    const parts = rows
      ? [el("header", {}, name, this.next, this.fate.element, this.button), this.status, this.stack, this.code]
      : [el("header", {}, name, this.status, this.next, this.fate.element, this.button)];
    this.element = el(
      "section",
      { class: "bl-thread", "aria-label": `Thread ${thread.name}: ${thread.role}` },
      ...parts,
    );
  }

  update(tables, location, wait, width, { ran, next, busy, fate }) {
    const able = wait.status === "runnable";
    put(this.status, able ? (fate ? `can run; ${fate.ahead}` : "can run") : wait.text);
    this.fate.show(fate?.look);
    if (fate) this.element.style.setProperty("--bl-of-fate", fate.look.colour);
    else this.element.style.removeProperty("--bl-of-fate");
    attribute(this.element, "data-status", wait.status);
    this.button.disabled = !able || Boolean(busy);
    attribute(this.button, "title", able ? null : `${this.name} ${wait.text}`);
    mark(this.element, "bl-ran", ran);
    mark(this.next, "bl-off", !next);
    if (this.location === location && this.width === width && this.tables === tables.locations) return;
    Object.assign(this, { location, width, tables: tables.locations });
    const stack = callStack(tables, location);
    const call = stack[stack.length - 1];
    put(this.stack, stackWords(stack, width + 4));
    attribute(this.stack, "title", stackWords(stack, Infinity));
    this.show(tables, call, width);
  }

  show(tables, call, width) {
    const lines = call ? narrowed(tables.functions[call.function]) : [];
    if (call && call.function !== this.function) this.first = 1;
    this.function = call?.function;
    const { first, last } = call ? linesInSight(lines, call.line, this.rows, width, this.first) : { first: 1, last: 0 };
    this.first = first;
    const rows = [];
    for (let line = first; line <= last; line++)
      wrap(lines[line - 1], width).forEach((text, i) =>
        rows.push({ text, number: i ? "" : line, current: line === call.line }),
      );
    this.lines.forEach(({ number, text }, i) => {
      const row = rows[i] || { text: "", number: "", current: false };
      put(number, row.current && row.number ? `\u25b6 ${row.number}` : String(row.number));
      put(text, row.text);
      attribute(number.parentNode, "aria-current", row.current ? "step" : null);
    });
  }
}

/** A function's lines with half their indentation: more of them fit in a row. */
function narrowed(source) {
  source.narrow ||= source.lines.map((line) => line.slice(Math.floor((line.length - line.trimStart().length) / 2)));
  return source.narrow;
}
