/** Painting the page map on a canvas. Cells are one pixel each in a hidden picture, enlarged; marks come on top. */
import { blockSize, cellBox, gutterPages } from "./geometry.js";
import { hex } from "./words.js";

const GLYPH_FROM = 13; // CSS pixels of a cell, from which glyphs can be read
export const GAP_FROM = 5; // and from which a gap between cells helps
const NAMES_FROM = 64; // and from which a cell has room for its page's number and state
const NAMES_HIGH = 44;
const RINGS = 24; // changed pages that get a ring each on small cells,
const RINGED_FROM = 7; // and CSS pixels of a cell, from which as many do as there are, up to
const MARKS = 600;

export const GUTTER = 60; // CSS pixels left of the map, for PFNs

export class Painter {
  /**
   * @param {HTMLCanvasElement} canvas
   * @param {{gutter: number, margin: number}} room CSS pixels left of the map for PFNs, and right of it for scanners
   */
  constructor(canvas, palette, { gutter = GUTTER, margin = 0 } = {}) {
    this.canvas = canvas;
    this.gutter = gutter;
    this.margin = margin;
    this.context = canvas.getContext("2d");
    this.picture = document.createElement("canvas");
    this.palette = palette;
    this.view = null;
  }

  /** Colours for cells and ink, from the palette and the theme around. */
  setTheme(theme) {
    this.theme = theme;
    this.colours = new Uint32Array(256).fill(pixel(theme.dark ? "#222222" : "#ffffff"));
    this.palette.forEach((state, code) => (this.colours[code] = pixel(state[theme.dark ? "dark" : "light"])));
    this.inks = this.palette.map((state) => inkOn(state[theme.dark ? "dark" : "light"]));
  }

  /** Show `view`; the canvas takes its size from the box, so that nothing around it moves when zooming. */
  setView(view, box) {
    const { canvas, picture } = this;
    const width = Math.round((this.gutter + box.width + this.margin) * box.dpr);
    const height = Math.round(box.height * box.dpr);
    if (canvas.width !== width || canvas.height !== height) {
      canvas.width = width;
      canvas.height = height;
      canvas.style.width = `${this.gutter + box.width + this.margin}px`;
      canvas.style.height = `${box.height}px`;
    }
    if (picture.width !== view.columns || picture.height !== view.rows) {
      picture.width = view.columns;
      picture.height = view.rows;
      this.image = picture.getContext("2d").createImageData(view.columns, view.rows);
      this.pixels = new Uint32Array(this.image.data.buffer);
    }
    this.dpr = box.dpr;
    this.view = view;
  }

  /** Colour every cell in view anew. `stateAt(page)` gives its state. */
  fill(pages, stateAt) {
    const { view, pixels, colours } = this;
    const cells = Math.min(pixels.length, Math.ceil((pages - view.first) / view.unit));
    for (let i = 0, page = view.first; i < cells; i++, page += view.unit) pixels[i] = colours[stateAt(page)];
    pixels.fill(0, cells);
    this.put(0, view.rows);
  }

  /** Colour the cells of some pages anew. */
  patch(pages, length, stateAt) {
    const { view, pixels, colours } = this;
    let low = view.rows;
    let high = -1;
    for (let n = 0; n < length; n++) {
      const i = Math.floor((pages[n] - view.first) / view.unit);
      if (i < 0 || i >= pixels.length) continue;
      pixels[i] = colours[stateAt(view.first + i * view.unit)];
      const row = Math.floor(i / view.columns);
      if (row < low) low = row;
      if (row > high) high = row;
    }
    if (high >= low) this.put(low, high + 1);
  }

  put(low, high) {
    this.picture.getContext("2d").putImageData(this.image, 0, 0, 0, low, this.view.columns, high - low);
  }

  /**
   * Draw everything.
   * @param {{pages, stateAt, changed: Set<number>, locked: number[],
   *          scanners: Array<{page, name}>, cursor: number, hover: number, pinned: number,
   *          focused: boolean}} what pages by their PFN; -1 for none
   */
  draw(what) {
    const { context: c, view, dpr, theme } = this;
    c.setTransform(dpr, 0, 0, dpr, 0, 0);
    c.clearRect(0, 0, this.canvas.width / dpr, this.canvas.height / dpr);
    this.drawGutter(what.pages);
    c.translate(this.gutter, 0);
    c.imageSmoothingEnabled = view.w * dpr < 1;
    const width = view.columns * view.w;
    c.drawImage(this.picture, 0, 0, width, view.rows * view.h);
    if (view.w >= GAP_FROM) this.drawGaps(what.pages, width);
    this.drawBlocks(what.pages, width);
    if (view.w >= NAMES_FROM && view.h >= NAMES_HIGH) this.drawNames(what.pages, what.stateAt);
    else if (Math.min(view.w, view.h) >= GLYPH_FROM) this.drawGlyphs(what.pages, what.stateAt);
    if (view.w >= GAP_FROM) for (const page of what.locked) this.drawLock(page);
    for (const page of what.differ ?? []) this.drawDiffer(page);
    if (this.margin) this.drawScannersBeside(what.scanners, what.pages);
    else for (const { page, name } of what.scanners) this.drawScanner(Math.min(page, what.pages - 1), name);
    this.drawChanged(what.changed, what.pointed ?? -1);
    if (what.arrow) this.drawArrow(what.arrow[0], what.arrow[1]);
    this.ring(what.pinned, theme.ink, 2, 3);
    this.ring(what.hover, theme.ink, 1, 0);
    if (what.focused) this.ring(what.cursor, theme.focus, 3, 2);
  }

  /** A ring on each page that changed. Many of them on small cells would hide the map: those have a tick at their row. */
  drawChanged(changed, pointed) {
    const { context: c, view, theme } = this;
    if (changed.size <= RINGS || Math.min(view.w, view.h) >= RINGED_FROM) {
      let rings = 0;
      for (const page of changed) if (++rings <= MARKS) this.ring(page, theme.mark, 3, 1);
      return;
    }
    const rows = new Set();
    for (const page of changed) rows.add(cellBox(view, page)?.y ?? -1);
    c.fillStyle = theme.mark;
    for (const y of rows) if (y >= 0) c.fillRect(-5, y, 5, Math.max(2, view.h));
    if (changed.has(pointed)) this.ring(pointed, theme.mark, 3, 1);
  }

  drawGutter(pages) {
    const { context: c, view, theme } = this;
    c.fillStyle = theme.faint;
    c.font = `11px ${theme.mono}`;
    c.textAlign = "right";
    c.textBaseline = "top";
    for (const { page, y } of gutterPages(view, pages)) {
      c.fillText(hex(page), this.gutter - 6, y + Math.max(0, Math.min(view.h, 30) / 2 - 6));
      c.fillRect(this.gutter - 4, y, 4, 1);
    }
  }

  drawGaps(pages, width) {
    const { context: c, view, theme } = this;
    c.fillStyle = theme.paper;
    const rows = Math.ceil((pages - view.first) / (view.columns * view.unit));
    const height = Math.min(rows, view.rows) * view.h;
    for (let i = 1; i < view.columns; i++) c.fillRect(i * view.w - 1, 0, 1, height);
    for (let i = 1; i < view.rows; i++) c.fillRect(0, i * view.h - 1, width, 1);
  }

  drawBlocks(pages, width) {
    const { context: c, view, theme } = this;
    const block = blockSize(view);
    if (!block) return;
    const rows = Math.ceil((pages - view.first) / (view.columns * view.unit));
    const height = Math.min(rows, view.rows) * view.h;
    const blockRows = Math.max(1, Math.round(block.h / view.h));
    const offset = (view.first / (view.columns * view.unit)) % blockRows;
    c.fillStyle = theme.border;
    for (let row = blockRows - offset; row * view.h < height; row += blockRows)
      c.fillRect(-4, row * view.h - 1, width + 4, 1.5);
    for (let x = block.w; x < width; x += block.w) c.fillRect(x - 1, 0, 1.5, height);
  }

  drawGlyphs(pages, stateAt) {
    const { context: c, view, palette, inks } = this;
    const size = Math.min(view.w, view.h);
    c.font = `600 ${Math.min(18, Math.round(size * 0.6))}px ${this.theme.mono}`;
    c.textAlign = "center";
    c.textBaseline = "middle";
    for (let i = 0; i < view.columns * view.rows; i++) {
      const page = view.first + i * view.unit;
      if (page >= pages) break;
      const state = stateAt(page);
      if (!palette[state] || palette[state].glyph === " ") continue;
      c.fillStyle = inks[state];
      c.fillText(
        palette[state].glyph,
        ((i % view.columns) + 0.5) * view.w - 0.5,
        (Math.floor(i / view.columns) + 0.5) * view.h + 0.5,
      );
    }
  }

  /** In cells with room for it: the page's number and its state in a word. */
  drawNames(pages, stateAt) {
    const { context: c, view, palette, inks } = this;
    c.textAlign = "left";
    for (let i = 0; i < view.columns * view.rows; i++) {
      const page = view.first + i * view.unit;
      if (page >= pages) break;
      const state = stateAt(page);
      if (!palette[state]) continue;
      const x = (i % view.columns) * view.w + 6;
      const y = Math.floor(i / view.columns) * view.h;
      c.fillStyle = inks[state];
      c.font = `600 13px ${this.theme.mono}`;
      c.textBaseline = "top";
      c.fillText(hex(page), x, y + 6);
      c.font = `11px ${this.theme.sans}`;
      c.textBaseline = "bottom";
      c.fillText(palette[state].word, x, y + view.h - 6, view.w - 12);
    }
  }

  /** The scanners, right of the map: one points from above its row, the other from below, so they never meet. */
  drawScannersBeside(scanners, pages) {
    const { context: c, view, theme } = this;
    const right = view.columns * view.w;
    c.font = `600 11px ${theme.mono}`;
    c.textAlign = "left";
    c.textBaseline = "middle";
    for (const { page, name } of scanners) {
      const box = cellBox(view, Math.max(0, Math.min(page, pages - 1)));
      if (!box) continue;
      const up = name === "migrate_pfn";
      const y = up ? box.y : box.y + box.h;
      c.fillStyle = theme.scanner;
      c.beginPath();
      c.moveTo(right + 1, y);
      c.lineTo(right + 9, y + (up ? -7 : 7));
      c.lineTo(right + 9, y);
      c.fill();
      c.fillRect(box.x, up ? box.y : box.y + box.h - 2, Math.max(box.w, 6), 2);
      const label = Math.max(7, Math.min(view.rows * view.h - 7, y + (up ? -8 : 8)));
      c.fillText(up ? "m" : "f", right + 10, label);
    }
  }

  /** From the page that moved to where it went. */
  drawArrow(from, to) {
    const [a, b] = [cellBox(this.view, from), cellBox(this.view, to)];
    if (!a || !b) return;
    const { context: c, theme } = this;
    const middle = ({ x, y, w, h }) => [x + w / 2, y + h / 2];
    const [[x0, y0], [x1, y1]] = [middle(a), middle(b)];
    const turn = Math.atan2(y1 - y0, x1 - x0);
    c.strokeStyle = c.fillStyle = theme.mark;
    c.lineWidth = 2;
    c.beginPath();
    c.moveTo(x0, y0);
    c.lineTo(x1, y1);
    c.stroke();
    c.beginPath();
    c.moveTo(x1, y1);
    for (const side of [-0.4, 0.4]) c.lineTo(x1 - 10 * Math.cos(turn + side), y1 - 10 * Math.sin(turn + side));
    c.fill();
  }

  /** A scanner of compaction: a pointer in the gutter at its row, with its name, and a bar before its page. */
  drawScanner(page, name) {
    const box = cellBox(this.view, page);
    if (!box) return;
    const { context: c, theme } = this;
    c.fillStyle = theme.scanner;
    c.fillRect(box.x - 2, box.y, 3, Math.max(box.h, 5));
    c.font = `600 10px ${theme.mono}`;
    c.textAlign = "right";
    c.textBaseline = "middle";
    const y = Math.max(7, Math.min(this.view.rows * this.view.h - 7, box.y + box.h / 2));
    c.clearRect(-GUTTER, y - 7, GUTTER - 5, 14);
    c.fillText(`${name === "migrate_pfn" ? "migrate" : "free"}\u25b6`, -4, y);
  }

  /** A locked page has a dark corner. */
  drawLock(page) {
    const box = cellBox(this.view, page);
    if (!box) return;
    const { context: c, theme } = this;
    const size = Math.max(4, Math.min(box.w, box.h, 36) * 0.4);
    c.fillStyle = theme.ink;
    c.beginPath();
    c.moveTo(box.x + box.w - 1, box.y);
    c.lineTo(box.x + box.w - 1 - size, box.y);
    c.lineTo(box.x + box.w - 1, box.y + size);
    c.fill();
  }

  /** Where guest and host disagree: a stroke under the page, in the colour of alarm. */
  drawDiffer(page) {
    const box = cellBox(this.view, page);
    if (!box) return;
    const { context: c, theme } = this;
    c.fillStyle = theme.alarm;
    const high = box.h >= 8 ? 3 : Math.max(1, box.h * 0.6);
    c.fillRect(box.x, box.y + box.h - high - (box.h >= 8 ? 1 : 0), Math.max(1, box.w - (box.w >= 5 ? 1 : 0)), high);
  }

  /** A ring around a page's cell, at least seven pixels wide so that it shows on the smallest cells. */
  ring(page, colour, thick, out) {
    const box = page < 0 ? null : cellBox(this.view, page);
    if (!box) return;
    const { context: c } = this;
    const grow = (side) => Math.max(out, (7 - side) / 2);
    const gx = grow(box.w);
    const gy = grow(box.h);
    c.strokeStyle = colour;
    c.lineWidth = thick;
    c.strokeRect(box.x - gx - 0.5, box.y - gy - 0.5, box.w + 2 * gx, box.h + 2 * gy);
  }
}

/** "#rrggbb" as a pixel of ImageData (little-endian RGBA). */
export function pixel(colour) {
  const n = parseInt(colour.slice(1), 16);
  return ((255 << 24) | ((n & 255) << 16) | (n & 0xff00) | (n >> 16)) >>> 0;
}

/** Black or white, whichever reads better on a colour. */
export function inkOn(colour) {
  const n = parseInt(colour.slice(1), 16);
  const [r, g, b] = [n >> 16, (n >> 8) & 255, n & 255].map((v) => (v / 255) ** 2.2);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.2 ? "#000000" : "#ffffff";
}
