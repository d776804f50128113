/** What the Lab says, as text: numbers, PFNs, steps, cells of the map. No DOM here. */
import { BLOCK_PAGES } from "./geometry.js";
import { NONE } from "./trace.js";

export const BALLOON_PAGE = 4096; // bytes
export const BLOCK_TYPES = ["unmovable", "movable", "reclaimable", "reserve", "isolate"];
export const MESSAGE_STATUS = ["added", "in flight", "host read it", "acked", "acked, taken"];
export const OVERWRITTEN = "overwritten on its way"; // a message points to vb->pfns until the host has read it
const OUTSIDE = -1;
const FREE = 0; // a cell of many pages has it only where all of them are free, or no memory

export function number(n) {
  return Math.trunc(n).toLocaleString("en-US");
}

/** A whole number as people write it, with or without a comma before each three digits; null for anything else. As foundations/typed.py reads it. */
export function wholeNumber(text) {
  return /^[+-]?(\d{1,15}|[1-9]\d{0,2}(,\d{3}){1,4})$/.test(text.trim()) ? Number(text.trim().replaceAll(",", "")) : null;
}

export function hex(pfn) {
  return `0x${pfn.toString(16)}`;
}

/** "1 page", "2 pages". */
export function counted(n, thing) {
  return `${number(n)} ${thing}${n === 1 ? "" : "s"}`;
}

export function bytes(n) {
  for (const [size, unit] of [
    [2 ** 30, "GiB"],
    [2 ** 20, "MiB"],
    [2 ** 10, "KiB"],
  ])
    if (n >= size) return `${(n / size).toLocaleString("en-US", { maximumFractionDigits: 1 })} ${unit}`;
  return `${number(n)} B`;
}

/** Step number `step` in words, as balloonlab/kernel/timeline.py has them. */
export function stepWords(trace, step) {
  const { tables } = trace;
  const at = (name) => trace.step[name].data[step];
  const words = [];
  if (at("page") >= 0) words.push(`page ${hex(at("page"))}`);
  if (at("obj")) words.push(tables.objects[at("obj")]);
  if (at("amount") !== NONE) words.push(number(at("amount")));
  const who = at("thread") === OUTSIDE ? "you" : tables.threads[at("thread")].name;
  const text = `${who}: ${tables.verbs[at("verb")]}(${words.join(", ")})`;
  return at("result") === NONE ? text : `${text} = ${number(at("result"))}`;
}

/** Consecutive PFNs as ranges: "0x10-0x1f, 0x30", at most `most` of them and then how many PFNs are left out. */
export function ranges(pfns, most = 3) {
  const parts = [];
  let i = 0;
  while (i < pfns.length && parts.length < most) {
    const way = pfns[i + 1] === pfns[i] - 1 ? -1 : 1;
    let last = i;
    while (last + 1 < pfns.length && pfns[last + 1] === pfns[last] + way) last++;
    parts.push(last === i ? hex(pfns[i]) : `${hex(pfns[i])}\u2013${hex(pfns[last])}`);
    i = last + 1;
  }
  if (i < pfns.length) parts.push(`\u2026 ${number(pfns.length - i)} more`);
  return parts.join(", ");
}

/** What stands at a page of a plain page map: its PFN, pageblock and state. */
export function cellWords(page, unit, pages, palette, state) {
  const last = Math.min(page + unit, pages) - 1;
  const { word } = palette[state];
  const block = Math.floor(page / BLOCK_PAGES);
  if (unit > 1) {
    const lastBlock = Math.floor(last / BLOCK_PAGES);
    const blocks =
      lastBlock === block ? `pageblock ${number(block)}` : `pageblocks ${number(block)}\u2013${number(lastBlock)}`;
    return `PFN ${hex(page)}\u2013${hex(last)} (${counted(last - page + 1, "page")} in ${blocks}): ${state === FREE ? "all free" : `${word} among them`}`;
  }
  return `PFN ${hex(page)} in pageblock ${number(block)}: ${word}. ${palette[state].meaning}`;
}

/** A line of code cut to rows of `width` characters, at spaces where it can be; what follows is indented further. */
export function wrap(line, width) {
  const indent = " ".repeat(Math.min(line.length - line.trimStart().length + 4, Math.floor(width / 2)));
  const rows = [];
  let rest = line;
  while (rest.length > width) {
    const space = rest.lastIndexOf(" ", width);
    const at = space > indent.length ? space : width;
    rows.push(rest.slice(0, at));
    rest = indent + rest.slice(at).trimStart();
  }
  rows.push(rest);
  return rows;
}

/**
 * Which lines of a text to show so that the current one is among them and all fit in `rows` rows of `width` characters.
 * Long lines take more rows. `before` (a line) is kept as the first while the current line stays in sight.
 * @returns {{first: number, last: number}} counted from 1, inclusive
 */
export function linesInSight(lines, current, rows, width, before = 1) {
  const high = (i) => wrap(lines[i - 1], width).length;
  const fill = (first) => {
    let last = first - 1;
    for (let used = 0; last < lines.length && used + high(last + 1) <= rows; last++) used += high(last + 1);
    return Math.max(first, last);
  };
  let first = Math.min(Math.max(1, before), lines.length);
  let last = fill(first);
  const margin = current < lines.length ? 1 : 0;
  if (current < first || current + margin > last || (current === first && first > 1)) {
    first = Math.max(1, current - Math.floor(rows / 3));
    while (first < current && fill(first) < current + margin) first++;
    while (first > 1 && fill(first - 1) >= lines.length) first--;
    last = fill(first);
  }
  return { first, last };
}
