import assert from "node:assert/strict";
import { test } from "node:test";
import { printedBefore } from "../../balloonlab/widgets/static/log.js";

const tables = { printed: [3, 9, 9, 20].map((step, i) => ({ step, level: "info", text: String(i) })) };
const said = (position, most) => printedBefore({ tables }, position, most).map(({ text }) => text).join("");

test("a line of the kernel's log is there from its step on, walking back and forth", () => {
  assert.deepEqual([0, 3, 4, 9, 10, 20, 21, 5].map((at) => said(at)), ["", "", "0", "0", "012", "012", "0123", "0"]);
});

test("the latest ones are shown, and a trace without any has none", () => {
  assert.equal(said(99, 2), "23");
  assert.deepEqual(printedBefore({ tables: {} }, 5, 4), []);
});
