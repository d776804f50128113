/** The lens: the pages around a change, large enough to count when they are a few among many. */
import { attribute, el, put } from "./dom.js";
import { inkOn } from "./painter.js";
import { themeOf } from "./theme.js";
import { hex } from "./words.js";

const CELL = 12; // CSS pixels of a page
const HIGH = 20;
const LABEL = 14; // below the cells, for the page's number
export const LENS_FROM = 2048; // pages of a guest, from which a page of the fitted map is too small to be counted

/** First page of the strip that shows `page` amid `cells` pages. */
export function stripAround(page, cells, pages) {
  return Math.max(0, Math.min(pages - cells, page - Math.floor(cells / 2)));
}

/** What the strips are around. */
function titleOf(pages, changed, chosen) {
  const what = chosen ? "that you chose" : changed.has(pages[0]) ? "that changed" : "last in hand";
  return pages.length > 1 ? "old place \u2192 new place" : `around the page ${what}`;
}

export class Lens {
  constructor(palette) {
    this.palette = palette;
    this.title = el("p", { class: "bl-lens-title" });
    this.canvas = el("canvas", { class: "bl-lens-map", role: "img" });
    this.canvas.removeAttribute("data-lm-suppress-shortcuts");
    this.element = el("div", { class: "bl-lens" }, this.canvas);
    this.chosen = null; // {page, position}: the page that was gone to on the map, and when
  }

  /** Show the page that was gone to on the map, until another moment is looked at. */
  look(page) {
    if (!this.source || page < 0) return;
    this.chosen = { page, position: this.source.position };
    this.show(this.source, [page], this.changed);
  }

  /** pages: one or two to show; changed: those to ring. source: as the map's. */
  show(source, pages, changed) {
    Object.assign(this, { source, changed });
    if (this.chosen?.position !== source.position) this.chosen = null;
    const width = this.element.clientWidth;
    if (!width) return;
    const dpr = window.devicePixelRatio || 1;
    const shown = this.chosen ? [this.chosen.page] : pages.slice(0, 2);
    const strips = Math.max(1, shown.length);
    const wide = Math.floor((width - 8 * (strips - 1)) / strips / CELL);
    const cells = Math.min(wide, source.pages);
    const [w, h] = [Math.round(width * dpr), Math.round((HIGH + LABEL) * dpr)];
    if (this.canvas.width !== w || this.canvas.height !== h) Object.assign(this.canvas, { width: w, height: h });
    const c = this.canvas.getContext("2d");
    const theme = themeOf(this.element);
    c.setTransform(dpr, 0, 0, dpr, 0, 0);
    c.clearRect(0, 0, width, HIGH + LABEL);
    put(this.title, titleOf(shown, changed, this.chosen));
    attribute(this.title, "title", this.title.shown); // whole, where it is cut
    shown.forEach((page, i) => this.strip(c, theme, source, page, changed, i * (wide * CELL + 8), cells));
    const words = shown.map((page) => `page ${hex(page)} is ${this.palette[source.stateAt(page)]?.word ?? "unknown"}`);
    attribute(this.canvas, "aria-label", words.join(", ") || "No page changed here");
  }

  strip(c, theme, source, page, changed, left, cells) {
    const first = stripAround(page, cells, source.pages);
    c.font = `600 11px ${theme.mono}`;
    c.textAlign = "center";
    c.textBaseline = "middle";
    for (let i = 0; i < cells; i++) {
      const look = this.palette[source.stateAt(first + i)];
      if (!look) continue;
      const colour = look[theme.dark ? "dark" : "light"];
      c.fillStyle = colour;
      c.fillRect(left + i * CELL, 1, CELL - 1, HIGH - 2);
      c.fillStyle = inkOn(colour);
      if (look.glyph !== ".") c.fillText(look.glyph, left + (i + 0.5) * CELL - 0.5, HIGH / 2 + 0.5);
    }
    c.lineWidth = 2;
    for (let i = 0; i < cells; i++) {
      if (!changed.has(first + i)) continue;
      c.strokeStyle = theme.mark;
      c.strokeRect(left + i * CELL - 0.5, 1, CELL, HIGH - 2);
    }
    c.fillStyle = theme.ink;
    c.font = `11px ${theme.mono}`;
    const x = left + (page - first + 0.5) * CELL;
    c.fillText(hex(page), Math.max(left + 24, Math.min(left + cells * CELL - 24, x)), HIGH + LABEL / 2 + 1);
  }
}
