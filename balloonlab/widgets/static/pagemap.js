/** The page map: one focusable canvas with a cursor, zoom, hover text and a legend. It draws what a source tells it. */
import { attribute, el, mark, off, put } from "./dom.js";
import { MOST_CELLS, deepest, moveCursor, pageAt, reveal, viewOf } from "./geometry.js";
import { GUTTER, Painter } from "./painter.js";
import { Signs } from "./signs.js";
import { putTerms } from "./terms.js";
import { themeOf, watchTheme } from "./theme.js";
import { counted, hex, number } from "./words.js";

const SIDE = 512; // CSS pixels of the map at its widest
const COMPACT = { gutter: 48, margin: 20 };
const NOTCH = 60; // wheel travel of one zoom level
const KEYS = "Keys on the map: arrows, Home, End, Page Up and Down; + \u2212 0 zoom; Enter pins";
const HELP =
  "Arrow keys move the cursor, Home and End go to the ends of a row, with Control to the ends of memory, Page Up and " +
  "Page Down by a screenful. Plus and minus zoom, 0 shows the whole guest, Enter pins a page.";

/**
 * source: {pages, unit, stateAt(page), counts, window, touched}. options: palette, title, height (CSS pixels, at most),
 * keys (in words, the view's own), describe(page, unit), requestWindow(first, count), looked(page): it was gone to or
 * pinned, key(event) -> true if taken, aloud(words): hears of a page that was gone to, in the place of a live line.
 */
export class PageMap {
  constructor(source, options) {
    this.source = source;
    this.options = options;
    this.level = 0;
    this.cursor = 0;
    this.hover = -1;
    this.pinned = -1;
    this.changed = new Set();
    this.locked = [];
    this.scanners = [];
    this.asked = null;
    this.pointed = -1; // the page that the line of text is about while nothing is hovered over
    this.travel = 0;
    this.armed = false;
    this.arrow = null;
    this.differ = [];
    const { compact } = options;
    this.gutter = compact ? COMPACT.gutter : GUTTER;
    this.margin = compact ? COMPACT.margin : 0;
    this.build();
    this.painter = new Painter(this.canvas, options.palette, this);
    this.listen();
  }

  build() {
    const { palette, title, compact } = this.options;
    this.say = compact ? putTerms : put; // in a Lab, terms have their sentences
    this.canvas = el("canvas", {
      class: "bl-canvas",
      tabindex: "0",
      role: "application",
      "aria-roledescription": "page map",
    });
    attribute(this.canvas, "aria-label", `${title}. ${HELP}`);
    this.here = el("p", { class: "bl-here", role: this.options.aloud ? null : "status" });
    this.range = el("span", { class: "bl-range" });
    this.thumb = el("i");
    this.track = el("div", { class: "bl-track", "aria-hidden": "true" }, this.thumb);
    const button = (text, name, act) =>
      el("button", { type: "button", class: "bl-small", text, "aria-label": name, title: name, onclick: act });
    this.buttons = {
      closer: button("Zoom in", "Zoom in", () => this.zoom(1)),
      farther: button("Zoom out", "Zoom out", () => this.zoom(-1)),
      whole: button("Whole guest", "Show the whole guest", () => this.setLevel(0)),
    };
    this.legend = palette.map((state, code) => {
      const count = el("span", { class: "bl-count" });
      const swatch = el("span", { class: "bl-swatch", "aria-hidden": "true", text: state.glyph });
      const word = el("span");
      this.say(word, state.word);
      const title = word.firstElementChild ? null : state.meaning; // the meaning of a term is shown by itself
      return { state, code, swatch, count, item: el("li", { title }, swatch, word, count) };
    });
    this.signs = new Signs(this.say);
    this.frame = el("div", { class: "bl-frame" }, this.canvas, this.track);
    this.bar = el("div", { class: "bl-mapbar" }, ...Object.values(this.buttons), this.range);
    this.states = el(
      "ul",
      { class: "bl-legend", "aria-label": "States of a page, and how many pages are in each" },
      ...[...this.legend, ...this.signs.all].map(({ item }) => item),
    );
    const keys = el("p", { class: "bl-keys", "aria-hidden": "true", text: KEYS });
    const about = el("div", { class: "bl-about" }, this.bar, this.here, this.states, keys);
    this.element = el("div", { class: "bl-map" }, this.frame, ...(this.options.compact ? [] : [about]));
  }

  listen() {
    const { canvas } = this;
    const page = (event) => pageAt(this.view, event.offsetX - this.gutter, event.offsetY, this.source.pages);
    let dragged = null;
    let last = null;
    canvas.addEventListener("pointermove", (event) => {
      if (last && (event.screenX !== last.x || event.screenY !== last.y)) this.armed = true;
      last = { x: event.screenX, y: event.screenY };
      if (dragged && Math.abs(event.offsetY - dragged.y) >= this.view.h) {
        const rows = Math.trunc((dragged.y - event.offsetY) / this.view.h);
        this.show(
          viewOf(this.source, this.level, this.view.first + rows * this.view.columns * this.view.unit, 0, this.box),
        );
        dragged = { y: event.offsetY, moved: true };
      }
      this.setHover(page(event));
    });
    canvas.addEventListener("pointerleave", () => {
      this.armed = false;
      last = null;
      this.setHover(-1);
    });
    canvas.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      if (this.level > 0) canvas.setPointerCapture(event.pointerId);
      dragged = this.level > 0 ? { y: event.offsetY, moved: false } : null;
    });
    canvas.addEventListener("pointerup", (event) => {
      const at = page(event);
      if (at >= 0 && !(dragged && dragged.moved)) {
        this.cursor = at;
        this.pin(at);
      }
      dragged = null;
    });
    canvas.addEventListener("pointercancel", () => (dragged = null));
    canvas.addEventListener("wheel", (event) => this.wheel(event, page(event)), { passive: false });
    canvas.addEventListener("keydown", (event) => this.key(event));
    canvas.addEventListener("focus", () => this.draw());
    canvas.addEventListener("blur", () => this.draw());
    this.unwatch = watchTheme(() => this.retheme());
    this.resizer = new ResizeObserver(() => this.resize());
    this.resizer.observe(this.canvas.parentNode);
  }

  /** The wheel zooms only where the pointer was moved over the map first: a page that scrolls by does not zoom it. */
  wheel(event, page) {
    if (!this.armed && !event.ctrlKey) return;
    const inward = event.deltaY < 0;
    if (!inward && this.level === 0) return;
    event.preventDefault();
    this.travel = Math.sign(this.travel) === Math.sign(event.deltaY) ? this.travel + event.deltaY : event.deltaY;
    if (Math.abs(this.travel) < NOTCH) return;
    this.travel = 0;
    this.zoom(inward ? 1 : -1, page >= 0 ? page : this.cursor, event.offsetY / this.box.height);
  }

  key(event) {
    if (this.options.key && this.options.key(event)) return;
    if (event.altKey || event.metaKey) return;
    const to = moveCursor(event.key, this.cursor, this.view, this.source.pages, event.ctrlKey);
    if (to !== null) this.setCursor(to);
    else if (event.key === "+" || event.key === "=") this.zoom(1);
    else if (event.key === "-") this.zoom(-1);
    else if (event.key === "0") this.setLevel(0);
    else if (event.key === "Enter") this.pin(this.cursor);
    else if (event.key === "Escape") this.pin(-1);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  zoom(by, page = this.cursor, at = 0.5) {
    this.setLevel(this.level + by, page, at);
  }

  setLevel(level, page = this.cursor, at = 0.5) {
    this.level = Math.max(0, Math.min(deepest(this.source.pages), level));
    this.show(viewOf(this.source, this.level, page, at, this.box));
  }

  setCursor(page) {
    this.cursor = this.pointed = page;
    this.hover = -1;
    this.show(reveal(this.source, this.view, page, this.box));
    if (this.options.looked) this.options.looked(page);
    if (this.options.aloud) this.options.aloud(this.words());
  }

  setHover(page) {
    if (page === this.hover) return;
    this.hover = page;
    this.draw();
  }

  pin(page) {
    this.pinned = page;
    if (page >= 0) this.pointed = page;
    if (this.options.looked) this.options.looked(page);
    this.draw();
  }

  /** Fit the room there is, up to SIDE pixels in width, in device pixels that exist. */
  resize() {
    const { clientWidth, clientHeight } = this.canvas.parentNode;
    const room = Math.floor(clientWidth - this.gutter - this.margin);
    if (room <= 0) return;
    if (this.options.compact) {
      this.fit({ width: room, height: clientHeight, dpr: window.devicePixelRatio || 1, fill: true });
      return;
    }
    const box = { width: Math.max(128, Math.min(SIDE, room)), height: this.options.height, dpr: window.devicePixelRatio || 1 };
    if (this.box && box.width === this.box.width && box.dpr === this.box.dpr) return;
    const whole = viewOf(this.source, 0, 0, 0, box);
    box.height = Math.max(64, whole.rows * whole.h); // a small guest needs no more, at any zoom
    this.box = box;
    this.retheme();
    this.show(viewOf(this.source, this.level, this.cursor, 0.5, box));
  }

  /** Fill a box. */
  fit(box) {
    const same = this.box && ["width", "height", "dpr"].every((side) => this.box[side] === box[side]);
    if (same || box.height <= 0) return;
    this.box = box;
    this.retheme();
    this.show(viewOf(this.source, this.level, this.cursor, 0.5, box));
  }

  retheme() {
    this.painter.setTheme(themeOf(this.element));
    this.legend.forEach(({ swatch, state }, code) => {
      swatch.style.background = state[this.painter.theme.dark ? "dark" : "light"];
      swatch.style.color = this.painter.inks[code];
    });
    this.source.touched.everything();
    this.draw();
  }

  show(view) {
    this.view = view;
    this.painter.setView(view, this.box);
    this.source.touched.everything();
    const { pages, unit } = this.source;
    const last = Math.min(pages, view.first + view.columns * view.rows * view.unit) - 1;
    const each = view.unit > 1 ? `, ${view.unit} a cell (free only where all of them are)` : "";
    put(this.range, `PFN ${hex(view.first)}\u2013${hex(last)} of ${counted(pages, "page")}${each}`);
    this.thumb.style.left = `${(100 * view.first) / pages}%`;
    this.thumb.style.width = `${(100 * (last + 1 - view.first)) / pages}%`;
    off(this.buttons.closer, this.level >= deepest(pages));
    for (const button of [this.buttons.farther, this.buttons.whole]) off(button, this.level === 0);
    if (unit > 1 && view.unit === 1) this.askWindow(view.first, last + 1);
    this.draw();
  }

  /** Where the grid was reduced: ask for the pages in view, and as many around them as one message may carry. */
  askWindow(first, end) {
    const { pages, window } = this.source;
    if (window && window.first <= first && end <= window.first + window.states.length) return;
    if (this.asked && this.asked.first <= first && end <= this.asked.first + this.asked.count) return;
    const count = Math.min(pages, MOST_CELLS);
    const from = Math.floor((first + end - count) / 2 / 512) * 512;
    this.asked = { first: Math.max(0, Math.min(pages - count, from)), count };
    this.options.requestWindow(this.asked.first, this.asked.count);
  }

  /** The window that was asked for has come (the source holds it). */
  windowCame() {
    this.asked = null;
    this.draw();
  }

  /** Another source, of the same or of another guest. */
  setSource(source) {
    const same = this.source.pages === source.pages && this.source.unit === source.unit;
    this.source = source;
    this.asked = null;
    if (!same) {
      this.level = this.cursor = 0;
      this.pinned = this.hover = -1;
      this.box = null;
      this.resize();
      return;
    }
    source.touched.everything();
    if (this.box) this.show(this.view);
  }

  /** Draw with the next frame; many calls make one drawing. */
  draw() {
    if (!this.waiting) this.waiting = requestAnimationFrame(() => this.drawNow());
  }

  drawNow() {
    if (this.waiting) cancelAnimationFrame(this.waiting);
    this.waiting = 0;
    if (!this.box || !this.painter.theme) return;
    const { source, painter } = this;
    const stateAt = (page) => source.stateAt(page);
    const { touched } = source;
    if (touched.all) painter.fill(source.pages, stateAt);
    else if (touched.length) painter.patch(touched.pages, touched.length, stateAt);
    touched.clear();
    const { changed, locked, scanners, arrow, differ, cursor, hover, pinned } = this;
    const focused = document.activeElement === this.canvas;
    painter.draw({
      pages: source.pages,
      stateAt,
      ...{ changed, locked, scanners, arrow, differ, cursor, hover, pinned, focused },
      pointed: this.pointed,
    });
    this.tell();
  }

  /** The line of text under the map, and the counts of the legend. */
  tell() {
    const words = this.words();
    this.say(this.here, words);
    this.here.title = words;
    let letters = 0;
    this.legend.forEach(({ state, item, count }, code) => {
      const pages = this.source.counts[code] || 0;
      put(count, number(pages));
      item.hidden = !pages;
      if (pages) letters += state.word.length + count.shown.length + 4;
    });
    if (!this.options.compact) return;
    this.makeRoom(letters + this.signs.show(this));
    if (this.crowded) this.signs.hide();
  }

  /** Legend and line share the room of three rows: the line has two where the legend, of so many letters, needs only one. */
  makeRoom(letters) {
    const { clientWidth } = this.states;
    if (!clientWidth || (letters === this.letters && clientWidth === this.wide)) return;
    Object.assign(this, { letters, wide: clientWidth });
    const tooMany = () => this.states.scrollHeight > this.states.clientHeight + 1;
    for (const tighter of ["bl-many", "bl-most"]) mark(this.states, tighter, false);
    for (const tighter of ["bl-many", "bl-most"]) mark(this.states, tighter, tooMany());
    this.crowded = tooMany();
    mark(this.here, "bl-narrow", this.states.clientHeight > 20);
  }

  /** Everything true of the page that is hovered over, else of the one that was gone to or changed. */
  words() {
    const page = this.hover >= 0 ? this.hover : this.pointed >= 0 ? this.pointed : this.cursor;
    const { unit } = this.view;
    return this.options.describe(page - (page % unit), unit);
  }

  destroy() {
    if (this.waiting) cancelAnimationFrame(this.waiting);
    this.unwatch();
    this.resizer.disconnect();
  }
}
