import assert from "node:assert/strict";
import { test } from "node:test";
import { framesOf, ownCall, ownDepth, returnOf } from "../../balloonlab/widgets/static/calls.js";
import { HeldLocks } from "../../balloonlab/widgets/static/held.js";
import { KIND, NONE } from "../../balloonlab/widgets/static/trace.js";
import { fakeRun } from "./fake.mjs";

const source = (name, module, ...lines) => ({ name, module, first_line: 10, lines: ["def", ...lines] });
const TABLES = {
  functions: [source("balloon", "v9.py", "  a", "  b", "  c"), source("wait_event", "waiting.py", "  return (yield look(queue))"), source("fill", "v9.py", "  x")],
  locations: [[], [[0, 12], [1, 11]], [[1, 10]], [[0, 12]], [[0, 13]], [[0, 12], [2, 11]], [[0, 11], [2, 11]], [[0, 12], [2, 11], [1, 11]]],
};

test("a call's line counts from the function's first", () => {
  assert.deepEqual(framesOf(TABLES, 1).map(({ f, name, line }) => [f, name, line]), [[0, "balloon", 3], [1, "wait_event", 2]]);
  assert.deepEqual(framesOf(TABLES, 0), []);
});

test("the driver's own line is shown where a thread sleeps in a helper of the kernel", () => {
  assert.deepEqual(ownCall(TABLES, 1), { f: 0, line: 3, calls: [], name: "balloon", helper: "wait_event" });
  assert.equal(ownCall(TABLES, 2).name, "wait_event");
  assert.equal(ownCall(TABLES, 0), null);
  assert.deepEqual([1, 2, 5, 7, 0].map((at) => ownDepth(framesOf(TABLES, at))), [0, 0, 1, 1, -1]);
  const condition = [...framesOf(TABLES, 1), ...framesOf(TABLES, 5).slice(1)];
  assert.equal(ownDepth(condition), 0); // what the helper calls to know whether to sleep
});

/** A mirror of one step of thread 0, which went from one location to another and came to `result`. */
function stepped(from, to, result = NONE) {
  const { mirror, trace } = fakeRun({ steps: 1 });
  Object.assign(trace.tables, TABLES);
  trace.step.thread.data[0] = 0;
  trace.step.result.data[0] = result;
  for (const [name, value] of [["kind", KIND.THREAD_AT], ["key", 0], ["old", from], ["new", to]]) {
    trace.events[name].cut(0);
    trace.events[name].push(value);
  }
  trace.eventEnd.data[0] = 1;
  mirror.threadAt[0] = to;
  return mirror;
}

test("a return is seen, with the line of the call and what came of it where that is known", () => {
  assert.deepEqual(returnOf(stepped(5, 4), 0), { depth: 0, f: 0, line: 3, name: "fill", result: "" });
  assert.deepEqual(returnOf(stepped(1, 4, 3), 0), { depth: 0, f: 0, line: 3, name: "wait_event", result: "3" });
  assert.equal(returnOf(stepped(1, 4), 0).result, "");
  assert.deepEqual(returnOf(stepped(7, 5), 0), { depth: 1, f: 2, line: 2, name: "wait_event", result: "" });
  assert.equal(returnOf(stepped(7, 4, 3), 0).result, ""); // two calls ended: what the outer one came to is not known
  assert.equal(returnOf(stepped(6, 5), 0).name, "fill"); // and was called again at another line
});

test("no return is told of a step on, into a call, of another thread, or at the start", () => {
  for (const [from, to] of [[3, 4], [3, 5], [5, 7], [5, 5], [4, 0]]) assert.equal(returnOf(stepped(from, to), 0), null);
  assert.equal(returnOf(stepped(5, 4), 1), null);
  const mirror = stepped(5, 4);
  mirror.position = 0;
  assert.equal(returnOf(mirror, 0), null);
});

test("the step that took a held lock is found, whichever way one comes to a position", () => {
  const { mirror, twins } = fakeRun({ steps: 400, seed: 3 });
  const { trace } = mirror;
  const slow = (position, kind, key) => trace.find(position + 1, -1, (i) => trace.touches(i, kind, key)) - 1;
  const held = new HeldLocks();
  let seen = 0;
  for (const position of [400, 399, 12, 13, 14, 250, 251, 90, 0, 400, 300, 301, 399, 398, 55]) {
    mirror.seek(position);
    twins[position].locks.forEach((holder, lock) => {
      if (holder < 0) return;
      seen++;
      const found = held.of(mirror, holder).find(({ name }) => name === trace.tables.locks[lock]);
      assert.equal(found.step, Math.max(-1, slow(position, KIND.LOCK, lock)));
    });
    for (const [page, holder] of Object.entries(twins[position].pageLocks)) {
      const found = held.of(mirror, holder).find(({ name }) => name === `page 0x${Number(page).toString(16)}`);
      assert.equal(found.step, slow(position, KIND.PAGE_LOCK, Number(page)));
    }
  }
  assert.ok(seen > 8);
});

test("a held lock marks the line of the shown call at which it was taken", () => {
  const mirror = stepped(3, 4);
  const { trace } = mirror;
  trace.events.kind.push(KIND.LOCK);
  trace.events.key.push(0);
  trace.events.old.push(-1);
  trace.events.new.push(0);
  trace.eventEnd.data[0] = 2;
  mirror.locks[0] = 0;
  mirror.pageLocks.clear();
  assert.deepEqual(new HeldLocks().linesOf(mirror, 0, { f: 0, depth: 0 }), [{ line: 3, name: "balloon_lock" }]);
  assert.deepEqual(new HeldLocks().linesOf(mirror, 0, { f: 2, depth: 1 }), []);
  assert.deepEqual(new HeldLocks().linesOf(mirror, 1, { f: 0, depth: 0 }), []);
});
