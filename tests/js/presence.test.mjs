/** Whether Python is there, as the browser works it out: by ticks of a clock that the test turns. */
import assert from "node:assert/strict";
import { test } from "node:test";

let turn;
globalThis.setInterval = (act, every) => {
  if (every < 1000) turn = { act, every };
};
const { Presence } = await import("../../balloonlab/widgets/static/presence.js");
const BEAT = 500; // milliseconds, as balloonlab/widgets/pulse.py has it

/** What is told after each event: a number of ticks, a message, or "cut". */
function play(...events) {
  const told = [];
  const presence = new Presence({
    unanswered: () => told.push("unanswered"),
    lost: (gone) => told.push(gone ? "lost" : "back"),
    missed: () => told.push("missed"),
    here: () => told.push("here"),
  });
  return events.map((event) => {
    told.length = 0;
    if (typeof event === "number") for (let i = 0; i < event; i++) turn.act();
    else if (event === "cut") presence.cut();
    else presence.hear(event);
    return told.join(" ");
  });
}

const beat = (n) => ({ type: "beat", n });
const says = (n) => ({ type: "steps", n });

test("a kernel that dies is lost within two seconds", () => {
  assert.deepEqual(play(says(1), beat(1), 5, beat(1), 5, 1), ["", "", "", "", "", "lost"]);
  assert.ok(6 * turn.every + BEAT <= 2000, "it may die just after a sign of life");
  assert.ok(3 * BEAT <= 6 * turn.every, "two may be late");
});

test("where signs of life were never given, nobody is lost", () => {
  assert.deepEqual(play(says(1), 1000), ["", ""]);
});

test("that nothing has come yet is said once", () => {
  assert.deepEqual(play(7, 1, 100, says(1)), ["", "unanswered", "", ""]);
});

test("who is lost is called, and asked for everything when he is back", () => {
  const told = play(says(4), beat(4), 6, 14, beat(4), says(5), beat(5));
  assert.deepEqual(told, ["", "", "lost", "here", "back missed", "", ""]);
});

test("a message that was lost is noticed by the next one, or by a sign of life", () => {
  const told = play(says(4), says(5), says(7), says(8), beat(8), beat(9), beat(9));
  assert.deepEqual(told, ["", "", "missed", "", "", "missed", ""]);
});

test("a kernel that is going is not taken for one that is back", () => {
  assert.deepEqual(play(says(1), beat(1), "cut", 2, beat(1), 18, beat(1)), ["", "", "lost", "", "", "here", "back missed"]);
});
