/**
 * Where pages lie on the map: pure arithmetic. A map is a run of cells laid row by row; a cell is `unit` pages. At
 * every zoom level a pageblock is whole rows, or a whole part of a row, so its borders are straight lines.
 */

export const BLOCK_PAGES = 512; // pages of a pageblock: 2 MiB
export const MOST_CELLS = 262144; // cells that are sent and drawn at once: 512 x 512
const LEAST_SHOWN = 64; // pages in view at the deepest zoom
const LABELS_APART = 40; // CSS pixels from one PFN in the gutter to the next, at least

/**
 * Columns, rows and cell size for `cells` cells in a box.
 * @param {number} cells
 * @param {number} width of the box, CSS pixels
 * @param {number} height of the box, CSS pixels
 * @param {number} dpr device pixels in a CSS pixel: cell sizes are whole device pixels where they can be
 * @returns {{columns: number, rows: number, w: number, h: number}} w, h: CSS pixels of a cell
 */
export function layOut(cells, width, height, dpr = 1) {
  let best = null;
  for (let columns = 8; columns <= 1024; columns *= 2) {
    const rows = Math.ceil(cells / columns);
    const exact = Math.min(width / columns, height / rows);
    const size = exact * dpr >= 1 ? Math.floor(exact * dpr) / dpr : exact;
    if (!best || size > best.w || (size === best.w && columns * size <= width))
      best = { columns, rows, w: size, h: size };
  }
  if (best.w < 6) best.h = Math.max(best.h, Math.min(2 * best.w, Math.floor((height / best.rows) * dpr) / dpr));
  return best;
}

/** As `layOut`, but the cells fill the box: they may be a little wider than high, or the reverse. */
export function fillOut(cells, width, height, dpr = 1) {
  let best = null;
  const whole = (size) => (size * dpr >= 4 ? Math.floor(size * dpr) / dpr : size);
  for (let columns = 1; columns <= 1024; columns *= 2) {
    const rows = Math.ceil(cells / columns);
    const [w, h] = [width / columns, height / rows];
    const off = Math.abs(Math.log(w / h));
    if (!best || off < best.off) best = { off, columns, rows, w: whole(w), h: whole(h) };
  }
  const { columns, rows, w, h } = best;
  return { columns, rows, w, h };
}

/** The smallest power of two that is at least n. */
export function powerAbove(n) {
  let p = 1;
  while (p < n) p *= 2;
  return p;
}

/** Pages in view at a zoom level: a quarter at each level. */
export function shownAt(pages, level) {
  return Math.max(Math.min(LEAST_SHOWN, pages), Math.min(pages, powerAbove(pages) / 4 ** level));
}

/** The deepest zoom level of a guest. */
export function deepest(pages) {
  let level = 0;
  while (shownAt(pages, level + 1) < shownAt(pages, level)) level++;
  return level;
}

/**
 * What part of the guest the map shows.
 * @param {{pages: number, unit: number}} guest unit: pages in a cell of the grid that was sent
 * @param {number} level zoom level, 0 shows everything
 * @param {number} anchor a page to keep in view
 * @param {number} at where the anchor's row is to lie, 0 top to 1 bottom
 * @param {{width: number, height: number, dpr: number}} box
 * @returns {{level, first, shown, unit, columns, rows, w, h}} first: first page; shown: pages in view
 */
export function viewOf({ pages, unit }, level, anchor, at, box) {
  const shown = shownAt(pages, level);
  const cellPages = shown <= MOST_CELLS ? 1 : unit;
  const fit = box.fill ? fillOut : layOut;
  const size = fit(Math.ceil(shown / cellPages), box.width, box.height, box.dpr);
  const rowPages = size.columns * cellPages;
  const lastRow = Math.max(0, Math.ceil(pages / rowPages) - size.rows);
  const anchorRow = Math.floor(anchor / rowPages);
  const wanted = Math.min(lastRow, Math.max(0, Math.round(anchorRow - at * (size.rows - 1))));
  const step = labelRows(size.h); // so that the rows that are labelled begin at round PFNs
  const row = wanted % step && anchorRow - (wanted - (wanted % step)) >= size.rows ? wanted + step : wanted;
  const first = Math.min(lastRow, row - (row % step)) * rowPages;
  return { level, first, shown: Math.min(shown, pages - first), unit: cellPages, ...size };
}

/** The view moved so that `page` is in it; the same view if it is already. */
export function reveal(guest, view, page, box) {
  const rowPages = view.columns * view.unit;
  if (page >= view.first && page < view.first + view.rows * rowPages) return view;
  return viewOf(guest, view.level, page, page < view.first ? 0 : 1, box);
}

/** The first page of the cell at a point of the map (CSS pixels), or -1. */
export function pageAt(view, x, y, pages) {
  const column = Math.floor(x / view.w);
  const row = Math.floor(y / view.h);
  if (column < 0 || column >= view.columns || row < 0 || row >= view.rows) return -1;
  const page = view.first + (row * view.columns + column) * view.unit;
  return page < pages ? page : -1;
}

/** Where the cell of a page lies, or null if it is out of view. */
export function cellBox(view, page) {
  const cell = Math.floor((page - view.first) / view.unit);
  if (cell < 0 || cell >= view.columns * view.rows) return null;
  return { x: (cell % view.columns) * view.w, y: Math.floor(cell / view.columns) * view.h, w: view.w, h: view.h };
}

const MOVES = {
  ArrowLeft: (page, view) => page - view.unit,
  ArrowRight: (page, view) => page + view.unit,
  ArrowUp: (page, view) => page - view.columns * view.unit,
  ArrowDown: (page, view) => page + view.columns * view.unit,
  PageUp: (page, view) => page - Math.max(1, view.rows - 1) * view.columns * view.unit,
  PageDown: (page, view) => page + Math.max(1, view.rows - 1) * view.columns * view.unit,
  Home: (page, view, all) => (all ? 0 : page - ((page - view.first) % (view.columns * view.unit))),
  End: (page, view, all, pages) =>
    all ? pages - 1 : page - ((page - view.first) % (view.columns * view.unit)) + (view.columns - 1) * view.unit,
};

/** Where a key takes the cursor, or null if the key is none of the cursor's. A move off the map stays on it. */
export function moveCursor(key, page, view, pages, all = false) {
  const move = MOVES[key];
  if (!move) return null;
  const last = Math.floor((pages - 1) / view.unit) * view.unit;
  const wanted = move(page, view, all, pages);
  if ((key === "ArrowUp" && wanted < 0) || (key === "ArrowDown" && wanted > last)) return page;
  return Math.min(last, Math.max(0, wanted - (wanted % view.unit)));
}

/**
 * Borders of pageblocks in view, as rectangles between which lines are drawn.
 * @returns {{w: number, h: number}|null} size of a pageblock in CSS pixels; null when too small to mark
 */
export function blockSize(view) {
  const cells = BLOCK_PAGES / view.unit;
  const w = Math.min(cells, view.columns) * view.w;
  const h = Math.max(1, cells / view.columns) * view.h;
  return w >= 8 && h >= 8 ? { w, h } : null;
}

/** Rows from one labelled row to the next: a power of two. */
function labelRows(height) {
  let rows = 1;
  while (rows * height < LABELS_APART) rows *= 2;
  return rows;
}

/** Pages at whose rows the gutter names the PFN. */
export function gutterPages(view, pages) {
  const rowPages = view.columns * view.unit;
  const step = labelRows(view.h);
  const labels = [];
  for (let row = 0; row < view.rows; row += step) {
    const page = view.first + row * rowPages;
    if (page >= pages) break;
    labels.push({ page, y: row * view.h });
  }
  return labels;
}
