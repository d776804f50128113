/** The page map alone: a grid of states, patched as they change. */
import { el, mark, put } from "./dom.js";
import { Touched } from "./mirror.js";
import { PageMap } from "./pagemap.js";
import { cellWords } from "./words.js";

const LOW = 400; // CSS pixels of a map beside which not everything has room

/** Pages whose states are known, as the page map wants its source. */
export class PlainSource {
  constructor({ pages, unit, counts }, { grid }) {
    Object.assign(this, { pages, unit, counts, grid, window: null, touched: new Touched() });
  }

  stateAt(page) {
    const at = this.window ? page - this.window.first : -1;
    if (at >= 0 && at < this.window.states.length) return this.window.states[at];
    return this.grid[Math.floor(page / this.unit)];
  }

  patch(cells, states) {
    for (let i = 0; i < cells.length; i++) {
      this.grid[cells[i]] = states[i];
      this.touched.page(cells[i] * this.unit);
    }
  }

  patchWindow(pages, states) {
    if (!this.window) return;
    for (let i = 0; i < pages.length; i++) {
      const at = pages[i] - this.window.first;
      if (at < 0 || at >= this.window.states.length) continue;
      this.window.states[at] = states[i];
      this.touched.page(pages[i]);
    }
  }
}

/** One view of a PageMap. */
export class PlainView {
  static KEPT = "This is the last that it sent.";

  constructor(root, link) {
    Object.assign(this, { root, link });
  }

  receive(content, arrays) {
    if (content.type === "frame") this.takeFrame(content, arrays);
    else if (!this.source) return;
    else if (content.type === "text") this.say(content);
    else if (content.type === "patch") this.takePatch(content, arrays);
    else if (content.type === "window") this.takeWindow(content, arrays);
  }

  takeFrame(content, arrays) {
    const { window } = this.source || {};
    this.source = new PlainSource(content, arrays);
    if (window && content.unit > 1)
      this.link.send({ type: "window", first: window.first, count: window.states.length });
    if (this.map) {
      this.map.setSource(this.source);
      this.say(content);
      return;
    }
    const { palette, height } = content;
    const describe = (page, unit) => cellWords(page, unit, this.source.pages, palette, this.source.stateAt(page));
    const requestWindow = (first, count) => this.link.send({ type: "window", first, count });
    this.map = new PageMap(this.source, { palette, title: content.title, height, describe, requestWindow });
    this.root.classList.add("bl-plain");
    mark(this.root, "bl-low", height < LOW);
    this.text = el("p", { class: "bl-text", "aria-live": "polite" });
    this.title = el("h3", { class: "bl-title" });
    this.say(content);
    this.root.replaceChildren(this.title, this.text, this.map.element);
  }

  say({ text, title }) {
    put(this.title, title);
    put(this.text, text);
  }

  takePatch({ counts }, arrays) {
    this.source.counts = counts;
    if (arrays.grid) {
      this.source.grid.set(arrays.grid);
      this.source.touched.everything();
    } else if (arrays.cells) this.source.patch(arrays.cells, arrays.states);
    if (arrays.window_pages) this.source.patchWindow(arrays.window_pages, arrays.window_states);
    this.map.draw();
  }

  takeWindow({ first }, { states }) {
    this.source.window = { first, states };
    this.source.touched.everything();
    this.map.windowCame();
  }

  /** How it looks now, for drawPicture. */
  look() {
    return this.map ? { map: this.map, title: this.title.textContent, lines: this.text.textContent.split("\n").filter(Boolean) } : null;
  }

  /** Without Python the map is what it was; pages of a window that is not here stay reduced. */
  setLost() {}

  destroy() {
    if (this.map) this.map.destroy();
  }
}
