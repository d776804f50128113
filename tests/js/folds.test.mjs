import assert from "node:assert/strict";
import { test } from "node:test";
import { firstOfCode, foldedLines } from "../../balloonlab/widgets/static/folds.js";
import { wrap } from "../../balloonlab/widgets/static/words.js";
import { random } from "./fake.mjs";

const text = (n) => Array.from({ length: n }, (_, i) => `line ${i + 1}`);
const said = (parts) => parts.map(({ line, from, to }) => (line ? line : `${from}-${to}`));
const look = (lines, more) => foldedLines(lines, { kept: [], open: null, before: 1, width: 60, rows: 7, current: 1, ...more });

test("a text that fits is shown whole", () => {
  assert.deepEqual(said(look(text(7), { current: 5, kept: [1] }).parts), [1, 2, 3, 4, 5, 6, 7]);
});

test("the line that took a lock stays in sight, the lines up to the current one are folded", () => {
  const { parts } = look(text(40), { current: 30, kept: [2] });
  assert.deepEqual(said(parts).slice(0, 2), [2, "3-28"]);
  assert.ok(said(parts).includes(30) && said(parts).includes(31));
  assert.deepEqual(said(look(text(40), { current: 5, kept: [3], rows: 6 }).parts), [1, 2, 3, 4, 5, 6]);
});

test("a fold that is opened shows its first lines, and what was around the current one is folded instead", () => {
  const { parts } = look(text(40), { current: 30, kept: [2], open: { from: 3, to: 27 } });
  assert.deepEqual(said(parts), [2, 3, 4, 5, 6, "7-29", 30]);
});

test("where there is little room a fold that is opened comes before the lines of held locks", () => {
  const { parts } = look(text(40), { current: 30, kept: [2, 5, 9, 14], rows: 7, open: { from: 15, to: 29 } });
  assert.ok([15, 16, 17, 18, 30].every((line) => said(parts).includes(line)), String(said(parts)));
});

test("a function's code begins after its head and what is said of it", () => {
  assert.equal(firstOfCode(["def f(vb):", '  """One line."""', "  yield a"]), 3);
  assert.equal(firstOfCode(["def f(vb):", '  """Two', '  lines."""', "  yield a"]), 4);
  assert.equal(firstOfCode(["def f(vb):", "  yield a", "  yield b"]), 1);
  assert.equal(firstOfCode(["def f(vb):", '  """All."""']), 2);
});

test("in a higher pane what is above and below is folded too, and can be opened", () => {
  const { parts } = look(text(40), { current: 20, rows: 10, before: 17 });
  const words = said(parts);
  assert.match(words[0], /^1-\d+$/);
  assert.match(words.at(-1), /^\d+-40$/);
  assert.equal(words.length, 10);
  assert.deepEqual(said(look(text(40), { current: 20, rows: 10, open: { from: 1, to: 16 } }).parts)[0], 1);
});

test("the lines of held locks come before the folds at both ends", () => {
  const held = { current: 25, kept: [10, 15, 20], before: 20 };
  assert.deepEqual(said(look(text(40), { ...held, rows: 9 }).parts), [10, "11-14", 15, "16-19", 20, "21-23", 24, 25, 26]);
  const words = said(look(text(40), { ...held, rows: 11 }).parts);
  assert.deepEqual([words[0], words[1], words.at(-1)], ["1-9", 10, "27-40"]);
});

test("whatever is asked for, the current line is shown, all fits, and shown and folded lines are the text in its order", () => {
  const pick = random(7);
  for (let n = 0; n < 600; n++) {
    const count = 1 + pick(60);
    const lines = Array.from({ length: count }, () => "word ".repeat(pick(22)));
    const [rows, width, current] = [2 + pick(15), 25 + pick(40), 1 + pick(count)];
    const kept = Array.from({ length: pick(4) }, () => 1 + pick(count));
    const from = 1 + pick(count);
    const open = pick(3) ? null : { from, to: from + pick(count - from + 1) };
    const { parts, first } = foldedLines(lines, { current, kept, open, rows, width, before: 1 + pick(count) });
    const what = JSON.stringify({ count, rows, width, current, kept, open, parts });
    const high = (line) => wrap(lines[line - 1], width).length;
    const used = parts.reduce((sum, { line }) => sum + (line ? high(line) : 1), 0);
    assert.ok(used <= rows || (parts.length === 1 && high(current) > rows), what);
    assert.ok(parts.some(({ line }) => line === current), what);
    let next = parts[0].line ?? parts[0].from;
    for (const part of parts) {
      assert.equal(part.line ?? part.from, next, what);
      if (!part.line) assert.ok(part.to > part.from, what);
      next = (part.line ?? part.to) + 1;
    }
    assert.ok(first >= 1 && first <= count, what);
  }
});
