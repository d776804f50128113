/** Locks, lists, messages, host, counters: what each panel says is a pure function of the mirror; the DOM follows. */
import { Device } from "./device.js";
import { el, mark, put } from "./dom.js";
import { hugeBlocks } from "./levels.js";
import { Table } from "./table.js";
import { putTerms } from "./terms.js";
import { KIND } from "./trace.js";
import { BALLOON_PAGE, MESSAGE_STATUS, OVERWRITTEN, bytes, counted, hex, number, ranges } from "./words.js";

const PAGE_LOCKS = 3; // locked pages shown one by one
const LIST_PAGES = 6; // pages of a list shown from its head,
const LIST_WIDTH = 30; // and the characters they may take: two lines
const MESSAGES = 6; // latest messages shown
const QUEUES = ["inflate", "deflate", "statistics"];

/** What the last step changed: sets of value slots, locks, lists, messages; whether any page lock. */
export function changesOf(mirror) {
  const { trace, position } = mirror;
  const changes = { values: new Set(), locks: new Set(), lists: new Set(), messages: new Set(), pageLocks: new Set() };
  if (position === 0) return changes;
  const { kind, key } = trace.events;
  for (let i = trace.start(trace.eventEnd, position - 1); i < trace.eventEnd.data[position - 1]; i++) {
    const at = key.data[i];
    switch (kind.data[i]) {
      case KIND.VALUE:
        changes.values.add(at);
        break;
      case KIND.LOCK:
        changes.locks.add(at);
        break;
      case KIND.PAGE_LOCK:
        changes.pageLocks.add(at);
        break;
      case KIND.MESSAGE:
        changes.messages.add(at);
        break;
      case KIND.MESSAGE_PFN:
        changes.messages.add(trace.messageAt(at));
        break;
      case KIND.LINK:
        changes.lists.add(mirror.listTouched(i));
        break;
      default:
    }
  }
  return changes;
}

/** Rows of the lock panel: each lock with holder and waiters, then the pages that are locked. */
export function lockRows(mirror, changes) {
  const { tables } = mirror.trace;
  const waiting = (name) =>
    tables.threads.filter(
      (_, i) => tables.waits[mirror.waits[i]].on === name && tables.waits[mirror.waits[i]].status === "blocked",
    );
  const row = (shown, holder, on, changed) => ({
    texts: [
      shown,
      holder < 0 ? "free" : tables.threads[holder].name,
      waiting(on)
        .map(({ name }) => name)
        .join(", ") || "\u2013",
    ],
    changed,
    held: holder >= 0,
  });
  const rows = tables.locks.map((name, i) => row(name, mirror.locks[i], name, changes.locks.has(i)));
  const pages = mirror.lockedPages();
  for (const [page, holder] of pages.slice(0, PAGE_LOCKS))
    rows.push(row(`page ${hex(page)}`, holder, `the lock of page ${hex(page)}`, changes.pageLocks.has(page)));
  if (pages.length > PAGE_LOCKS)
    rows[rows.length - 1] = { texts: [counted(pages.length - PAGE_LOCKS + 1, "more locked page"), "", ""] };
  return rows;
}

/** Rows of the list panel: name, length, pages from the head. */
export function listRows(mirror, changes) {
  return mirror.trace.tables.lists.map(({ name }, i) => {
    const length = mirror.lengths[i];
    const pages = mirror.pagesOf(i, LIST_PAGES).map(hex);
    while (pages.join(" ").length > LIST_WIDTH) pages.pop();
    const head = pages.join(" ");
    return {
      texts: [name, number(length), length > pages.length ? `${head} \u2026` : head || "empty"],
      changed: changes.lists.has(i),
    };
  });
}

/** Rows of the message panel: the latest first, each with its number on its queue. */
export function messageRows(mirror, changes) {
  const rows = [];
  for (let i = mirror.status.sent - 1; i >= 0 && rows.length < MESSAGES; i--) {
    const { pfns, overwritten } = mirror.messagePfns(i);
    const state = MESSAGE_STATUS[mirror.status.data[i]] + (overwritten ? `, ${OVERWRITTEN}` : "");
    const texts = [messageName(mirror.trace, i), pfnWords(pfns), state];
    rows.push({ texts, changed: changes.messages.has(i) });
  }
  return rows;
}

/** A message as wire and tab call it: its queue and its number there. */
function messageName({ messages, nth }, i) {
  return `${QUEUES[messages.queue.data[i]]} No. ${number(nth.data[i])}`;
}

function pfnWords(pfns) {
  if (!pfns.length) return "\u2013";
  const all = ranges(pfns, 1);
  return all.includes(",") ? `${number(pfns.length)} from ${hex(pfns[0])}` : `${number(pfns.length)}: ${all}`;
}

/** The PFNs of the latest message, as ranges. */
export function latestPfns(mirror) {
  const last = mirror.status.sent - 1;
  if (last < 0 || !mirror.trace.messages.count.data[last]) return "\u00a0";
  return `${messageName(mirror.trace, last)}: ${ranges(mirror.messagePfns(last).pfns, 8)}`;
}

/** Rows of the values of one group: name, number with its unit. */
export function valueRows(mirror, changes, group) {
  const rows = [];
  mirror.trace.tables.values.forEach((value, slot) => {
    if (value.group !== group) return;
    const n = mirror.values[slot];
    const pages = value.unit === "4 KiB pages" && group === "host";
    const shown = pages ? `${number(n)} (${bytes(n * BALLOON_PAGE)})` : number(n);
    rows.push({ texts: [value.name, shown], changed: changes.values.has(slot) });
  });
  return rows;
}

/** Names of the flags that are set. */
export function flagsSet(mirror) {
  return mirror.trace.tables.values
    .filter(({ group }, slot) => group === "flag" && mirror.values[slot])
    .map(({ name }) => name);
}

/** Free blocks by order, all zones together, and how many free 2 MiB blocks they make. */
export function freeBlocks(mirror, changes) {
  const blocks = [];
  mirror.trace.tables.values.forEach((value, slot) => {
    if (value.group !== "free") return;
    const block = (blocks[value.order] ||= { n: 0, changed: false });
    block.n += mirror.values[slot];
    block.changed ||= changes.values.has(slot);
  });
  return { blocks, huge: hugeBlocks(mirror.trace.tables, (slot) => mirror.values[slot]) };
}

/** The tabs that tell locks, lists, messages and numbers: [name, element, update(mirror)] each. */
export class Panels {
  /** changed(): something else is to be shown. */
  constructor(tables, changed) {
    const of = (group) => tables.values.filter((value) => value.group === group).length;
    this.locks = new Table("Locks", ["Lock", "Held by", "Waiting"], tables.locks.length + PAGE_LOCKS, "bl-locks");
    this.lists = new Table("Lists of pages", ["List", "Pages", "From the head"], tables.lists.length, "bl-lists");
    this.messages = new Table("Messages to the host", ["Queue, No.", "PFNs", "State"], MESSAGES, "bl-messages");
    this.pfns = el("p", { class: "bl-pfns" });
    this.sent = el("p", { class: "bl-small-text" });
    this.counters = new Table("Counters", ["Counter", "Now"], of("counter"), "bl-numbers");
    this.host = new Table("Device", ["Config space and host", "Now"], of("host"), "bl-numbers");
    this.flags = el("p", { class: "bl-small-text" });
    const config = { element: el("div", {}, this.host.element, this.flags), update: (mirror) => this.showConfig(mirror) };
    this.device = new Device(tables.members, config, changed);
    this.huge = el("p", { class: "bl-small-text" });
    const orders = new Set(tables.values.filter(({ group }) => group === "free").map(({ order }) => order));
    this.free = new Table("Free blocks by order", ["Order", "Pages each", "Free blocks"], orders.size, "bl-numbers");
    const page = (...inside) => el("div", { class: "bl-panel" }, ...inside);
    this.pages = [
      ["messages", page(this.sent, this.messages.element, this.pfns), (mirror) => this.showMessages(mirror)],
      ["locks", page(this.locks.element), (mirror) => this.showLocks(mirror)],
      ["lists", page(this.lists.element), (mirror) => this.lists.fill(listRows(mirror, changesOf(mirror)))],
      ["free lists", page(this.free.element, this.huge), (mirror) => this.showFree(mirror)],
      ["counters", page(this.counters.element), (mirror) => this.counters.fill(valueRows(mirror, changesOf(mirror), "counter"))],
      ["device", this.device.element, (mirror) => this.device.update(mirror)],
    ];
  }

  showMessages(mirror) {
    this.messages.fill(messageRows(mirror, changesOf(mirror)));
    put(this.pfns, latestPfns(mirror));
    put(this.sent, counted(mirror.status.sent, "message"));
  }

  showLocks(mirror) {
    const rows = lockRows(mirror, changesOf(mirror));
    this.locks.fill(rows);
    this.locks.rows.forEach((row, i) => mark(row, "bl-held", Boolean(rows[i]?.held)));
  }

  showFree(mirror) {
    const { blocks, huge } = freeBlocks(mirror, changesOf(mirror));
    this.free.fill(
      blocks.map(({ n, changed }, order) => ({ texts: [String(order), number(2 ** order), number(n)], changed })),
    );
    put(this.huge, `${number(huge)} free 2 MiB ${huge === 1 ? "block" : "blocks"}`);
  }

  showConfig(mirror) {
    this.host.fill(valueRows(mirror, changesOf(mirror), "host"));
    putTerms(this.flags, `Flags set: ${flagsSet(mirror).join(", ") || "none"}`);
  }
}
