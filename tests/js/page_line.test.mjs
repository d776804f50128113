import assert from "node:assert/strict";
import { test } from "node:test";
import { pageParts, pageWords } from "../../balloonlab/widgets/static/page_line.js";
import { PALETTE, fakeRun } from "./fake.mjs";

const STATES = { free: 0, workload: 1, kernel: 2, balloon: 3, isolated: 4, "in transit": 5 };
const LOOKS = [...PALETTE, { word: "isolated" }, { word: "in transit" }];

function guest(state, { per = 1 } = {}) {
  const { mirror } = fakeRun({ steps: 1 });
  mirror.seek(0);
  const { tables } = mirror.trace;
  tables.palette = LOOKS;
  tables.page_flags = [[1, "page->mapping is the balloon's"], [8, "PG_isolated"]];
  mirror.grid.fill(0);
  mirror.grid[9] = STATES[state];
  mirror.listOf[9] = -1;
  for (const map of [mirror.pageLocks, mirror.refcounts, mirror.flags]) map.clear();
  mirror.believed = new Uint8Array(40 * per);
  return mirror;
}

test("everything true of a page is in its line", () => {
  const mirror = guest("balloon");
  mirror.listOf[9] = 0;
  mirror.pageLocks.set(9, 0);
  mirror.refcounts.set(9, 2);
  mirror.flags.set(9, 9);
  mirror.trace.tables.waits.push({ status: "blocked", on: "the lock of page 0x9", holder: "vballoon", text: "" });
  mirror.waits[1] = 2;
  assert.deepEqual(pageParts(mirror, 9, LOOKS), [
    "balloon, on list pages",
    "locked by vballoon, wanted by compactor",
    "host: not told: they disagree",
    "2 references",
    "page->mapping is the balloon's",
    "PG_isolated",
    "PG_locked",
    "in movable pageblock 0",
  ]);
  assert.match(pageWords(mirror, 9, 1, LOOKS), /^PFN 0x9: balloon, on list pages \u00b7 locked by vballoon/);
});

test("what the host believes is said of every page, and a disagreement of none that is on its way", () => {
  const host = (state, believed, options) => {
    const mirror = guest(state, options);
    believed.forEach((is, i) => (mirror.believed[9 * believed.length + i] = is));
    return pageParts(mirror, 9, LOOKS).find((part) => part.startsWith("host"));
  };
  assert.equal(host("balloon", [1]), "host: in the balloon");
  assert.equal(host("isolated", [0]), "host: not told: they disagree");
  assert.equal(host("free", [1]), "host: in the balloon: they disagree");
  assert.equal(host("free", [0]), "host: not in the balloon");
  assert.equal(host("in transit", [1]), "host: in the balloon");
  assert.equal(host("in transit", [0]), "host: not in the balloon");
  assert.equal(host("balloon", [1, 0, 1, 1], { per: 4 }), "host: 3 of its 4 PFNs in the balloon: they disagree");
});

test("marks that are missing or point to freed memory are said, and the list of the workload", () => {
  const mirror = guest("in transit");
  assert.ok(!pageParts(mirror, 9, LOOKS).includes("without the balloon's mark")); // nobody marks pages here
  mirror.flags.set(3, 1);
  assert.ok(pageParts(mirror, 9, LOOKS).includes("without the balloon's mark"));
  mirror.flags.set(9, 1);
  mirror.trace.tables.values[4].name = "mapping";
  mirror.values[4] = 1;
  assert.ok(pageParts(mirror, 9, LOOKS).includes("which is freed"));
  mirror.grid[9] = STATES.workload;
  mirror.flags.clear();
  assert.deepEqual(pageParts(mirror, 9, LOOKS), ["workload", "host: not in the balloon", "PG_lru", "in movable pageblock 0"]);
});

test("a cell of many pages says how many, and nothing that holds of one", () => {
  assert.match(pageWords(guest("balloon"), 0, 16, LOOKS), /^PFN 0x0\u20130xf \(16 pages/);
});
