/** struct virtio_balloon, member by member: C type, value, what guards it, and what the last step did to it. */
import { attribute, el, mark, put } from "./dom.js";
import { KIND } from "./trace.js";
import { counted, hex, number } from "./words.js";

const ON_QUEUE = ["added", "in flight", "read", "acked"]; // of a message, by its status; then it is taken back
const WORK_BITS = ["queued", "running", "being cancelled"]; // bits of a work item
const ALONE = "only ";
const THEMSELVES = ["is a lock", "its own lock"];
const UNSAID = "nobody says";
const ROW_HEIGHT = 12; // pixels, at least

/** What the step that led here touched: Map of names of objects to whether they were written. */
export function lastTouches(mirror) {
  const { trace, position } = mirror;
  const { tables, step } = trace;
  const found = new Map();
  if (!position || step.thread.data[position - 1] < 0) return found;
  const verb = tables.verbs[step.verb.data[position - 1]];
  const { reads, hosts, beside, here } = tables.touches;
  if (verb === here) return found.set(listLeft(mirror), true);
  const obj = tables.objects[step.obj.data[position - 1]];
  if (obj && !hosts.includes(verb)) found.set(obj, !reads.includes(verb));
  for (const [name, writes] of beside[verb] ?? []) found.set(name, writes);
  return found;
}

/** The name of the list that a page left in the last step. */
function listLeft(mirror) {
  const { trace, position } = mirror;
  for (let i = trace.start(trace.eventEnd, position - 1); i < trace.eventEnd.data[position - 1]; i++)
    if (trace.events.kind.data[i] === KIND.LINK) return trace.tables.lists[mirror.listTouched(i)]?.name ?? "";
  return "";
}

/** Rows of the structure: [{name, ctype, now, guard, touched, kept}]; kept: false where the guard was passed over. */
export function memberRows(mirror) {
  const last = lastTouches(mirror);
  return mirror.trace.tables.members.map((member) => {
    const touched = Boolean(member.obj) && last.has(member.obj);
    const kept = touched ? keeps(mirror, member.guard) : null;
    const guard = touched ? guardWords(mirror, member.guard, last.get(member.obj), kept) : member.guard;
    return { name: member.name, ctype: member.ctype, now: nowWords(mirror, member), guard, touched, kept };
  });
}

/** Whether the thread of the last step keeps to a guard; null where nothing is asked of it. */
function keeps(mirror, guard) {
  if ([...THEMSELVES, UNSAID].includes(guard)) return null;
  const { tables, step } = mirror.trace;
  const thread = step.thread.data[mirror.position - 1];
  if (guard.startsWith(ALONE)) return tables.threads[thread].name === guard.slice(ALONE.length);
  return mirror.locks[tables.locks.indexOf(guard)] === thread;
}

function guardWords({ trace, position }, guard, writes, kept) {
  const does = writes ? "written" : "read";
  if (THEMSELVES.includes(guard)) return guard;
  if (guard === UNSAID) return `${does}: no lock named`;
  if (guard.startsWith(ALONE)) return `${does} by ${trace.tables.threads[trace.step.thread.data[position - 1]].name}`;
  return kept ? `${does}: ${guard} held` : `${does}: no ${guard}`;
}

function nowWords(mirror, { kind, number: at, now, obj }) {
  const { threads, lists } = mirror.trace.tables;
  if (kind === "lock") return mirror.locks[at] < 0 ? "free" : `held by ${threads[mirror.locks[at]].name}`;
  if (kind === "wait queue") {
    const asleep = threads.filter((_, i) => mirror.sleeps[i] === at + 1).map(({ name }) => name);
    return asleep.length ? `${asleep.join(", ")} sleeps` : "nobody sleeps";
  }
  if (kind === "list") return counted(mirror.lengths[lists.findIndex(({ name }) => name === obj)], "page");
  if (kind === "queue") return latestOn(mirror, at);
  if (kind === "work") return workWords(mirror.values[at]);
  if (kind === "pfns") return slotWords(mirror);
  if (kind === "pointer") return mirror.values[at] ? now : "not there";
  return kind === "value" || kind === "tally" ? number(mirror.values[at]) : now;
}

export function workWords(state) {
  return WORK_BITS.filter((_, bit) => (state >> bit) & 1).join(", ") || "idle";
}

function latestOn({ trace, status }, queue) {
  for (let i = status.sent - 1; i >= 0; i--)
    if (trace.messages.queue.data[i] === queue)
      return ON_QUEUE[status.data[i]] ? `No. ${number(trace.nth.data[i])} ${ON_QUEUE[status.data[i]]}` : "empty";
  return "empty";
}

function slotWords(mirror) {
  const count = mirror.values[mirror.trace.tables.values.findIndex(({ name }) => name === "num_pfns")];
  if (!count) return "none counted";
  return `${hex(mirror.slots[0])}${count > 1 ? `, ${number(count - 1)} more` : ""}`;
}

/** The rows that fit, the last step's among them; the others are a page further. */
export class Members {
  constructor(members) {
    this.page = 0;
    this.rows = members.map(() => this.row());
    this.list = el("ol", { class: "bl-members", "aria-label": "struct virtio_balloon" }, ...this.rows.map(({ element }) => element));
    this.more = el("button", { type: "button", class: "bl-inline", onclick: () => this.turn() });
    this.element = el("div", { class: "bl-members-page" }, this.list);
  }

  row() {
    const row = { name: el("code"), ctype: el("span", { class: "bl-ctype" }), now: el("span"), guard: el("span") };
    row.declared = el("span", {}, row.name, row.ctype);
    row.element = el("li", {}, row.declared, row.now, row.guard);
    return row;
  }

  turn() {
    this.page += 1;
    this.fill();
  }

  update(mirror) {
    this.shown = memberRows(mirror);
    const touched = this.shown.findLastIndex((row) => row.touched);
    if (mirror.position !== this.position && touched >= 0) this.page = Math.floor(touched / this.fit());
    this.position = mirror.position;
    this.fill();
  }

  /** How many rows there is room for. */
  fit() {
    return Math.max(4, Math.floor(this.list.clientHeight / ROW_HEIGHT)) || this.rows.length;
  }

  fill() {
    const fit = this.fit();
    const pages = Math.ceil(this.shown.length / fit);
    this.page %= pages;
    const first = Math.max(0, Math.min(this.page * fit, this.shown.length - fit));
    this.more.hidden = pages < 2;
    put(this.more, `${first + 1}\u2013${Math.min(this.shown.length, first + fit)} of ${this.shown.length}`);
    attribute(this.more, "aria-label", `Further members, shown are ${this.more.shown}`);
    this.rows.forEach((row, i) => {
      const { name, ctype, now, guard, touched, kept } = this.shown[i];
      row.element.hidden = i < first || i >= first + fit;
      put(row.name, name);
      put(row.ctype, ctype);
      put(row.now, now);
      put(row.guard, guard);
      row.declared.title = `${ctype} ${name}`;
      row.now.title = now;
      row.guard.title = guard;
      mark(row.element, "bl-changed", touched);
      mark(row.element, "bl-against", kept === false);
    });
  }
}
