import assert from "node:assert/strict";
import { test } from "node:test";
import { Column, unpack } from "../../balloonlab/widgets/static/codec.js";

test("arrays come out as they went in, wherever the buffer lies", () => {
  const whole = new Uint8Array(3 + 16);
  const view = new DataView(whole.buffer, 3, 16); // an odd address
  view.setUint8(0, 7);
  view.setUint8(1, 255);
  view.setInt32(4, -5, true);
  view.setInt32(8, 2 ** 31 - 1, true);
  view.setUint16(12, 65535, true);
  const arrays = unpack(
    [
      ["a", "u1", 0, 2],
      ["b", "i4", 4, 2],
      ["c", "u2", 12, 1],
      ["d", "i1", 0, 2],
      ["e", "u4", 16, 0],
    ],
    view,
  );
  assert.deepEqual([...arrays.a], [7, 255]);
  assert.deepEqual([...arrays.b], [-5, 2 ** 31 - 1]);
  assert.deepEqual([...arrays.c], [65535]);
  assert.deepEqual([...arrays.d], [7, -1]);
  assert.equal(arrays.e.length, 0);
});

test("changing a decoded array leaves the message alone", () => {
  const bytes = new Uint8Array(4);
  unpack([["a", "u1", 0, 4]], new DataView(bytes.buffer)).a[0] = 9;
  assert.equal(bytes[0], 0);
});

test("no buffer and no arrays are no error; an unknown type is", () => {
  assert.deepEqual(unpack([], undefined), {});
  assert.throws(() => unpack([["a", "f8", 0, 1]], new DataView(new ArrayBuffer(8))), /unknown array type f8 of a/);
});

test("a column grows, is cut, and grows again like an array does", () => {
  const column = new Column(Int32Array, 2);
  const twin = [];
  for (let round = 0; round < 50; round++) {
    const more = Int32Array.from({ length: round % 7 }, (_, i) => round * 100 + i);
    column.append(more, round);
    twin.push(...[...more].map((n) => n + round));
    column.push(round);
    twin.push(round);
    if (round % 5 === 4) {
      column.cut(twin.length - 3);
      twin.length -= 3;
    }
    assert.deepEqual([...column.data.subarray(0, column.length)], twin);
  }
});
