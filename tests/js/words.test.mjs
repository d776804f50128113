import assert from "node:assert/strict";
import { test } from "node:test";
import { NONE } from "../../balloonlab/widgets/static/trace.js";
import * as w from "../../balloonlab/widgets/static/words.js";
import { PALETTE, fakeRun } from "./fake.mjs";

test("sizes and counts read well", () => {
  assert.deepEqual([0, 512, 4096, 1 << 20, 1.5 * 2 ** 20, 2 ** 34].map(w.bytes), [
    "0 B",
    "512 B",
    "4 KiB",
    "1 MiB",
    "1.5 MiB",
    "16 GiB",
  ]);
  assert.deepEqual([w.counted(1, "page"), w.counted(4096, "page")], ["1 page", "4,096 pages"]);
});

test("runs of PFNs become ranges, up or down, and the rest is counted", () => {
  assert.equal(w.ranges([16, 17, 18, 40]), "0x10\u20130x12, 0x28");
  assert.equal(w.ranges([18, 17, 16]), "0x12\u20130x10");
  assert.equal(w.ranges([1, 3, 5, 7, 8], 2), "0x1, 0x3, \u2026 3 more");
  assert.equal(w.ranges([]), "");
});

test("a step in words names thread, verb, page, object, number and result", () => {
  const { trace } = fakeRun({ steps: 1 });
  const say = (row) => {
    for (const [name, value] of Object.entries({
      thread: 0,
      verb: 0,
      obj: 0,
      page: -1,
      amount: NONE,
      result: NONE,
      ...row,
    }))
      trace.step[name].data[0] = value;
    return w.stepWords(trace, 0);
  };
  assert.equal(say({ verb: 2, page: 31, result: 1 }), "vballoon: trylock_page(page 0x1f) = 1");
  assert.equal(say({ thread: 1, obj: 1 }), "compactor: mutex_lock(balloon_lock)");
  assert.equal(say({ verb: 1, page: 0, obj: 2 }), "vballoon: list_add(page 0x0, pages)");
  assert.equal(say({ thread: -1, amount: 4096 }), "you: mutex_lock(4,096)");
});

test("a cell says which pages it is, one or many", () => {
  assert.equal(w.cellWords(513, 1, 1024, PALETTE, 3), "PFN 0x201 in pageblock 1: balloon. Pages of balloon.");
  assert.equal(w.cellWords(0, 16, 1024, PALETTE, 0), "PFN 0x0\u20130xf (16 pages in pageblock 0): all free");
  assert.equal(
    w.cellWords(1024, 2048, 2000, PALETTE, 1),
    "PFN 0x400\u20130x7cf (976 pages in pageblocks 2\u20133): workload among them",
  );
});

test("wrapped rows fit, and hold the line's words in order", () => {
  const lines = [
    "",
    "x",
    "    if page is not None and (yield trylock_page(page)) and something_else:",
    "z".repeat(100),
    `${" ".repeat(30)}deep = call(argument, argument, argument)`,
  ];
  for (const line of lines)
    for (const width of [20, 33, 56, 120]) {
      const rows = w.wrap(line, width);
      assert.ok(
        rows.every((row) => row.length <= width),
        JSON.stringify({ width, rows }),
      );
      assert.equal(rows.join("").replaceAll(" ", ""), line.replaceAll(" ", ""));
    }
});

test("the current line is always in sight, in as many rows as there are", () => {
  const lines = Array.from({ length: 40 }, (_, i) => "word ".repeat((i * 7) % 23));
  for (const rows of [4, 5, 9, 60])
    for (const width of [30, 60]) {
      let before = 1;
      for (const current of [1, 2, 3, 10, 9, 8, 40, 39, 1, 20, 21, 22, 23, 24, 40]) {
        const { first, last } = w.linesInSight(lines, current, rows, width, before);
        assert.ok(
          first >= 1 && last <= 40 && first <= current && current <= last,
          JSON.stringify({ current, first, last, rows }),
        );
        const used = lines.slice(first - 1, last).reduce((sum, line) => sum + w.wrap(line, width).length, 0);
        assert.ok(used <= rows || first === last, JSON.stringify({ current, first, last, used, rows }));
        before = first;
      }
    }
});

test("a text that fits is shown whole, and the first line stays while the current one is in sight", () => {
  assert.deepEqual(w.linesInSight(["a", "b", "c"], 3, 9, 60), { first: 1, last: 3 });
  const lines = Array.from({ length: 30 }, (_, i) => `line ${i}`);
  assert.deepEqual(w.linesInSight(lines, 12, 9, 60, 10), { first: 10, last: 18 });
});
