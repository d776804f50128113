/** Everything that is true of a page at the mirror's position, in one line: what matters most comes first. No DOM here. */
import { disagrees, statesOf } from "./disagree.js";
import { BLOCK_PAGES } from "./geometry.js";
import { BLOCK_TYPES, cellWords, counted, hex, number } from "./words.js";

/** The line of a page of a guest; where the map is reduced, of a cell of `unit` pages. */
export function pageWords(mirror, page, unit, palette) {
  if (unit > 1) return cellWords(page, unit, mirror.pages, palette, mirror.stateAt(page));
  return `PFN ${hex(page)}: ${pageParts(mirror, page, palette).join(" \u00b7 ")}`;
}

/** Its parts: state and list, lock, what the host believes, references, marks, pageblock. */
export function pageParts(mirror, page, palette) {
  const { tables } = mirror.trace;
  const list = mirror.listOf[page];
  const parts = [palette[mirror.stateAt(page)].word + (list >= 0 ? `, on list ${tables.lists[list].name}` : "")];
  parts.push(...lockParts(mirror, page));
  const host = hostWords(mirror, page);
  if (host) parts.push(host);
  const count = mirror.refcounts.get(page);
  if (count) parts.push(counted(count, "reference"));
  parts.push(...markParts(mirror, page, palette));
  return [...parts, `in ${BLOCK_TYPES[mirror.blockTypeOf(page)]} pageblock ${number(Math.floor(page / BLOCK_PAGES))}`];
}

function lockParts(mirror, page) {
  const { tables } = mirror.trace;
  const holder = mirror.pageLocks.get(page);
  if (holder === undefined) return [];
  const on = `the lock of page ${hex(page)}`;
  const waiting = tables.threads.filter((_, i) => tables.waits[mirror.waits[i]].on === on).map(({ name }) => name);
  const wanted = waiting.length ? `, wanted by ${waiting.join(" and ")}` : "";
  return [`locked by ${tables.threads[holder].name}${wanted}`];
}

/** Marks on the page; of a page of the balloon also that it has none, where others have. */
function markParts(mirror, page, palette) {
  const { tables } = mirror.trace;
  const flags = mirror.flags.get(page) ?? 0;
  const parts = (tables.page_flags ?? []).filter(([flag]) => flags & flag).map(([, words]) => words);
  const { inside, passing } = statesOf(tables);
  const state = mirror.stateAt(page);
  if (!flags && mirror.flags.size && (inside[state] || passing[state])) parts.push("without the balloon's mark");
  const mapping = tables.values.findIndex(({ name }) => name === "mapping");
  if (flags && mapping >= 0 && mirror.values[mapping]) parts.push("which is freed");
  if (mirror.pageLocks.has(page)) parts.push("PG_locked");
  if (palette[state].word === "workload") parts.push("PG_lru");
  return parts;
}

/** What the host believes, and whether the guest knows better; "" where the map is reduced and nobody knows. */
function hostWords(mirror, page) {
  if (!mirror.believed) return "";
  const per = mirror.believed.length / mirror.pages;
  let believed = 0;
  for (let i = page * per; i < (page + 1) * per; i++) believed += mirror.believed[i];
  const { inside } = statesOf(mirror.trace.tables);
  const differ = disagrees(mirror, page) ? ": they disagree" : "";
  if (believed && believed < per) return `host: ${believed} of its ${per} PFNs in the balloon${differ}`;
  if (believed) return `host: in the balloon${differ}`;
  return inside[mirror.stateAt(page)] ? `host: not told${differ}` : "host: not in the balloon";
}
