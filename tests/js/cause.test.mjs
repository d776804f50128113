import assert from "node:assert/strict";
import { test } from "node:test";
import { causeOf } from "../../balloonlab/widgets/static/cause.js";
import { hasCpu } from "../../balloonlab/widgets/static/cpu.js";
import { Foretold, doomedSince } from "../../balloonlab/widgets/static/fates.js";
import { HeldLocks } from "../../balloonlab/widgets/static/held.js";
import { Once } from "../../balloonlab/widgets/static/once.js";
import { troubleOf } from "../../balloonlab/widgets/static/sentences.js";
import { KIND } from "../../balloonlab/widgets/static/trace.js";
import { fakeRun } from "./fake.mjs";

const CAN_RUN = { status: "runnable", text: "can run", on: "", holder: "" };
const OWN = { status: "blocked", text: "waits for balloon_lock, which it holds itself", on: "balloon_lock", holder: "vballoon" };
const IDLE = { status: "idle", text: "waits to be asked", on: "", holder: "" };

/** Ten steps of vballoon: step 2 takes balloon_lock, with step 8 it waits for it. */
function stuck() {
  const { mirror, trace } = fakeRun({ steps: 10 });
  trace.tables.waits = [CAN_RUN, OWN, IDLE];
  for (const name of ["kind", "key", "old", "new"]) trace.events[name].cut(0);
  const put = (kind, key, old, now) => [kind, key, old, now].forEach((n, i) => trace.events[["kind", "key", "old", "new"][i]].push(n));
  for (let step = 0; step < 10; step++) {
    if (step === 2) put(KIND.LOCK, 0, -1, 0);
    if (step === 8) put(KIND.WAIT, 0, 0, 1);
    trace.eventEnd.data[step] = trace.events.kind.length;
    trace.step.thread.data[step] = 0;
  }
  mirror.waits.set([1, 2]);
  mirror.threadAt.set([1, 0]);
  mirror.locks.set([0, -1]);
  return mirror;
}
const more = { held: new HeldLocks(), doomed: -1, finding: null };

test("who waits for a lock that it holds itself took it at a step: that is the cause", () => {
  const mirror = stuck();
  const cause = causeOf(mirror, troubleOf(mirror, []), { ...more, held: new HeldLocks() });
  assert.deepEqual([cause.position, cause.text], [3, "To the cause"]);
  assert.equal(cause.detail, "Taken 7 steps ago in fill_balloon, and not given back since");
});

test("of a page's lock too", () => {
  const mirror = stuck();
  mirror.trace.tables.waits[1] = { ...OWN, on: "the lock of page 0x7" };
  Object.assign(mirror.trace.events.kind.data, { 0: KIND.PAGE_LOCK });
  mirror.trace.events.key.data[0] = 7;
  assert.equal(causeOf(mirror, troubleOf(mirror, []), { ...more, held: new HeldLocks() }).position, 3);
});

test("where everything was explored, the cause is the step after which nothing else could come of it", () => {
  const mirror = stuck();
  assert.equal(causeOf(mirror, troubleOf(mirror, []), { ...more, doomed: 5 }).position, 5);
});

test("what is not known is not called the cause: it leads to where it waits, or breaks", () => {
  const mirror = stuck();
  const ring = causeOf(mirror, { title: "", detail: "", threads: [0, 1] }, more);
  assert.deepEqual([ring.position, ring.text], [8, "To where it waits"]);
  const bug = causeOf(mirror, troubleOf(mirror, [{ step: 6, thread: 0, text: "BUG" }]), more);
  assert.deepEqual([bug.position, bug.text], [6, "To where it breaks"]);
  const found = causeOf(mirror, null, { ...more, finding: { step: 5 } });
  assert.deepEqual([found.position, found.text], [4, "To where it breaks"]);
});

test("from where on nothing else could come of it is read off the fates", () => {
  const looks = ["safe", "can go wrong", "will go wrong", "wrong here"].map((word) => ({ word, meaning: word }));
  const fates = [0, 1, 2, 1, 2, 2, 3];
  const foretold = new Foretold(1);
  const n = fates.length;
  const none = { next_fate: new Uint8Array(n).fill(255), next_steps: new Int32Array(n), next_preemptions: new Int32Array(n), next_kind: new Uint8Array(n) };
  const arrays = { known: new Uint8Array(n), graph: new Uint8Array(n), fate: Uint8Array.from(fates), steps: new Int32Array(n).fill(-1), kind: new Uint8Array(n), ...none };
  foretold.take({ shown: true, known: true, from: 0, looks, kinds: [], coverage: [""], why_not: [""] }, arrays);
  assert.deepEqual([0, 1, 2, 3, 5, 6, 7].map((at) => doomedSince(foretold, at)), [-1, -1, 2, -1, 4, 4, -1]);
});

test("a shared CPU is with whoever ran there last, until that one waits or lets time pass", () => {
  const mirror = stuck();
  const { trace } = mirror;
  assert.equal(hasCpu(mirror, [0, 1]), -1); // it waits
  mirror.waits[0] = 0;
  assert.equal(hasCpu(mirror, [0, 1]), 0);
  assert.equal(hasCpu(mirror, [1]), -1);
  assert.equal(hasCpu(mirror, []), -1);
  trace.step.thread.data[9] = 1;
  mirror.waits[1] = 0;
  assert.equal(hasCpu(mirror, [0, 1]), 1);
  assert.equal(hasCpu(mirror, [0]), 0);
  trace.tables.functions[0].lines[2] = "    yield msleep(200)";
  assert.equal(hasCpu(mirror, [0]), -1);
});

test("what is the same as long as the position is, is made once", () => {
  const once = new Once();
  let made = 0;
  const ask = (position, name = "a") => once.at(position, name, () => `${name}${(made += 1)}`);
  assert.deepEqual([ask(1), ask(1), ask(1, "b"), ask(1, "b"), ask(2), ask(2)], ["a1", "a1", "b2", "b2", "a3", "a3"]);
  once.clear();
  assert.equal(ask(2), "a4");
});
