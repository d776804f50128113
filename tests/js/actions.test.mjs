import assert from "node:assert/strict";
import { test } from "node:test";
import { unmetNeed } from "../../balloonlab/widgets/static/actions.js";

test("what may be asked for depends on numbers that must be 0, or must not be; the first that is otherwise says why", () => {
  const needs = [
    [2, false, "it is busy"],
    [0, true, "nobody is there"],
  ];
  assert.equal(unmetNeed(needs, [7, 0, 0]), null);
  assert.equal(unmetNeed(needs, [7, 0, 3])[2], "it is busy");
  assert.equal(unmetNeed(needs, [0, 0, 0])[2], "nobody is there");
  assert.equal(unmetNeed(needs, [0, 0, 1])[2], "it is busy");
  assert.equal(unmetNeed([], []), null);
});
