import assert from "node:assert/strict";
import { test } from "node:test";
import { lastTouches, memberRows, workWords } from "../../balloonlab/widgets/static/members.js";
import { bufferWords, figuresAt, figureWords } from "../../balloonlab/widgets/static/statistics.js";
import { fakeRun } from "./fake.mjs";

const touches = { reads: ["read"], hosts: ["host_read"], beside: { virtqueue_add: [["pfns", false]] }, here: "list_del" };
const member = (name, guard, kind = "value", number = 0) => ({ name, ctype: "int", obj: name, kind, number, guard, now: "" });

/** A mirror that stands after one step of a thread: its verb and object. */
function after(verb, obj, { thread = 0, holder = -1 } = {}) {
  const { mirror, trace } = fakeRun({ steps: 1 });
  Object.assign(trace.tables, { touches, verbs: [verb], objects: [obj] });
  trace.tables.members = [member("num_pages", "balloon_lock"), member("alone", "only vballoon"), member("loose", "nobody says")];
  for (const [name, value] of Object.entries({ thread, verb: 0, obj: 0 })) trace.step[name].data[0] = value;
  mirror.locks.set([holder, -1]);
  return mirror;
}

const guardOf = (mirror, name) => memberRows(mirror).find((row) => row.name === name);

test("a lock that is to be held is held by the thread of the step, or it is told", () => {
  assert.equal(guardOf(after("read", "num_pages", { holder: 0 }), "num_pages").guard, "read: balloon_lock held");
  const other = guardOf(after("write", "num_pages", { holder: 1 }), "num_pages");
  assert.deepEqual([other.guard, other.kept], ["written: no balloon_lock", false]);
  assert.equal(guardOf(after("write", "alone", { holder: 1 }), "num_pages").guard, "balloon_lock");
});

test("a member without a lock has a thread, or nobody", () => {
  assert.deepEqual(
    [0, 1].map((thread) => guardOf(after("write", "alone", { thread }), "alone")).map(({ guard, kept }) => [guard, kept]),
    [["written by vballoon", true], ["written by compactor", false]],
  );
  assert.deepEqual([guardOf(after("read", "loose"), "loose").guard, guardOf(after("read", "loose"), "loose").kept], ["read: no lock named", null]);
});

test("what comes from outside touches nothing, the host's reading no member, a message its PFNs too", () => {
  assert.equal(lastTouches(after("read", "num_pages", { thread: -1 })).size, 0);
  assert.equal(lastTouches(after("host_read", "inflateq")).size, 0);
  assert.deepEqual([...lastTouches(after("virtqueue_add", "inflateq"))], [["inflateq", true], ["pfns", false]]);
});

test("a work item is several things at once", () => {
  assert.deepEqual([0, 1, 2, 3, 6].map(workWords), ["idle", "queued", "running", "queued, running", "running, being cancelled"]);
});

test("the host has the figures that it has read, and those before them", () => {
  const { mirror, trace } = fakeRun({ steps: 1 });
  mirror.status.put(0, 4);
  const sent = [2, 0, 2, 2];
  trace.appendMessages(0, { message_queue: sent, message_start: [0, 0, 0, 0], message_count: [0, 0, 0, 0], message_pfns: [] });
  trace.tables.figures = [[0, 8], [2, 6], [3, 5]].map(([message, memfree]) => ({ message, values: [["memfree", memfree]] }));
  const at = (...statuses) => {
    statuses.forEach((status, i) => mirror.status.put(i, status));
    return figuresAt(mirror).map(({ before, now }) => [before, now]).flat();
  };
  assert.deepEqual(at(2), [null, 8]);
  assert.deepEqual(at(4, 4, 1), [null, 8]);
  assert.equal(bufferWords(mirror), "on its way to the host");
  assert.deepEqual(at(4, 4, 2), [8, 6]);
  assert.deepEqual(at(4, 4, 4, 3), [6, 5]);
  const tables = { stat_bytes: ["memfree"] };
  assert.deepEqual([["memfree", 4096], ["majflt", 4096], ["majflt", null]].map((each) => figureWords(tables, ...each)), ["4 KiB", "4,096", "\u2013"]);
});
