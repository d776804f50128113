/** The guest's state at any position of the trace: steps are applied going forward and taken back going backward. */
import { KIND } from "./trace.js";

const BLOCK_TYPES_PER_PAGE = 512;

/**
 * State after `position` steps.
 * grid: state of each cell; counts: pages in each state; window: {first, states} pages at full resolution, or null.
 * slots: the driver's array of PFNs. values, locks (holders), pageLocks (page -> thread), refcounts (page -> n), flags (page -> marks), threadAt, waits: as the journal has them.
 * lists: for each shown list its length and, by `pagesOf`, its pages from the head.
 */
export class Mirror {
  constructor(frame, arrays, trace) {
    const { base, tables } = frame;
    this.trace = trace;
    this.position = frame.position;
    this.pages = frame.pages;
    this.unit = frame.unit;
    this.grid = arrays.grid;
    this.blockTypes = arrays.block_types;
    this.believed = arrays.believed || null;
    this.counts = Float64Array.from(base.counts);
    this.values = Float64Array.from(base.values);
    this.locks = Int16Array.from(base.locks);
    this.threadAt = Int32Array.from(base.thread_at);
    this.waits = Int32Array.from(base.waits);
    this.sleeps = Int32Array.from(base.sleeps);
    this.slots = Uint32Array.from(base.slots ?? []);
    this.status = new StatusColumn(arrays.message_status);
    this.overwritten = new Map(); // index into the trace's pfns -> what was written over it before the host read it
    (arrays.overwritten_at || []).forEach((at, i) => this.overwritten.set(at, arrays.overwritten[i]));
    this.pageLocks = new Map(base.page_locks);
    this.refcounts = new Map();
    (arrays.referenced || []).forEach((page, i) => this.refcounts.set(page, arrays.references[i]));
    this.flags = new Map();
    (arrays.flagged || []).forEach((page, i) => this.flags.set(page, arrays.flags[i]));
    this.window = null;
    this.touched = new Touched();
    this.heads = new Map(tables.lists.map(({ head }, i) => [head, this.pages + i]));
    this.next = new Int32Array(this.pages + tables.lists.length).fill(-1);
    this.prev = this.next.slice();
    this.listOf = new Int8Array(this.pages).fill(-1);
    this.lengths = new Int32Array(tables.lists.length);
    tables.lists.forEach((_, i) => this.fillList(i, arrays[`list_${i}`]));
  }

  /** Go to a position; cells whose state may differ are noted in `touched`. */
  seek(position) {
    const { trace } = this;
    const goal = Math.max(0, Math.min(trace.length, position));
    while (this.position < goal) {
      this.play(this.position, 1);
      this.position++;
    }
    while (this.position > goal) {
      this.position--;
      this.play(this.position, -1);
    }
  }

  /** Apply (way 1) or take back (way -1) every change of one step. */
  play(step, way) {
    const { trace, grid, touched, counts, window } = this;
    const { events, map, cells } = trace;
    const forward = way > 0;
    let from = trace.start(trace.eventEnd, step);
    let to = trace.eventEnd.data[step];
    const kinds = events.kind.data;
    const keys = events.key.data;
    const come = (forward ? events.new : events.old).data;
    for (let n = to - from, i = forward ? from : to - 1; n > 0; n--, i += way) this.put(kinds[i], keys[i], come[i]);

    from = trace.start(trace.mapEnd, step);
    to = trace.mapEnd.data[step];
    const before = (forward ? map.old : map.new).data;
    const after = (forward ? map.new : map.old).data;
    for (let n = to - from, i = forward ? from : to - 1; n > 0; n--, i += way) {
      counts[before[i]]--;
      counts[after[i]]++;
      if (window) {
        const at = map.page.data[i] - window.first;
        if (at >= 0 && at < window.states.length) {
          window.states[at] = after[i];
          touched.page(map.page.data[i]);
        }
      }
    }

    from = trace.start(trace.cellEnd, step);
    to = trace.cellEnd.data[step];
    const shown = (forward ? cells.new : cells.old).data;
    for (let n = to - from, i = forward ? from : to - 1; n > 0; n--, i += way) {
      const cell = cells.page.data[i];
      grid[cell] = shown[i];
      touched.page(cell * this.unit);
    }
  }

  put(kind, key, now) {
    switch (kind) {
      case KIND.LINK:
        return this.relink(key, now);
      case KIND.VALUE:
        this.values[key] = now;
        return undefined;
      case KIND.LOCK:
        this.locks[key] = now;
        return undefined;
      case KIND.PAGE_LOCK:
        return sparse(this.pageLocks, key, now, -1);
      case KIND.REFCOUNT:
        return sparse(this.refcounts, key, now, 0);
      case KIND.PAGE_FLAGS:
        return sparse(this.flags, key, now, 0);
      case KIND.THREAD_AT:
        this.threadAt[key] = now;
        return undefined;
      case KIND.WAIT:
        this.waits[key] = now;
        return undefined;
      case KIND.SLEEP:
        this.sleeps[key] = now;
        return undefined;
      case KIND.SLOT:
        this.slots[key] = now;
        return undefined;
      case KIND.MESSAGE:
        return this.status.put(key, now);
      case KIND.MESSAGE_PFN:
        return sparse(this.overwritten, key, now, this.trace.pfns.data[key]);
      case KIND.BLOCK_TYPE:
        this.blockTypes[key] = now;
        return undefined;
      case KIND.HOST_PAGE:
        if (this.believed) this.believed[key] = now;
        return undefined;
      default:
        return undefined;
    }
  }

  /** The page follows `node` on its list from now on (-1: on no list). Lists that are not shown are left alone. */
  relink(page, node) {
    const { next, prev, listOf, lengths } = this;
    if (listOf[page] >= 0) {
      next[prev[page]] = next[page];
      prev[next[page]] = prev[page];
      next[page] = prev[page] = -1;
      lengths[listOf[page]]--;
      listOf[page] = -1;
    }
    if (node < 0) return;
    const after = node < this.pages ? node : this.heads.get(node);
    if (after === undefined) return;
    const list = after < this.pages ? listOf[after] : after - this.pages;
    if (list < 0) return;
    next[page] = next[after];
    prev[page] = after;
    prev[next[after]] = page;
    next[after] = page;
    listOf[page] = list;
    lengths[list]++;
  }

  fillList(list, pages) {
    let last = this.pages + list;
    for (const page of pages) {
      this.next[last] = page;
      this.prev[page] = last;
      this.listOf[page] = list;
      last = page;
    }
    this.next[last] = this.pages + list;
    this.prev[this.pages + list] = last;
    this.lengths[list] = pages.length;
  }

  /** The first `most` pages of a list, from its head. */
  pagesOf(list, most) {
    const pages = [];
    for (let page = this.next[this.pages + list]; page < this.pages && pages.length < most; page = this.next[page])
      pages.push(page);
    return pages;
  }

  /** A message's page numbers, as the host reads or has read them, and whether they were written over on their way. */
  messagePfns(message) {
    const { messages, pfns } = this.trace;
    const start = messages.start.data[message];
    const sent = pfns.data.subarray(start, start + messages.count.data[message]);
    if (!this.overwritten.size) return { pfns: sent, overwritten: false };
    const now = sent.map((pfn, i) => this.overwritten.get(start + i) ?? pfn);
    return { pfns: now, overwritten: now.some((pfn, i) => pfn !== sent[i]) };
  }

  /** The list that a LINK event of the last step put a page on, or took it off; -1 for one that is not shown. */
  listTouched(event) {
    const { events } = this.trace;
    const node = Math.max(events.old.data[event], events.new.data[event]);
    if (this.heads.has(node)) return this.heads.get(node) - this.pages;
    const page = events.key.data[event];
    return this.listOf[page] >= 0 ? this.listOf[page] : (this.listOf[node] ?? -1);
  }

  /** Take a window of pages at full resolution, true at `position`, and bring it to where we are. */
  setWindow(first, states, position) {
    const { trace } = this;
    const { page, old } = trace.map;
    const bring = (i, column) => {
      const at = page.data[i] - first;
      if (at >= 0 && at < states.length) states[at] = column.data[i];
    };
    const here = trace.start(trace.mapEnd, this.position);
    const there = trace.start(trace.mapEnd, position);
    for (let i = there; i < here; i++) bring(i, trace.map.new);
    for (let i = there - 1; i >= here; i--) bring(i, old);
    this.window = { first, states };
    this.touched.everything();
  }

  /** State code of the cell of `unit` pages that begins at `page`: of the page itself where it is known. */
  stateAt(page) {
    const { window } = this;
    if (this.unit > 1 && window) {
      const at = page - window.first;
      if (at >= 0 && at < window.states.length) return window.states[at];
    }
    return this.grid[Math.floor(page / this.unit)];
  }

  /** Pages that somebody has locked, by their numbers: [[page, thread]]. */
  lockedPages() {
    return [...this.pageLocks].sort(([one], [other]) => one - other);
  }

  /** A thread's own variables here, in words, where the trace has them. */
  ownVariables(thread) {
    const { own, tables } = this.trace;
    const row = own.data[this.position * tables.threads.length + thread];
    return row === undefined ? "" : (tables.own_words[row] ?? "");
  }

  blockTypeOf(page) {
    return this.blockTypes[Math.floor(page / BLOCK_TYPES_PER_PAGE)];
  }
}

/** Cells to be painted anew since somebody last looked: a short list of pages, or everything. */
export class Touched {
  constructor() {
    this.pages = new Int32Array(4096);
    this.length = 0;
    this.all = true;
  }

  page(page) {
    if (this.length < this.pages.length) this.pages[this.length++] = page;
    else this.all = true;
  }

  everything() {
    this.all = true;
  }

  clear() {
    this.length = 0;
    this.all = false;
  }
}

/** Status of every message ever sent, -1 before it is. */
class StatusColumn {
  constructor(statuses) {
    this.data = Int8Array.from(statuses);
    this.sent = 0; // messages sent by now: they are sent in the order of their numbers
    while (this.sent < this.data.length && this.data[this.sent] >= 0) this.sent++;
  }

  put(message, status) {
    if (message >= this.data.length) {
      const grown = new Int8Array(Math.max(64, 2 * message + 2)).fill(-1);
      grown.set(this.data);
      this.data = grown;
    }
    this.data[message] = status;
    if (status < 0) this.sent = Math.min(this.sent, message);
    else this.sent = Math.max(this.sent, message + 1);
  }
}

function sparse(map, key, value, empty) {
  if (value === empty) map.delete(key);
  else map.set(key, value);
}
