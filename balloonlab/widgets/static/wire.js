/** Messages on their way between guest and host, one row a queue; the host's threads are its ends. */
import { attribute, el, mark, off, put } from "./dom.js";
import { Badge } from "./fates.js";
import { KIND } from "./trace.js";
import { putTerms } from "./terms.js";
import { counted, hex, number, ranges } from "./words.js";

const QUEUE_ROWS = ["inflate", "deflate", "statistics"];
const LOOKED_BACK = 5000; // steps
const FULL = 256; // PFNs of a message
const PLACES = ["being filled", "added", "on its way", "read", "answered", ""]; // by status + 1
const TAKEN = 4;
const ACTS = [
  ["host_acknowledge", "Answer"],
  ["host_wants_stats", "Ask"],
  ["host_read", "Read"],
];

/** What is under way on a queue: {status, number: on that queue, count, pages: its PFNs, overwritten}, or null. -1: being filled. */
export function underWay(mirror, queue) {
  const { messages, nth } = mirror.trace;
  for (let i = mirror.status.sent - 1; i >= 0; i--) {
    if (messages.queue.data[i] !== queue) continue;
    const status = mirror.status.data[i];
    if (status >= TAKEN) break;
    const { pfns, overwritten } = mirror.messagePfns(i);
    return { status, number: nth.data[i], count: pfns.length, pages: pfns, overwritten };
  }
  return filling(mirror, queue);
}

/** The message that the driver is filling, if it is at it: the one who counted vb->num_pfns last is who fills it. */
function filling(mirror, queue) {
  const { tables } = mirror.trace;
  const slot = tables.values.findIndex(({ name }) => name === "num_pfns");
  const count = slot < 0 ? 0 : mirror.values[slot];
  const routine = ["fill_balloon", "leak_balloon"][queue];
  if (!count || !routine) return null;
  const inside = (at) => (tables.locations[at] || []).some(([f]) => tables.functions[f].name === routine);
  const index = tables.threads.findIndex(({ brief }, i) => !brief && inside(mirror.threadAt[i]));
  return index < 0 || lastToFill(mirror, slot, queue) !== index ? null : { status: -1, number: 0, count, pages: [] };
}

/** The thread that changed `slot` last, since the last message on the queue was answered; -1 if nobody did. */
function lastToFill({ trace, position }, slot, queue) {
  const { events, eventEnd, messages } = trace;
  for (let i = position - 1; i >= Math.max(0, position - LOOKED_BACK); i--)
    for (let e = trace.start(eventEnd, i); e < eventEnd.data[i]; e++) {
      const key = events.key.data[e];
      if (events.kind.data[e] === KIND.VALUE && key === slot) return trace.step.thread.data[i];
      if (events.kind.data[e] === KIND.MESSAGE && messages.queue.data[key] === queue) return -1;
    }
  return -1;
}

/** A message as words. */
export function messageWords(message, queue) {
  if (queue === 2) return `figures ${PLACES[message.status + 1]}`;
  const numbers = message.pages.length ? `: ${ranges(message.pages, 1)}` : "";
  if (message.status < 0) return `being filled: ${number(message.count)} of ${FULL} page numbers`;
  const at = PLACES[message.status + 1];
  const what = message.overwritten ? "overwritten" : counted(message.count, "page number"); // the pill is short
  return `No. ${number(message.number)} ${at}, ${what}${numbers}`;
}

export class Wire {
  /** step(thread number): a thread of the host is chosen. */
  constructor(threads, step) {
    const hosts = threads.flatMap(({ brief }, i) => (brief ? [i] : []));
    this.rows = hosts.map((thread, queue) => {
      const row = { thread, queue, fate: new Badge() };
      row.pill = el("span", { class: "bl-pill" });
      row.says = el("span", { class: "bl-host-says" });
      row.button = el("button", { type: "button", class: "bl-small", onclick: () => step(thread) });
      row.track = el("span", { class: "bl-way" }, row.pill);
      const name = QUEUE_ROWS[queue] ?? threads[thread].name;
      const queueName = el("span", { class: "bl-queue" });
      putTerms(queueName, name);
      row.element = el(
        "li",
        { "aria-label": `${name} queue` },
        queueName,
        row.track,
        row.says,
        row.fate.element,
        row.button,
      );
      return row;
    });
    this.element = el(
      "div",
      { class: "bl-wire", role: "group", "aria-label": "Messages between guest and host" },
      el("span", { class: "bl-end", text: "guest" }),
      el("ol", {}, ...this.rows.map(({ element }) => element)),
    );
  }

  update(mirror, busy, found) {
    const { tables, step } = mirror.trace;
    const ran = mirror.position ? step.thread.data[mirror.position - 1] : -1;
    for (const row of this.rows) {
      const { thread, queue } = row;
      const message = underWay(mirror, queue);
      const wait = tables.waits[mirror.waits[thread]];
      const words = message ? messageWords(message, queue) : "";
      put(row.pill, words);
      attribute(row.pill, "title", words || null);
      mark(row.pill, "bl-off", !message);
      attribute(row.track, "data-place", message ? String(message.status) : null);
      const able = wait.status === "runnable";
      putTerms(row.says, able ? "can go on" : wait.text);
      attribute(row.says, "title", `${tables.threads[thread].name} ${row.says.shown}: ${tables.threads[thread].role}`);
      put(row.button, actOf(tables, mirror.threadAt[thread]));
      attribute(row.button, "aria-label", `${row.button.shown} (${tables.threads[thread].name})`);
      off(row.button, !able || Boolean(busy));
      attribute(row.button, "title", able ? `Let ${tables.threads[thread].name} take its step` : wait.text);
      row.fate.show(found?.next[thread]?.look);
      mark(row.element, "bl-ran", ran === thread);
    }
  }
}

/** What a thread of the host does next, as a verb on its button. */
function actOf(tables, location) {
  const call = (tables.locations[location] || []).at(-1);
  if (!call) return "Step";
  const source = tables.functions[call[0]];
  const line = source.lines[call[1] - source.first_line] ?? "";
  return ACTS.find(([verb]) => line.includes(verb))?.[1] ?? "Step";
}
