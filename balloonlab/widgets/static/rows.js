/** A row for each thread of the guest: the line that it does next, locks that it has and wants, its Step. */
import { lineText, ownCall } from "./calls.js";
import { hasCpu } from "./cpu.js";
import { attribute, el, mark, off, put } from "./dom.js";
import { Badge } from "./fates.js";
import { putTerms } from "./terms.js";
import { hex } from "./words.js";

const ROOMY = 3; // so many rows have room to spare; more than those are tighter
const CHIPS = 4;

/** What a thread has and wants: [{text, wants}]. Every held lock has its mark. */
export function locksOf(mirror, thread) {
  const { tables } = mirror.trace;
  const chips = [];
  mirror.locks.forEach((holder, i) => holder === thread && chips.push({ text: `has ${tables.locks[i]}`, wants: false }));
  for (const [page, holder] of mirror.lockedPages())
    if (holder === thread) chips.push({ text: `has page ${hex(page)}`, wants: false });
  tables.threads.forEach(({ name }, i) => {
    const { status, on, holder } = tables.waits[mirror.waits[i]];
    if (status === "blocked" && on === "its CPU" && holder === tables.threads[thread].name) chips.push({ text: `has ${name}'s CPU`, wants: false });
  });
  const wait = tables.waits[mirror.waits[thread]];
  if (wait.status === "blocked") {
    const on = wait.on.replace(/^the lock of /, "");
    chips.push({ text: `wants ${on}`, wants: true });
  }
  return chips;
}

export class ThreadRows {
  /** sharing: numbers of the threads on one CPU. step(thread), pin(thread): what the learner chose. */
  constructor(threads, { sharing, step, pin }) {
    this.sharing = sharing;
    const guests = threads.flatMap(({ brief }, i) => (brief ? [] : [i]));
    this.rows = guests.map((thread) => new Row(threads[thread], thread, step, pin));
    this.element = el("ol", { class: "bl-rows", "aria-label": "Threads of the guest" }, ...this.rows.map(({ element }) => element));
    mark(this.element, "bl-tight", guests.length > ROOMY);
  }

  update(mirror, busy, found, { pinned, wrong }) {
    const { trace, position } = mirror;
    const ran = position ? trace.step.thread.data[position - 1] : -1;
    const next = position < trace.length ? trace.step.thread.data[position] : -1;
    const runs = hasCpu(mirror, this.sharing);
    for (const row of this.rows)
      row.update(mirror, {
        cpu: runs >= 0 && runs !== row.thread && this.sharing.includes(row.thread) ? trace.tables.threads[runs].name : "",
        busy,
        fate: found?.next[row.thread] ?? null,
        ran: ran === row.thread,
        next: next === row.thread,
        pinned: pinned.includes(row.thread),
        wrong: wrong.includes(row.thread),
      });
  }
}

class Row {
  constructor({ name, role }, thread, step, pin) {
    this.thread = thread;
    this.name = name;
    this.line = el("code");
    this.chips = Array.from({ length: CHIPS }, () => el("span", { class: "bl-chip" }));
    this.wait = el("span", { class: "bl-wait" });
    this.fate = new Badge();
    this.step = el("button", { type: "button", class: "bl-small bl-step", text: "Step", onclick: () => step(thread) });
    this.pin = el("button", { type: "button", class: "bl-name", text: name, onclick: () => pin(thread) });
    this.role = role;
    this.at = el("span", { class: "bl-at" }, el("span", { "aria-hidden": "true", text: "\u25b6 " }), this.line);
    this.marks = el("span", { class: "bl-marks" }, ...this.chips, this.wait);
    this.element = el("li", { class: "bl-thread", "aria-label": `Thread ${name}: ${role}` }, this.pin, this.at, this.fate.element, this.step, this.marks);
  }

  update(mirror, { cpu, busy, fate, ran, next, pinned, wrong }) {
    const { tables } = mirror.trace;
    const at = mirror.threadAt[this.thread];
    const wait = tables.waits[mirror.waits[this.thread]];
    const able = wait.status === "runnable" && !cpu;
    const waits = cpu ? `could go on, but ${cpu} has the CPU until it waits` : wait.text;
    const call = ownCall(tables, at);
    const text = lineText(tables, at).replace(/^yield (from )?/, "");
    putTerms(this.line, call ? `${tables.functions[call.f].first_line + call.line - 1} ${text}` : "\u2013");
    attribute(this.at, "title", call ? `${call.name}: ${text}` : null);
    const chips = locksOf(mirror, this.thread);
    this.chips.forEach((node, i) => {
      const last = i === CHIPS - 1 && chips.length > CHIPS;
      put(node, last ? `${chips.length - CHIPS + 1} more` : (chips[i]?.text ?? ""));
      attribute(node, "title", last ? chips.slice(i).map((chip) => chip.text).join(", ") : null);
      mark(node, "bl-wants", Boolean(chips[i]?.wants) && !last);
      node.hidden = i >= chips.length;
    });
    const told = able ? (fate ? `can run; ${fate.ahead}` : next ? "can run, and does next" : "can run") : waits;
    putTerms(this.wait, told);
    attribute(this.marks, "title", [...chips.map((chip) => chip.text), told].join(", "));
    this.fate.show(fate?.look);
    if (fate) this.element.style.setProperty("--bl-of-fate", fate.look.colour);
    else this.element.style.removeProperty("--bl-of-fate");
    attribute(this.element, "data-status", cpu ? "blocked" : wait.status);
    off(this.step, !able || Boolean(busy));
    attribute(this.step, "aria-label", `Step ${this.name}`);
    attribute(this.step, "title", able ? `Let ${this.name} take its step` : `${this.name} ${waits}`);
    attribute(this.pin, "aria-pressed", String(pinned));
    attribute(this.pin, "title", `${this.role}. Click to ${pinned ? "close" : "open"} a pane of its code`);
    mark(this.element, "bl-ran", ran);
    mark(this.element, "bl-wrong", wrong);
  }
}
