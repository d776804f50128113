/** What happened, in plain words: the step, where in the whole it is, why nobody can go on. No DOM here. */
import { changesBetween, hugeBlocks } from "./levels.js";
import { KIND, NONE } from "./trace.js";
import { counted, hex, number, stepWords } from "./words.js";

export const MIGRATIONS = ["list_del_migrated", "move_lru_page"]; // verbs that say where a page went
const WHOLE = ["set_target", "compact"]; // operations with parts to be counted
const STATISTICS = 2; // the queue whose message has none
const COUNTING = ["no", "one", "two", "three", "four", "five", "six", "seven"];

/** Step number `step` as balloonlab/kernel/sentences.py tells it. */
export function stepSentence(trace, step) {
  const { tables } = trace;
  const at = (name) => trace.step[name].data[step];
  const verb = tables.verbs[at("verb")];
  const told = tables.sentences?.[verb];
  if (told === undefined) return `${stepWords(trace, step)}.`;
  const result = at("result");
  const nothing = result === NONE || (result === 0 && !tables.finds.includes(verb));
  const words = {
    page: `page ${hex(at("page"))}`,
    found: result < 0 ? "something that is no page" : `page ${hex(result)}`,
    other: hex(at("amount")),
    obj: tables.objects[at("obj")],
    n: number(at("amount")),
    result: result === NONE ? "nothing" : number(result),
  };
  const template = Array.isArray(told) ? told[nothing ? 1 : 0] : told;
  const text = template.replace(/{(\w+)}/g, (_, field) => words[field]);
  return at("thread") < 0 ? `${capital(text)}.` : `${tables.threads[at("thread")].name} ${text}.`;
}

/** Where a finding's schedule was opened: before its first step, or after one. question: what it leads to. */
export function scheduleWords(trace, position, question) {
  const begins = !position || trace.step.thread.data[position - 1] < 0; // asked from outside
  return { title: begins ? "Here the schedule begins." : stepSentence(trace, position - 1), detail: `It leads to: ${question}` };
}

export function capital(text) {
  return text ? text[0].toUpperCase() + text.slice(1) : text;
}

/** Threads that wait for each other, in order: [thread numbers], or null. A thread that waits for itself is one. */
export function ringOf(waits, names) {
  const holder = (i) => (waits[i].status === "blocked" && waits[i].holder ? names.indexOf(waits[i].holder) : -1);
  for (let first = 0; first < names.length; first++) {
    const seen = [];
    for (let at = first; at >= 0 && !seen.includes(at); at = holder(at)) {
      seen.push(at);
      if (holder(at) === first) return seen;
    }
  }
  return null;
}

/**
 * What is wrong at the mirror's position, or null: {title, detail, threads; bug: the step that met it; own: the locks,
 * [kind, key] each, that a thread holds and waits for}. A bug that was met, threads that wait for
 * each other, or nobody who can go on while somebody waits for a lock.
 */
export function troubleOf(mirror, bugs) {
  const { tables } = mirror.trace;
  const names = tables.threads.map(({ name }) => name);
  const bug = bugs.findLast(({ step }) => step < mirror.position);
  if (bug)
    return { ...bugWords(bug.text), threads: [bug.thread], bug: bug.step };
  const waits = Array.from(mirror.waits, (n) => tables.waits[n]);
  const stuck = waits.every(({ status }) => status !== "runnable");
  const ring = ringOf(waits, names);
  if (ring && ring.length === 1) {
    const end = stuck ? "nothing can go on" : `${names[ring[0]]} can never go on`;
    return { title: `${names[ring[0]]} waits for ${waits[ring[0]].on}, which it holds itself: ${end}.`, detail: "", threads: ring, own: lockNamed(tables, waits[ring[0]].on) };
  }
  if (ring) {
    const many = COUNTING[ring.length] ?? number(ring.length);
    const chain = ring.map((i) => `${names[i]} \u2192 ${waits[i].on}`).join(" \u2192 ");
    const title = stuck ? `Nothing can go on: ${many} threads wait for each other.` : `${capital(many)} threads wait for each other, for ever.`;
    return { title, detail: `${chain} \u2192 ${names[ring[0]]}`, threads: ring };
  }
  const blocked = waits.flatMap(({ status }, i) => (status === "blocked" ? [i] : []));
  if (!stuck || !blocked.length) return null;
  const why = blocked.map((i) => `${names[i]} ${waits[i].text}`).join("; ");
  return { title: `Nothing can go on: ${why}.`, detail: "", threads: blocked };
}

/** A bug in two lines, so that neither is cut: what it is, and what it says. */
function bugWords(text) {
  const [, title, detail] = /^(BUG in [^:]+?): (.+)$/.exec(text) ?? [];
  if (!detail) return { title: text, detail: "This thread has stopped for good." };
  return { title: `${title}: this thread has stopped for good.`, detail: `${capital(detail)}.` };
}

/** The lock that somebody waits for, as [[kind, key]]; [] if it is none. */
function lockNamed(tables, on) {
  const page = /^the lock of page (0x[0-9a-f]+)$/.exec(on);
  if (page) return [[KIND.PAGE_LOCK, Number(page[1])]];
  const lock = tables.locks.indexOf(on);
  return lock < 0 ? [] : [[KIND.LOCK, lock]];
}

/**
 * Operations of a trace: from each request from outside to the next. One entry each: {start: its step, verb, amount,
 * pages: the balloon's before it, 4 KiB}. It grows with the trace.
 */
export class Operations {
  constructor() {
    this.forget();
  }

  forget() {
    this.all = [];
    this.known = 0;
    this.trace = null;
  }

  /** Steps from `from` on are others than they were. */
  cut(from) {
    if (from < this.known) this.forget();
  }

  /** Take in the steps that came; `pages`: what the balloon held at the trace's start. */
  update(trace, pages) {
    if (this.trace !== trace) {
      this.forget();
      this.trace = trace;
      this.pages = pages;
    }
    const { events, eventEnd, step, tables } = trace;
    for (; this.known < trace.length; this.known++) {
      const i = this.known;
      if (step.thread.data[i] < 0)
        this.all.push({ start: i, verb: tables.verbs[step.verb.data[i]], amount: step.amount.data[i], pages: this.pages });
      for (let e = trace.start(eventEnd, i); e < eventEnd.data[i]; e++)
        if (events.kind.data[e] === KIND.VALUE && events.key.data[e] === tables.num_pages) this.pages = events.new.data[e];
    }
  }

  /** The operation that a position is in, or null. */
  at(position) {
    return this.all.findLast(({ start }) => start < position) ?? null;
  }

  /** The last one that takes a while, at a position: others only let somebody begin, or ask for figures. */
  underWay(position) {
    return this.all.findLast(({ start, verb }) => start < position && WHOLE.includes(verb)) ?? this.at(position);
  }

  /** Where its steps end. */
  endOf(operation) {
    const next = this.all[this.all.indexOf(operation) + 1];
    return next ? next.start : this.trace.length;
  }
}

const tallies = new WeakMap(); // of operations: counted on from where they were asked for last

/** What an operation did up to a position: {sent: messages with page numbers, moved: pages that compaction moved}. */
export function tallyOf(trace, operation, position) {
  const tally = tallies.get(operation) ?? { at: operation.start, sent: 0, moved: 0 };
  tallies.set(operation, tally);
  for (; tally.at < position; tally.at++) count(trace, tally, tally.at, 1);
  while (tally.at > position) count(trace, tally, --tally.at, -1);
  return tally;
}

function count(trace, tally, step, by) {
  const { events, eventEnd, messages, tables } = trace;
  if (MIGRATIONS.includes(tables.verbs[trace.step.verb.data[step]])) tally.moved += by;
  for (let e = trace.start(eventEnd, step); e < eventEnd.data[step]; e++)
    if (events.kind.data[e] === KIND.MESSAGE && events.old.data[e] < 0 && messages.queue.data[events.key.data[e]] !== STATISTICS)
      tally.sent += by;
}

/** What an operation came to, as a sentence. before, held: the balloon's pages; huge: free 2 MiB blocks won. */
export function endWords({ verb, amount, before, held, sent, moved, won }) {
  const told = `in ${counted(sent, "message")}`;
  if (verb === "set_target") {
    const change = held - before;
    const how = change ? `${number(Math.abs(change))} ${change > 0 ? "more" : "fewer"}, ${told}` : "no change";
    const short = held === amount ? "" : ` ${counted(amount, "page")} were asked for.`;
    return `The balloon holds ${counted(held, "page")}: ${how}.${short}`;
  }
  const blocks = (n) => counted(n, "free 2 MiB block");
  const huge = won > 0 ? `${blocks(won)} won` : won < 0 ? `${blocks(-won)} lost` : "no free 2 MiB block won";
  return `Compaction is over: ${huge}, ${counted(moved, "page")} moved, ${told}.`;
}

/** An operation that is over, as a sentence: what it was to reach, and what came of it. */
export function outcomeWords(mirror, operation, end) {
  const { trace } = mirror;
  const { verb, amount, pages: before, start } = operation;
  if (verb !== "set_target" && verb !== "compact")
    return `${capital(stepSentence(trace, start).replace(/\.$/, ""))}: done.`;
  const held = mirror.values[trace.tables.num_pages];
  const { sent, moved } = tallyOf(trace, operation, end);
  const { values } = changesBetween(trace, start, end);
  const won = hugeBlocks(trace.tables, (slot) => values.get(slot) ?? 0);
  return endWords({ verb, amount, before, held, sent, moved, won });
}

/** Where in its operation a position is: "Inflating by 3,616: 1,832 done, message 8". */
export function placeWords(mirror, operation) {
  const { trace, position } = mirror;
  if (!operation) return position ? "" : "Nothing has happened yet.";
  const { sent, moved } = tallyOf(trace, operation, position);
  const said = sent ? `, ${counted(sent, "message")} sent` : "";
  if (operation.verb === "set_target") {
    const by = operation.amount - operation.pages;
    const done = Math.abs(mirror.values[trace.tables.num_pages] - operation.pages);
    if (!by) return `The size stays ${number(operation.amount)}`;
    const rounds = Math.ceil(Math.abs(by) / 256);
    const round = Math.min(rounds, Math.floor(done / 256) + 1);
    const page = Math.min(Math.abs(by), done) - (round - 1) * 256;
    const of = Math.min(256, Math.abs(by) - (round - 1) * 256);
    return `${by > 0 ? "Inflating" : "Deflating"} by ${number(Math.abs(by))}: round ${number(round)} of ${number(rounds)}, page ${number(page)} of ${number(of)}`;
  }
  if (operation.verb === "compact") return `Compacting: ${counted(moved, "page")} moved${said}`;
  return capital(operation.verb.replaceAll("_", " "));
}
