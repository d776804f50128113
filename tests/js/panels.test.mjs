import assert from "node:assert/strict";
import { test } from "node:test";
import { scanners } from "../../balloonlab/widgets/static/stage.js";
import * as p from "../../balloonlab/widgets/static/panels.js";
import { EVENTS, lanes } from "../../balloonlab/widgets/static/lanes.js";
import { HeldLocks } from "../../balloonlab/widgets/static/held.js";
import { locksOf } from "../../balloonlab/widgets/static/rows.js";
import { messageWords, underWay } from "../../balloonlab/widgets/static/wire.js";
import { KIND } from "../../balloonlab/widgets/static/trace.js";
import { fakeRun } from "./fake.mjs";

const nothing = { values: new Set(), locks: new Set(), lists: new Set(), messages: new Set(), pageLocks: new Set() };

test("a lock's row has its holder and who waits for it", () => {
  const { mirror } = fakeRun({ steps: 1 });
  mirror.locks.set([0, -1]);
  mirror.waits.set([0, 1]);
  mirror.pageLocks = new Map([[31, 1]]);
  const rows = p.lockRows(mirror, nothing).map(({ texts }) => texts);
  assert.deepEqual(rows, [
    ["balloon_lock", "vballoon", "compactor"],
    ["pages_lock", "free", "\u2013"],
    ["page 0x1f", "compactor", "\u2013"],
  ]);
});

test("locked pages are listed by their numbers, whichever way one came to this step", () => {
  const { mirror } = fakeRun({ steps: 1 });
  const listed = [[[9, 0], [3, 0]], [[3, 0], [9, 0]]].map((pairs) => {
    mirror.pageLocks = new Map(pairs);
    const held = new HeldLocks().of(mirror, 0).map(({ name }) => name);
    return [p.lockRows(mirror, nothing).map(({ texts }) => texts[0]), locksOf(mirror, 0).map(({ text }) => text), held];
  });
  assert.deepEqual(listed[0], listed[1]);
});

test("many locked pages are counted, not listed", () => {
  const { mirror } = fakeRun({ steps: 1 });
  mirror.pageLocks = new Map(Array.from({ length: 9 }, (_, i) => [i, 0]));
  const rows = p.lockRows(mirror, nothing);
  assert.equal(rows.length, 2 + 3);
  assert.equal(rows.at(-1).texts[0], "7 more locked pages");
});

test("a list shows its pages from the head and how many there are", () => {
  const { mirror } = fakeRun({ steps: 1 });
  mirror.seek(0);
  assert.deepEqual(
    p.listRows(mirror, nothing).map(({ texts }) => texts),
    [
      ["pages", "3", "0x1 0x2 0x3"],
      ["migratepages", "0", "empty"],
    ],
  );
});

test("a long list shows as many pages as fit on two lines", () => {
  const { mirror } = fakeRun({ steps: 1 });
  mirror.lengths[0] = 400;
  mirror.pagesOf = () => [0x3f155e, 0x3f155d, 0x3f155c, 0x3f155b, 0x3f155a, 0x3f1559];
  const [{ texts }] = p.listRows(mirror, nothing);
  assert.deepEqual(texts, ["pages", "400", "0x3f155e 0x3f155d 0x3f155c \u2026"]);
});

test("the latest messages come first, each with its queue, PFNs and state", () => {
  const { mirror, trace } = fakeRun({ steps: 1 });
  trace.appendMessages(0, {
    message_queue: [0, 1],
    message_start: [0, 3],
    message_count: [3, 2],
    message_pfns: [16, 17, 18, 5, 9],
  });
  mirror.status.put(0, 4);
  mirror.status.put(1, 1);
  const rows = p.messageRows(mirror, { ...nothing, messages: new Set([1]) });
  assert.deepEqual(rows, [
    { texts: ["deflate No. 1", "2 from 0x5", "in flight"], changed: true },
    { texts: ["inflate No. 1", "3: 0x10\u20130x12", "acked, taken"], changed: false },
  ]);
  assert.equal(p.latestPfns(mirror), "deflate No. 1: 0x5, 0x9");
  assert.equal(messageWords(underWay(mirror, 1), 1), "No. 1 on its way, 2 page numbers: 0x5, \u2026 1 more");
  mirror.put(KIND.MESSAGE_PFN, 4, 7);
  assert.deepEqual(p.messageRows(mirror, nothing)[0].texts, ["deflate No. 1", "2 from 0x5", "in flight, overwritten on its way"]);
  assert.equal(p.latestPfns(mirror), "deflate No. 1: 0x5, 0x7");
  assert.match(messageWords(underWay(mirror, 1), 1), /^No. 1 on its way, overwritten: 0x5/);
  mirror.status.put(1, 2);
  assert.match(messageWords(underWay(mirror, 1), 1), /^No. 1 read, overwritten: 0x5/);
  mirror.status.put(1, 1);
  mirror.put(KIND.MESSAGE_PFN, 4, 9); // the number that was sent
  assert.equal(p.messageRows(mirror, nothing)[0].texts[2], "in flight");
});

test("values stand in their panels, free blocks by order", () => {
  const { mirror } = fakeRun({ steps: 1 });
  mirror.values.set([5, 1024, 3, 2, 1]);
  assert.deepEqual(p.valueRows(mirror, nothing, "counter"), [{ texts: ["num_pages", "5"], changed: false }]);
  assert.deepEqual(p.valueRows(mirror, nothing, "host")[0].texts, ["target", "1,024 (4 MiB)"]);
  assert.deepEqual(p.flagsSet(mirror), ["compaction wanted"]);
  const { blocks, huge } = p.freeBlocks(mirror, nothing);
  assert.deepEqual([blocks[0].n, blocks[9].n], [3, 2]);
  assert.equal(huge, 2);
});

test("what the last step changed is marked, and nothing at the start", () => {
  const { mirror, trace } = fakeRun({ seed: 3 });
  const seen = { values: 0, locks: 0, lists: 0, messages: 0, pageLocks: 0 };
  for (let position = 0; position <= trace.length; position++) {
    mirror.seek(position);
    const changes = p.changesOf(mirror);
    for (const name in seen) seen[name] += changes[name].size;
    if (position === 0) assert.deepEqual(changes, nothing);
    const expected = position && trace.touches(position - 1, KIND.LOCK) ? 1 : 0;
    assert.equal(changes.locks.size, expected);
  }
  for (const name in seen) assert.ok(seen[name] > 0, name);
});

test("lanes show who ran in which part of the timeline, and who was blocked", () => {
  const { mirror, trace, twins } = fakeRun({ steps: 50 });
  const rows = lanes(trace, mirror.waits, 50); // a column a step
  for (let i = 0; i < 50; i++)
    for (const thread of [0, 1]) {
      assert.equal(Boolean(rows[thread + 1][i] & 1), trace.step.thread.data[i] === thread);
      assert.equal(Boolean(rows[thread + 1][i] & 2), twins[i + 1].waits[thread] === 1);
    }
  assert.equal(lanes(trace, mirror.waits, 7)[1].length, 7);
});

test("jumping finds the next and the previous event of a kind, and the pinned page's", () => {
  const { trace, twins } = fakeRun();
  for (const [text, wanted] of EVENTS) {
    const all = [];
    for (let i = 0; i < trace.length; i++) if (wanted(trace, i, 5)) all.push(i + 1);
    const forward = [];
    for (let at = 0; (at = trace.find(at, 1, (i) => wanted(trace, i, 5))) >= 0;) forward.push(at);
    const backward = [];
    for (let at = trace.length + 1; (at = trace.find(at, -1, (i) => wanted(trace, i, 5))) >= 0;) backward.push(at);
    assert.deepEqual(forward, all, text);
    assert.deepEqual(backward.reverse(), all, text);
  }
  const pinned = EVENTS.find(([text]) => text === "the pinned page changes")[1];
  for (let i = 0; i < trace.length; i++)
    if (twins[i].states[5] !== twins[i + 1].states[5]) assert.ok(pinned(trace, i, 5));
});

test("the two scanners are shown while a run is on, also when they have met", () => {
  const { mirror } = fakeRun({ steps: 1 });
  const slot = mirror.trace.tables.values.length;
  mirror.trace.tables.values.push(
    { name: "compact Normal migrate_pfn", group: "scanner" },
    { name: "compact Normal free_pfn", group: "scanner" },
  );
  mirror.values = Float64Array.from([...mirror.values, 10, 30]);
  assert.deepEqual(scanners(mirror), [
    { name: "migrate_pfn", page: 10 },
    { name: "free_pfn", page: 30 },
  ]);
  mirror.values[slot + 1] = 10;
  assert.equal(scanners(mirror).length, 2);
  mirror.trace.tables.waits[mirror.waits[1]] = { status: "idle", text: "waits for somebody to ask" };
  assert.deepEqual(scanners(mirror), []);
});
