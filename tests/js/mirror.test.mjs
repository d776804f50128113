import assert from "node:assert/strict";
import { test } from "node:test";
import { fakeRun, plain, random } from "./fake.mjs";

test("at every position, reached from either side, the mirror is the plain state", () => {
  for (const seed of [1, 2, 3, 4, 5]) {
    const { mirror, twins, count } = fakeRun({ seed });
    const check = (position) => {
      mirror.seek(position);
      assert.equal(mirror.position, position);
      assert.deepEqual(plain(mirror), twins[position]);
      assert.deepEqual([...mirror.counts], count(twins[position].states));
      assert.deepEqual(
        [...mirror.lengths],
        twins[position].lists.map((list) => list.length),
      );
    };
    for (let p = twins.length - 1; p >= 0; p--) check(p);
    for (let p = 0; p < twins.length; p++) check(p);
    const pick = random(seed);
    for (let n = 0; n < 100; n++) check(pick(twins.length));
  }
});

test("a position off the timeline is its nearest end", () => {
  const { mirror } = fakeRun({ steps: 20 });
  mirror.seek(-5);
  assert.equal(mirror.position, 0);
  mirror.seek(1e9);
  assert.equal(mirror.position, 20);
});

test("steps can be cut off and others appended", () => {
  const { mirror, trace, twins, arrays } = fakeRun({ steps: 60 });
  mirror.seek(25);
  trace.cut(25);
  assert.equal(trace.length, 25);
  const rest = {};
  const ends = { event: arrays.event_end[24], map: arrays.map_end[24] };
  for (const [name, array] of Object.entries(arrays)) {
    const kind = name.split("_")[0];
    if (name.endsWith("_end")) rest[name] = array.slice(25).map((n) => n - ends[kind]);
    else rest[name] = array.slice(kind in ends ? ends[kind] : 25);
  }
  trace.append(35, rest, { waits: { from: 2, rows: [{ status: "idle", text: "idles", on: "", holder: "" }] } });
  assert.equal(trace.tables.waits.length, 3);
  for (const p of [60, 25, 0, 41]) {
    mirror.seek(p);
    assert.deepEqual(plain(mirror), twins[p]);
  }
});

test("what changed is touched, so that only that is painted anew", () => {
  const { mirror, twins, trace } = fakeRun();
  mirror.touched.clear();
  mirror.seek(120);
  mirror.touched.clear();
  mirror.seek(121);
  const touched = new Set(mirror.touched.pages.subarray(0, mirror.touched.length));
  assert.equal(mirror.touched.all, false);
  assert.deepEqual(touched, trace.pagesOf(120));
  for (const [page, state] of twins[121].states.entries())
    if (state !== twins[120].states[page]) assert.ok(touched.has(page));
});

test("a window taken at one position is true at every other", () => {
  const { mirror, twins } = fakeRun({ pages: 64 });
  mirror.unit = 16; // as if the grid were reduced
  for (const here of [150, 90, 20]) {
    mirror.seek(here);
    mirror.setWindow(10, Uint8Array.from(twins[90].states.slice(10, 40)), 90);
    for (const p of [here, 200, 0, 90, 33]) {
      mirror.seek(p);
      for (let page = 10; page < 40; page++) assert.equal(mirror.stateAt(page), twins[p].states[page]);
    }
  }
});

test("messages sent again under a number replace the old ones", () => {
  const { trace } = fakeRun({ steps: 1 });
  const send = (from, counts) =>
    trace.appendMessages(from, {
      message_queue: counts.map(() => 0),
      message_count: counts,
      message_start: counts.map((_, i) => counts.slice(0, i).reduce((a, b) => a + b, 0)),
      message_pfns: counts.flatMap((n) => Array(n).fill(from * 10 + n)),
    });
  send(0, [2, 3]);
  send(2, [1]);
  send(1, [4]);
  const { start, count } = trace.messages;
  assert.equal(count.length, 2);
  const pfns = (i) => [...trace.pfns.data.subarray(start.data[i], start.data[i] + count.data[i])];
  assert.deepEqual(
    [pfns(0), pfns(1)],
    [
      [2, 2],
      [14, 14, 14, 14],
    ],
  );
});
