import assert from "node:assert/strict";
import { test } from "node:test";
import * as g from "../../balloonlab/widgets/static/geometry.js";

const BOX = { width: 512, height: 512, dpr: 1 };
const SIZES = [
  1,
  4,
  8,
  63,
  256,
  300,
  512,
  1000,
  1024,
  4096,
  5000,
  16384,
  65536,
  100_000,
  131_072,
  262_144,
  300_000,
  1 << 20,
  4_194_304,
  16_777_216,
];
const unitOf = (pages) => {
  let unit = 1;
  while (Math.ceil(pages / unit) > g.MOST_CELLS) unit *= 2;
  return unit;
};
const guests = SIZES.map((pages) => ({ pages, unit: unitOf(pages) }));
function* views() {
  for (const guest of guests)
    for (let level = 0; level <= g.deepest(guest.pages); level++)
      for (const at of [0, 0.5, 1])
        for (const share of [0, 0.1, 0.37, 0.5, 0.99]) {
          const anchor = Math.floor(share * (guest.pages - 1));
          yield { guest, level, anchor, view: g.viewOf(guest, level, anchor, at, BOX) };
        }
}

test("the map fits its box, and no more than MOST_CELLS cells are drawn", () => {
  for (const { view } of views()) {
    assert.ok(view.columns * view.w <= BOX.width && view.rows * view.h <= BOX.height, JSON.stringify(view));
    assert.ok(view.columns * view.rows <= g.MOST_CELLS);
  }
});

test("cells are whole device pixels", () => {
  for (const dpr of [1, 2])
    for (const { pages, unit } of guests) {
      const { w, h } = g.viewOf({ pages, unit }, 0, 0, 0, { ...BOX, dpr });
      assert.ok(Number.isInteger(w * dpr) && Number.isInteger(h * dpr), `${pages}: ${w} x ${h}`);
    }
});

test("a pageblock is whole rows or a whole part of a row, and rows begin where it could begin", () => {
  for (const { view } of views()) {
    const cells = g.BLOCK_PAGES / view.unit;
    assert.ok(view.columns % cells === 0 || cells % view.columns === 0, JSON.stringify(view));
    assert.equal(view.first % Math.min(g.BLOCK_PAGES, view.columns * view.unit), 0);
  }
});

test("the anchor is in view, and nothing before page 0 or behind the last page is", () => {
  for (const { guest, anchor, view } of views()) {
    assert.ok(g.cellBox(view, anchor), JSON.stringify({ anchor, view }));
    assert.ok(view.first >= 0 && view.first < guest.pages);
  }
});

test("zooming in shows a quarter, down to pages with room for a glyph", () => {
  for (const { pages, unit } of guests) {
    const deep = g.viewOf({ pages, unit }, g.deepest(pages), 0, 0, BOX);
    assert.equal(deep.unit, 1);
    assert.ok(deep.w >= 20, `${pages}: ${deep.w}`);
    for (let level = 1; level <= g.deepest(pages); level++)
      assert.ok(g.shownAt(pages, level) < g.shownAt(pages, level - 1));
  }
});

test("pageAt is the inverse of cellBox", () => {
  for (const { guest, anchor, view } of views()) {
    const box = g.cellBox(view, anchor);
    const page = g.pageAt(view, box.x + box.w / 2, box.y + box.h / 2, guest.pages);
    assert.equal(page, anchor - (anchor % view.unit));
  }
});

test("beside the map there is no page", () => {
  const view = g.viewOf({ pages: 300, unit: 1 }, 0, 0, 0, BOX);
  for (const [x, y] of [
    [-1, 5],
    [5, -1],
    [view.columns * view.w + 1, 5],
    [5, view.rows * view.h + 1],
  ])
    assert.equal(g.pageAt(view, x, y, 300), -1);
  const afterLast = g.cellBox(view, 299);
  assert.equal(g.pageAt(view, afterLast.x + 1.5 * afterLast.w, afterLast.y + 1, 300), -1);
});

test("every key keeps the cursor on a cell of the guest, and revealing it shows it", () => {
  const keys = ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "PageUp", "PageDown", "Home", "End"];
  for (const { guest, anchor, view } of views())
    for (const key of keys)
      for (const all of [false, true]) {
        const to = g.moveCursor(key, anchor, view, guest.pages, all);
        assert.ok(to >= 0 && to < guest.pages, `${key} ${to}`);
        const shown = g.reveal(guest, view, to, BOX);
        assert.ok(g.cellBox(shown, to), JSON.stringify({ key, anchor, to, view, shown }));
        assert.ok(shown !== view || g.cellBox(view, to));
      }
});

test("arrows move by one cell and one row; Control goes to the ends of memory", () => {
  const guest = { pages: 1024, unit: 1 };
  const view = g.viewOf(guest, 0, 0, 0, BOX); // 32 columns
  assert.equal(view.columns, 32);
  assert.equal(g.moveCursor("ArrowRight", 40, view, 1024), 41);
  assert.equal(g.moveCursor("ArrowDown", 40, view, 1024), 72);
  assert.equal(g.moveCursor("ArrowUp", 5, view, 1024), 5);
  assert.equal(g.moveCursor("Home", 40, view, 1024), 32);
  assert.equal(g.moveCursor("End", 40, view, 1024), 63);
  assert.equal(g.moveCursor("End", 40, view, 1024, true), 1023);
  assert.equal(g.moveCursor("Home", 40, view, 1024, true), 0);
  assert.equal(g.moveCursor("x", 40, view, 1024), null);
});

test("the gutter names rows far enough apart, at even steps", () => {
  for (const { guest, view } of views()) {
    const labels = g.gutterPages(view, guest.pages);
    assert.ok(labels.length >= 1 && labels[0].page === view.first);
    for (let i = 1; i < labels.length; i++) assert.ok(labels[i].y - labels[i - 1].y >= 40);
  }
});
