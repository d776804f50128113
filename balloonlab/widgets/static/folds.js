/** Which lines of a function a pane shows, and where the others are folded. No DOM here. */
import { linesInSight, wrap } from "./words.js";

const LEAST = 3; // rows that stay around the current line, however many locks are held
const OPENED = 4; // lines of an opened fold that come before the lines of held locks
const ENDS_FROM = 8; // rows of a pane in which folds stand at the ends of the text, too

/**
 * A text of `lines` in `rows` rows of `width` characters, with line `current` and, as far as there is room, the lines
 * `kept`, the nearest first. open: {from, to}, a fold that was opened, or null. before: the first line shown before.
 * @returns {{first: number, parts: ({line: number} | {from: number, to: number})[]}} lines count from 1
 */
export function foldedLines(lines, { current, kept, open, before, rows, width }) {
  const heights = lines.map((line) => wrap(line, width).length);
  const high = (line) => heights[line - 1];
  const ends = rows >= ENDS_FROM;
  const fits = (shown, folded = ends) => heightOf(partsOf(shown, lines.length, folded), high) <= rows;
  const all = new Set(lines.map((_, i) => i + 1));
  if (fits(all)) return { first: 1, parts: partsOf(all, lines.length, ends) };
  const wanted = [...new Set(kept)].filter((line) => line !== current && line >= 1 && line <= lines.length);
  wanted.sort((a, b) => Math.abs(a - current) - Math.abs(b - current));
  if (open) {
    const range = Array.from({ length: open.to - open.from + 1 }, (_, i) => open.from + i);
    let shown = grown([current, ...wanted], range, fits);
    const few = Math.min(range.length, OPENED);
    if (!fits(shown) || range.filter((line) => shown.has(line)).length < few) shown = grown([current], [...range.slice(0, few), ...wanted], fits);
    return { first: before, parts: cut(partsOf(shown, lines.length, ends), current, rows, high) };
  }
  const around = (folded) => {
    for (let room = rows; room >= Math.min(rows, LEAST); room--) {
      const { first, last } = linesInSight(lines, current, room, width, before);
      const shown = new Set(wanted);
      for (let line = first; line <= last; line++) shown.add(line);
      if (fits(shown, folded) || (!wanted.length && room <= LEAST))
        return { first, parts: cut(partsOf(shown, lines.length, folded), current, rows, high) };
    }
    return null;
  };
  for (;;) {
    const found = around(ends) ?? (wanted.length && ends ? around(false) : null); // a held lock's line is worth more than what ends a text
    if (found) return found;
    if (!wanted.length) return { first: current, parts: [{ line: current }] };
    wanted.pop();
  }
}

/** The first line of a function's code, after its head and what is said of it. */
export function firstOfCode(lines) {
  const opens = lines.findIndex((line) => line.trim().startsWith('"""'));
  if (opens < 1 || opens > 3) return 1;
  const single = lines[opens].trim().length > 3 && lines[opens].trim().endsWith('"""');
  const closes = single ? opens : lines.findIndex((line, i) => i > opens && line.trim().endsWith('"""'));
  return Math.min(lines.length, closes + 2);
}

/** Some lines, and of others as many as fit, in their order. */
function grown(some, others, fits) {
  const shown = new Set(some);
  for (const line of others) {
    if (!fits(new Set([...shown, line]))) break;
    shown.add(line);
  }
  return shown;
}

/** The lines that are shown and the folds between them; ends: also before the first and after the last. */
function partsOf(shown, count, ends) {
  const sorted = [...shown].sort((a, b) => a - b);
  const parts = [];
  let next = ends ? 1 : sorted[0];
  const skip = (to) => {
    if (to === next) parts.push({ line: next });
    else if (to > next) parts.push({ from: next, to });
  };
  for (const line of sorted) {
    skip(line - 1);
    parts.push({ line });
    next = line + 1;
  }
  if (ends) skip(count);
  return parts;
}

function heightOf(parts, high) {
  return parts.reduce((sum, { line }) => sum + (line ? high(line) : 1), 0);
}

/** Without folds where the current line alone takes what room there is. */
function cut(parts, current, rows, high) {
  return heightOf(parts, high) <= rows ? parts : [{ line: current }];
}
