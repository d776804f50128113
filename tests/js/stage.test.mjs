import assert from "node:assert/strict";
import { test } from "node:test";
import { LEVELS, Levels, changesBetween, pageInHand } from "../../balloonlab/widgets/static/levels.js";
import { laneNames } from "../../balloonlab/widgets/static/lanes.js";
import { stripAround } from "../../balloonlab/widgets/static/lens.js";
import { locksOf } from "../../balloonlab/widgets/static/rows.js";
import { Operations, outcomeWords, placeWords, ringOf, scheduleWords, stepSentence, tallyOf, troubleOf } from "../../balloonlab/widgets/static/sentences.js";
import { KIND } from "../../balloonlab/widgets/static/trace.js";
import { fillOut } from "../../balloonlab/widgets/static/geometry.js";
import { fakeRun } from "./fake.mjs";

const wait = (status, on = "", holder = "") => ({ status, on, holder, text: `waits for ${on}, held by ${holder}` });
const CAN_RUN = wait("runnable");

test("a ring of waits is found, whoever else can run", () => {
  const names = ["a", "b", "c", "d"];
  assert.deepEqual(ringOf([CAN_RUN, CAN_RUN, CAN_RUN, CAN_RUN], names), null);
  assert.deepEqual(ringOf([wait("blocked", "x", "b"), wait("blocked", "y", "c"), wait("blocked", "z", "a"), CAN_RUN], names), [0, 1, 2]);
  assert.deepEqual(ringOf([CAN_RUN, wait("blocked", "x", "b"), CAN_RUN, CAN_RUN], names), [1]);
  assert.deepEqual(ringOf([wait("blocked", "x", "b"), CAN_RUN, CAN_RUN, CAN_RUN], names), null);
  assert.deepEqual(ringOf([wait("blocked", "x", "b"), wait("blocked", "y", "b"), CAN_RUN, CAN_RUN], names), [1]);
  assert.deepEqual(ringOf([wait("asleep", "x", "a"), CAN_RUN, CAN_RUN, CAN_RUN], names), null);
});

function at(mirror, waits) {
  const { tables } = mirror.trace;
  tables.waits = [CAN_RUN, ...waits];
  mirror.waits = waits.map((_, i) => i + 1);
  return mirror;
}

test("who can never go on is said, with the lock, and whether anybody else can", () => {
  const { mirror } = fakeRun({ steps: 3 });
  const own = wait("blocked", "balloon_lock", "vballoon");
  const idle = wait("idle", "somebody to ask");
  assert.equal(troubleOf(at(mirror, [own, idle]), []).title, "vballoon waits for balloon_lock, which it holds itself: nothing can go on.");
  mirror.waits[1] = 0;
  assert.equal(troubleOf(mirror, []).title, "vballoon waits for balloon_lock, which it holds itself: vballoon can never go on.");
  const ring = [wait("blocked", "pages_lock", "compactor"), wait("blocked", "balloon_lock", "vballoon")];
  const found = troubleOf(at(mirror, ring), []);
  assert.equal(found.title, "Nothing can go on: two threads wait for each other.");
  assert.equal(found.detail, "vballoon \u2192 pages_lock \u2192 compactor \u2192 balloon_lock \u2192 vballoon");
  assert.equal(troubleOf(at(mirror, [idle, idle]), []), null);
  const gone = [wait("blocked", "pages_lock", "compactor"), wait("finished")];
  assert.equal(troubleOf(at(mirror, gone), []).title, "Nothing can go on: vballoon waits for pages_lock, held by compactor.");
  assert.deepEqual(troubleOf(mirror, [{ step: 1, thread: 1, text: "BUG in compactor: count < 0" }]).threads, [1]);
  assert.deepEqual(
    [troubleOf(mirror, [{ step: 1, thread: 1, text: "BUG in compactor (use after free): page 0x1: freed" }])].map(({ title, detail }) => [title, detail]),
    [["BUG in compactor (use after free): this thread has stopped for good.", "Page 0x1: freed."]],
  );
  assert.equal(troubleOf(at(mirror, [idle, idle]), [{ step: 3, thread: 1, text: "BUG in compactor: later" }]), null);
});

test("a finding opened amid its schedule says what was just done, and not that it begins there", () => {
  const { trace } = fakeRun({ steps: 9 });
  const first = { title: "Here the schedule begins.", detail: "It leads to: a bug." };
  trace.step.thread.data[0] = -1;
  trace.step.thread.data[1] = 0;
  assert.deepEqual([0, 1].map((position) => scheduleWords(trace, position, "a bug.")), [first, first]);
  assert.deepEqual(scheduleWords(trace, 2, "a bug."), { title: stepSentence(trace, 1), detail: "It leads to: a bug." });
});

test("levels: a move by a level ends where that level ends, and a coarser one never earlier", () => {
  const { trace } = fakeRun({ steps: 300 });
  const levels = new Levels();
  levels.update(trace);
  for (let level = 0; level < LEVELS.length; level++)
    for (const from of [0, 7, 150, 299]) {
      const to = levels.next(from, 1, level);
      assert.ok(to > from);
      if (level) assert.ok(to >= levels.next(from, 1, level - 1));
      for (let i = from; i < to - 1; i++) assert.ok(levels.ends.data[i] < level);
      assert.ok(to === trace.length || levels.ends.data[to - 1] >= level);
      assert.equal(levels.next(to, -1, level) <= from || levels.next(to, -1, level) < to, true);
    }
  assert.equal(levels.next(5, -1, 0), 4);
  assert.equal(levels.next(0, -1, 0), 0);
});

test("a step without a page is about the page that its thread had in hand last", () => {
  const { trace } = fakeRun({ steps: 6 });
  trace.step.thread.data.set([0, 1, 0, 1, 0, 0]);
  trace.step.page.data.set([7, 9, -1, -1, -1, 3]);
  assert.deepEqual([1, 2, 3, 4, 5, 6, 0].map((position) => pageInHand(trace, position)), [7, 9, 7, 9, 7, 3, -1]);
  trace.step.page.data.set([-1, 9, -1]);
  assert.equal(pageInHand(trace, 3), 9);
  assert.equal(pageInHand(trace, 3, 1), -1);
});

test("what changed between two positions is what the states before and after differ by", () => {
  const { mirror, trace, twins } = fakeRun({ steps: 120 });
  for (const [from, to] of [
    [0, 120],
    [10, 11],
    [33, 90],
    [50, 50],
  ]) {
    const { values, counts, pages } = changesBetween(trace, from, to);
    twins[to].values.forEach((now, slot) => assert.equal(values.get(slot) ?? 0, now - twins[from].values[slot]));
    [0, 1, 2, 3].forEach((code) => {
      const count = (twin) => twin.states.filter((state) => state === code).length;
      assert.equal(counts.get(code) ?? 0, count(twins[to]) - count(twins[from]));
    });
    twins[to].states.forEach((state, page) => state !== twins[from].states[page] && assert.ok(pages.has(page)));
  }
  assert.equal(mirror.position, 120);
});

test("operations are told by what they were to reach and what came of it", () => {
  const { mirror, trace } = fakeRun({ steps: 40 });
  trace.tables.verbs.push("set_target");
  trace.step.thread.data.set([-1], 0);
  trace.step.thread.data.fill(0, 1, 40);
  trace.step.verb.data[0] = trace.tables.verbs.length - 1;
  trace.step.amount.data[0] = 700;
  const operations = new Operations();
  operations.update(trace, 100);
  const operation = operations.at(40);
  assert.deepEqual({ ...operation }, { start: 0, verb: "set_target", amount: 700, pages: 100 });
  assert.equal(operations.at(0), null);
  operations.all.push({ start: 30, verb: "begin", amount: 0, pages: 100 });
  assert.deepEqual([operations.at(40).verb, operations.underWay(40).verb], ["begin", "set_target"]);
  operations.all.pop();
  assert.equal(operations.endOf(operation), 40);
  mirror.values[0] = 400;
  assert.match(placeWords(mirror, operation), /^Inflating by 600: round 2 of 3, page 44 of 256$/);
  assert.match(outcomeWords(mirror, operation, 40), /^The balloon holds 400 pages: 300 more, in \d+ messages?\. 700 pages were asked for\.$/);
  mirror.values[0] = 700;
  assert.match(outcomeWords(mirror, operation, 40), /^The balloon holds 700 pages: 600 more, in \d+ messages?\.$/);
  trace.cut(20);
  operations.update(trace, 100);
  assert.equal(operations.endOf(operations.at(20)), 20);
});

test("what an operation did is counted alike from whichever side one comes, and figures for the host are no message of pages", () => {
  const { trace } = fakeRun({ steps: 300, seed: 5 });
  trace.messages.queue.append(Uint8Array.from({ length: 200 }, (_, i) => i % 3));
  trace.tables.verbs[1] = "move_lru_page";
  const operation = { start: 20 };
  const slow = (position) => {
    const found = { sent: 0, moved: 0 };
    for (let i = 20; i < position; i++) {
      found.moved += trace.step.verb.data[i] === 1;
      for (let e = trace.start(trace.eventEnd, i); e < trace.eventEnd.data[i]; e++)
        found.sent += trace.events.kind.data[e] === KIND.MESSAGE && trace.events.old.data[e] < 0 && trace.events.key.data[e] % 3 !== 2;
    }
    return found;
  };
  for (const position of [300, 299, 25, 24, 180, 20, 300]) {
    const { sent, moved } = tallyOf(trace, operation, position);
    assert.deepEqual({ sent, moved }, slow(position));
  }
  assert.ok(slow(300).sent > 3 && slow(300).moved > 20);
});

test("every held lock has its mark, and what is waited for", () => {
  const { mirror } = fakeRun({ steps: 1 });
  at(mirror, [wait("blocked", "the lock of page 0x9", "compactor"), CAN_RUN]);
  mirror.locks.set([0, 1]);
  mirror.pageLocks.clear();
  mirror.pageLocks.set(3, 0);
  assert.deepEqual(locksOf(mirror, 0).map(({ text, wants }) => [text, wants]), [
    ["has balloon_lock", false],
    ["has page 0x3", false],
    ["wants page 0x9", true],
  ]);
});

test("the fitted map fills its box, and a pageblock stays whole rows or a whole part of one", () => {
  for (const cells of [1, 4, 8, 40, 1024, 65536, 262144]) {
    const { columns, rows, w, h } = fillOut(cells, 338, 232);
    assert.ok(columns * rows >= cells && columns * (rows - 1) < cells);
    assert.ok(columns * w <= 338 && rows * h <= 232.001);
    assert.ok(Number.isInteger(Math.log2(columns)));
  }
  assert.deepEqual([fillOut(8, 338, 232).columns, fillOut(65536, 338, 232).columns], [4, 256]);
});

test("the lens shows a page amid its neighbours, and never beyond the guest", () => {
  assert.equal(stripAround(100, 32, 1000), 84);
  assert.equal(stripAround(3, 32, 1000), 0);
  assert.equal(stripAround(999, 32, 1000), 968);
});

test("the host's threads share a lane, what came from outside has none", () => {
  const threads = [{ name: "a" }, { name: "host-x", brief: true }, { name: "b" }, { name: "host-y", brief: true }];
  assert.deepEqual(laneNames(threads), { names: ["a", "b", "host"], laneOf: [-1, 0, 2, 1, 2] });
  assert.deepEqual(KIND.VALUE, 4);
});
