import assert from "node:assert/strict";
import test from "node:test";
import { wrapped } from "../../balloonlab/widgets/static/picture.js";
import { keepWhenSaved, noted } from "../../balloonlab/widgets/static/saved_output.js";

const STATE = "application/vnd.jupyter.widget-state+json";
const ids = (widgets) => Object.keys(widgets[STATE].state).sort();

test("a note is added to what a notebook has of widgets, and goes with its view", () => {
  const first = noted(undefined, "a", new Set(["a"]));
  assert.equal(first[STATE].version_major, 2);
  const both = noted(first, "b", new Set(["a", "b", null]));
  assert.deepEqual(ids(both), ["a", "b"]);
  assert.deepEqual(ids(noted(both, "b", new Set(["b"]))), ["b"]);
});

test("the states of others stay, whether they are shown or not", () => {
  const slider = { model_name: "IntSliderModel", state: { value: 3 } };
  const layout = { model_name: "LayoutModel" };
  const before = { [STATE]: { version_major: 2, version_minor: 0, state: { slider, layout } }, more: 1 };
  const after = noted(before, "a", new Set(["a"]));
  assert.deepEqual(ids(after), ["a", "layout", "slider"]);
  assert.equal(after[STATE].state.slider, slider);
  assert.equal(after.more, 1);
  assert.deepEqual(ids(before), ["layout", "slider"]);
});

test("a front end that saves in another way is left alone", () => {
  for (const manager of [undefined, {}, { context: {} }]) keepWhenSaved(manager, "a", () => assert.fail())();
});

test("a view inside another widget changes nothing in the notebook", () => {
  let keep = null;
  const model = { cells: [{ outputs: { length: 0, get: () => null } }, {}], getMetadata: assert.fail, setMetadata: assert.fail };
  const saveState = { connect: (slot) => (keep = slot), disconnect: (slot) => (keep = keep === slot ? null : keep) };
  const stop = keepWhenSaved({ context: { saveState, model } }, "a", () => assert.fail());
  keep(null, "started");
  keep(null, "completed");
  stop();
  assert.equal(keep, null);
});

test("a text is broken between words", () => {
  const fits = (row) => row.length <= 9;
  assert.deepEqual(wrapped("one two three averylongword four", fits), ["one two", "three", "averylongword", "four"]);
  assert.deepEqual(wrapped("", fits), [""]);
});
