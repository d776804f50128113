/** The recorded steps, as columns that grow: what happened at each step, and every change that it made. */
import { Column } from "./codec.js";

/** Kinds of change, by the numbers of balloonlab/journal.py. */
export const KIND = {
  LINK: 1,
  BLOCK_TYPE: 3,
  VALUE: 4,
  LOCK: 5,
  PAGE_LOCK: 6,
  REFCOUNT: 7,
  PAGE_FLAGS: 8,
  SLOT: 9,
  HOST_PAGE: 10,
  MESSAGE: 12,
  SLEEP: 13,
  THREAD_AT: 14,
  WAIT: 15,
  MESSAGE_PFN: 16,
};
export const NONE = -(2 ** 31); // no number

const STEP_COLUMNS = {
  thread: Int8Array,
  verb: Uint16Array,
  obj: Uint16Array,
  page: Int32Array,
  amount: Int32Array,
  result: Int32Array,
};
const EVENT_COLUMNS = { kind: Uint8Array, key: Int32Array, old: Int32Array, new: Int32Array };
const MAP_COLUMNS = { page: Uint32Array, old: Uint8Array, new: Uint8Array };

/**
 * Steps 0..length-1. `step.*` hold one entry a step. Changes of step i are the events eventEnd[i-1]..eventEnd[i]-1
 * and the page changes mapEnd[i-1]..mapEnd[i]-1; where the map is reduced, `cells` are the changes of its cells.
 */
export class Trace {
  constructor(tables, reduced) {
    this.tables = tables;
    this.reduced = reduced;
    this.length = 0;
    this.step = columns(STEP_COLUMNS);
    this.events = columns(EVENT_COLUMNS);
    this.eventEnd = new Column(Uint32Array);
    this.map = columns(MAP_COLUMNS);
    this.mapEnd = new Column(Uint32Array);
    this.cells = reduced ? columns(MAP_COLUMNS) : this.map;
    this.cellEnd = reduced ? new Column(Uint32Array) : this.mapEnd;
    this.messages = { queue: new Column(Uint8Array), start: new Column(Uint32Array), count: new Column(Uint16Array) };
    this.nth = new Column(Uint32Array); // each message's number on its queue, from 1
    this.pfns = new Column(Uint32Array); // as the driver added them: what was written over them since is the mirror's
    this.own = new Column(Uint16Array); // a row of own_words for each thread, at the start and after each step
  }

  /** Forget steps from `length` on. Messages stay: they are numbered for good, and overwritten when sent again. */
  cut(length) {
    const { events, eventEnd, map, mapEnd, cells, cellEnd } = this;
    for (const name in STEP_COLUMNS) this.step[name].cut(length);
    for (const name in EVENT_COLUMNS) events[name].cut(this.start(eventEnd, length));
    for (const name in MAP_COLUMNS) {
      map[name].cut(this.start(mapEnd, length));
      cells[name].cut(this.start(cellEnd, length));
    }
    for (const end of [eventEnd, mapEnd, cellEnd]) end.cut(length);
    this.own.cut((length + 1) * this.tables.threads.length);
    if (this.tables.printed) this.tables.printed = this.tables.printed.filter(({ step }) => step < length);
    this.length = Math.min(this.length, length);
  }

  /** Append the arrays of a `steps` message, and the rows that the tables gained. */
  append(count, arrays, rows = {}) {
    for (const name in rows)
      this.tables[name] = (this.tables[name] || []).slice(0, rows[name].from).concat(rows[name].rows);
    for (const name in STEP_COLUMNS) this.step[name].append(arrays[name]);
    this.eventEnd.append(arrays.event_end, this.events.kind.length);
    for (const name in EVENT_COLUMNS) this.events[name].append(arrays[`event_${name}`]);
    this.mapEnd.append(arrays.map_end, this.map.page.length);
    for (const name in MAP_COLUMNS) this.map[name].append(arrays[`map_${name}`]);
    if (this.reduced) {
      this.cellEnd.append(arrays.cell_end, this.cells.page.length);
      for (const name in MAP_COLUMNS) this.cells[name].append(arrays[`cell_${name}`]);
    }
    if (arrays.own) this.own.append(arrays.own);
    this.length += count;
  }

  /** Messages from number `from` on are these. */
  appendMessages(from, arrays) {
    const { queue, start, count } = this.messages;
    const pfns = from < start.length ? start.data[from] : this.pfns.length;
    for (const column of [queue, start, count, this.nth]) column.cut(from);
    this.pfns.cut(pfns);
    queue.append(arrays.message_queue);
    start.append(arrays.message_start, pfns);
    count.append(arrays.message_count);
    this.pfns.append(arrays.message_pfns);
    const sent = [];
    for (let i = 0; i < from; i++) sent[queue.data[i]] = this.nth.data[i];
    this.nth.append(Uint32Array.from(arrays.message_queue, (each) => (sent[each] = (sent[each] ?? 0) + 1)));
  }

  /** The message that an index into `pfns` belongs to. */
  messageAt(index) {
    const starts = this.messages.start;
    let message = starts.length - 1;
    while (message > 0 && starts.data[message] > index) message--;
    return message;
  }

  /** Where the changes of a step begin in the columns whose ends are `ends`. */
  start(ends, step) {
    return step > 0 ? ends.data[step - 1] : 0;
  }

  /** The next step after (before, if `way` is -1) `position` for which `wanted(step)` holds, as a position; or -1. */
  find(position, way, wanted) {
    for (let i = way > 0 ? position : position - 2; i >= 0 && i < this.length; i += way) if (wanted(i)) return i + 1;
    return -1;
  }

  /** Whether a step changed anything of a kind, or of a kind and key. */
  touches(step, kind, key = null) {
    for (let i = this.start(this.eventEnd, step); i < this.eventEnd.data[step]; i++)
      if (this.events.kind.data[i] === kind && (key === null || this.events.key.data[i] === key)) return true;
    return false;
  }

  /** Pages whose state a step changed, each once. */
  pagesOf(step) {
    return new Set(this.map.page.data.subarray(this.start(this.mapEnd, step), this.mapEnd.data[step]));
  }
}

function columns(types) {
  return Object.fromEntries(Object.entries(types).map(([name, Type]) => [name, new Column(Type)]));
}
