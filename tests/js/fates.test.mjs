import assert from "node:assert/strict";
import { test } from "node:test";
import { Foretold, aboutHere, spoken, violationWords } from "../../balloonlab/widgets/static/fates.js";

const looks = ["safe", "can go wrong", "will go wrong", "wrong here"].map((word, i) => ({
  word,
  meaning: `Meaning of ${word}.`,
  glyph: "o?x!"[i],
  colour: "#000000",
}));
const content = {
  type: "fates",
  shown: true,
  known: true,
  from: 0,
  kinds: ["deadlock", "invariant"],
  coverage: ["2 of 9", "1 of 4"],
  looks,
  why_not: ["", "begins later", "from outside"],
};
const NO_STEP = 255;

/** Positions 0 (before it begins), 1 (can go wrong), 2 (wrong), of two threads. */
const arrays = () => ({
  known: Uint8Array.of(1, 0, 0),
  graph: Uint8Array.of(255, 0, 1),
  fate: Uint8Array.of(255, 1, 3),
  steps: Int32Array.of(-1, 4, 0),
  kind: Uint8Array.of(0, 1, 2),
  next_fate: Uint8Array.of(NO_STEP, NO_STEP, 0, 2, NO_STEP, 3),
  next_steps: Int32Array.of(-1, -1, -1, 4, -1, 1),
  next_preemptions: Int32Array.of(-1, -1, -1, 1, -1, 0),
  next_kind: Uint8Array.of(0, 0, 0, 1, 0, 2),
});

function foretold() {
  const found = new Foretold(2);
  assert.ok(found.take(content, arrays()));
  return found;
}

test("the nearest violation in words", () => {
  assert.equal(violationWords("deadlock", -1, -1), "");
  assert.equal(violationWords("deadlock", 1, 0), "deadlock at this step, needs no preemption");
  assert.equal(violationWords("deadlock", 1234, 1), "deadlock 1,234 steps away, needs 1 preemption");
  assert.equal(violationWords("invariant", 2, 3), "invariant 2 steps away, needs 3 preemptions");
});

test("a position in words", () => {
  assert.equal(aboutHere(looks[0], undefined, -1), "Meaning of safe.");
  assert.equal(aboutHere(looks[3], "deadlock", 0), "Deadlock.");
  assert.equal(aboutHere(looks[1], "deadlock", 1), "Meaning of can go wrong. The nearest: deadlock, 1 step away.");
});

test("each position has its fate, and each thread's step there", () => {
  const found = foretold();
  const here = found.at(1);
  assert.deepEqual(here.look, looks[1]);
  assert.equal(here.about, "Meaning of can go wrong. The nearest: deadlock, 4 steps away.");
  assert.equal(here.coverage, "2 of 9");
  assert.deepEqual(here.next, [
    { look: looks[0], ahead: "no violation ahead" },
    { look: looks[2], ahead: "deadlock 4 steps away, needs 1 preemption" },
  ]);
  const wrong = found.at(2);
  assert.deepEqual([wrong.look.word, wrong.about, wrong.coverage], ["wrong here", "Invariant.", "1 of 4"]);
  assert.deepEqual(wrong.next, [null, { look: looks[3], ahead: "invariant at this step, needs no preemption" }]);
});

test("where it is not known it says why", () => {
  const found = foretold().at(0);
  assert.deepEqual([found.known, found.look, found.about], [false, null, "begins later"]);
  assert.deepEqual(found.next, [null, null]);
  assert.equal(spoken(found, ["a", "b"]), "Here: not known. begins later");
});

test("a screen reader hears where we are and what each thread's step leads to", () => {
  const here = "Here: can go wrong. Meaning of can go wrong. The nearest: deadlock, 4 steps away.";
  assert.equal(spoken(foretold().at(1), ["a", "b"]), `${here} Next: a safe, b will go wrong.`);
  assert.equal(spoken(null, ["a", "b"]), "");
});

test("later messages replace what follows, and a missed one is noticed", () => {
  const found = foretold();
  const one = Object.fromEntries(
    Object.entries(arrays()).map(([name, a]) => [name, a.slice(0, name.startsWith("next") ? 2 : 1)]),
  );
  assert.ok(found.take({ ...content, from: 2 }, one));
  assert.equal(found.at(2).known, false);
  assert.equal(found.at(1).known, true);
  assert.equal(found.at(3), null);
  assert.equal(found.take({ ...content, from: 5 }, one), false);
});

test("nothing is shown that is switched off or was never explored", () => {
  const found = foretold();
  assert.ok(found.take({ shown: false, known: false, from: 0 }, {}));
  assert.equal(found.at(1), null);
  assert.ok(found.take({ shown: true, known: false, exploring: true, from: 0 }, {}));
  assert.equal(found.at(1), null);
  assert.equal(new Foretold(2).at(0), null);
});
