/** Painting the page map on a canvas. Cells are one pixel each in a hidden picture, enlarged; marks come on top. */
import { blockSize, cellBox, gutterPages } from "./geometry.js";
import { hex } from "./words.js";

const GLYPH_FROM = 13; // CSS pixels of a cell, from which glyphs can be read
const GAP_FROM = 5; // and from which a gap between cells helps
const MARKS = 600; // changed cells that get a ring of their own

export const GUTTER = 60; // CSS pixels left of the map, for PFNs

export class Painter {
  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas, palette) {
    this.canvas = canvas;
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
    const width = Math.round((GUTTER + box.width) * box.dpr);
    const height = Math.round(box.height * box.dpr);
    if (canvas.width !== width || canvas.height !== height) {
      canvas.width = width;
      canvas.height = height;
      canvas.style.width = `${GUTTER + box.width}px`;
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
    c.translate(GUTTER, 0);
    c.imageSmoothingEnabled = view.w * dpr < 1;
    const width = view.columns * view.w;
    c.drawImage(this.picture, 0, 0, width, view.rows * view.h);
    if (view.w >= GAP_FROM) this.drawGaps(what.pages, width);
    this.drawBlocks(what.pages, width);
    if (Math.min(view.w, view.h) >= GLYPH_FROM) this.drawGlyphs(what.pages, what.stateAt);
    if (view.w >= GAP_FROM) for (const page of what.locked) this.drawLock(page);
    for (const { page, name } of what.scanners) this.drawScanner(Math.min(page, what.pages - 1), name);
    let rings = 0;
    for (const page of what.changed) {
      if (++rings > MARKS) break;
      this.ring(page, theme.mark, 3, 1);
    }
    this.ring(what.pinned, theme.ink, 2, 3);
    this.ring(what.hover, theme.ink, 1, 0);
    if (what.focused) this.ring(what.cursor, theme.focus, 3, 2);
  }

  drawGutter(pages) {
    const { context: c, view, theme } = this;
    c.fillStyle = theme.faint;
    c.font = `11px ${theme.mono}`;
    c.textAlign = "right";
    c.textBaseline = "top";
    for (const { page, y } of gutterPages(view, pages)) {
      c.fillText(hex(page), GUTTER - 6, y + Math.max(0, Math.min(view.h, 30) / 2 - 6));
      c.fillRect(GUTTER - 4, y, 4, 1);
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
    const size = Math.max(4, Math.min(box.w, box.h) * 0.4);
    c.fillStyle = theme.ink;
    c.beginPath();
    c.moveTo(box.x + box.w - 1, box.y);
    c.lineTo(box.x + box.w - 1 - size, box.y);
    c.lineTo(box.x + box.w - 1, box.y + size);
    c.fill();
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
