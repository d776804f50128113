/** The row of time: Back, Step and Play by a level, where we are, and lanes of who acted. The kernel is not asked. */
import { attribute, el, mark, off, put } from "./dom.js";
import { EVENTS, RUNNING, WAITING, laneNames, lanes } from "./lanes.js";
import { LEVELS } from "./levels.js";
import { number } from "./words.js";

const ROOM = 50; // CSS pixels for all lanes
const SPEEDS = [1, 2, 5, 10, 30, 60, 300, 1000, 5000]; // moves a second

/**
 * goTo(position) in the trace, visit(step) of the whole history, stepOn(unit): a step past its end, pinned(): the page that
 * is pinned, missed(text): nothing was found.
 */
export class Time {
  constructor(threads, { goTo, visit, stepOn, pinned, missed, level }) {
    Object.assign(this, { goTo, visit, stepOn, pinned, missed, level });
    Object.assign(this, { playing: false, speed: 5, due: 0, cost: 0, shown: [] });
    Object.assign(this, laneNames(threads));
    const button = (text, act, title, name) => el("button", { type: "button", text, title, onclick: act, "aria-label": name });
    this.first = button("\u25c2\u258f", () => this.leap(0), "To the opening", "To start");
    this.back = button("\u25c2 Back", () => this.move(-1), "Back to where the last unit began ( [ )", "Back");
    this.step = button("Step \u25b8", () => this.move(1), "On to where this unit ends ( ] ); past the end, whoever can go on does", "Step");
    this.play = button("Play", () => (this.playing ? this.pause() : this.start()), "Play what was recorded (space)");
    this.last = button("\u2595\u25b8", () => this.leap(this.history.last_step), "To the end of what was recorded", "To end");
    this.unit = el("select", { "aria-label": "Unit of time", onchange: () => this.setLevel(Number(this.unit.value)) });
    this.unit.append(...LEVELS.map((text, i) => el("option", { value: String(i), text, selected: i === level })));
    this.parts = button("Open", () => this.open(), "Back to where this unit began, to walk through its parts", "Open this unit");
    this.rate = el("select", { "aria-label": "Speed", onchange: () => (this.speed = Number(this.rate.value)) });
    this.rate.append(...SPEEDS.map((n) => el("option", { value: String(n), text: `${number(n)}/s`, selected: n === this.speed })));
    this.jumps = el("select", { "aria-label": "Jump to", onchange: () => this.jumpTo() });
    this.where = el("span", { class: "bl-where" }); // no output element: that would be heard beside the live line
    this.canvas = el("canvas", { class: "bl-lanes", "aria-hidden": "true" });
    this.canvas.removeAttribute("data-lm-suppress-shortcuts");
    this.range = el("input", { type: "range", min: "0", max: "0", step: "1", "aria-label": "Position in the timeline" });
    this.range.addEventListener("input", () => this.to(Number(this.range.value)));
    this.labels = el("ol", { class: "bl-lane-names", "aria-hidden": "true" });
    this.strip = el("div", { class: "bl-strip" }, this.canvas, this.range);
    const by = el("label", { class: "bl-by" }, el("span", { text: "by" }), this.unit);
    this.bar = el("div", { class: "bl-timebar" }, this.first, this.back, this.step, this.play, this.last, by, this.parts, this.rate, this.jumps);
    this.element = el(
      "div",
      { class: "bl-time", role: "group", "aria-label": "Timeline" },
      el("div", { class: "bl-timehead" }, this.bar, this.where),
      el("div", { class: "bl-timeline" }, this.labels, this.strip),
    );
    this.resizer = new ResizeObserver(() => this.drawLanes());
    this.resizer.observe(this.strip);
  }

  /** history: {first_step, last_step, marks: [step, text]} of all that happened; busy: the kernel cannot be asked. */
  update(mirror, levels, history, { busy, stuck }) {
    const { trace, position } = mirror;
    Object.assign(this, { mirror, levels });
    if (this.history !== history) this.listJumps(history);
    this.history = history;
    const [here, last] = [history.first_step + position, history.last_step];
    if (this.range.max !== String(trace.length)) this.range.max = String(trace.length);
    if (this.range.value !== String(position)) this.range.value = String(position);
    attribute(this.range, "aria-valuetext", `step ${here} of ${last}`);
    put(this.where, `step ${number(here)} of ${number(last)}`);
    const away = position === 0 && busy;
    for (const button of [this.back, this.first]) off(button, here === 0 || away);
    off(this.parts, position === 0 || this.level === 0);
    off(this.last, here === last);
    off(this.step, position === trace.length && (busy || (here === last && !mirror.waits.some((wait) => wait === 0))));
    off(this.play, !this.playing && trace.length === 0);
    mark(this.step, "bl-main", !stuck && (here < last || mirror.waits.some((wait) => wait === 0)));
    mark(this.back, "bl-main", Boolean(stuck));
    put(this.play, this.playing ? "Pause" : "Play");
    attribute(this.unit, "data-term", LEVELS[this.level]);
  }

  listJumps({ marks }) {
    const option = (value, text) => el("option", { value, text });
    const group = (label, options) => {
      const made = el("optgroup", { label });
      made.append(...options);
      return made;
    };
    const operations = [["0", "0: the opening"], ...marks.map(([step, text]) => [String(step), `${number(step)}: ${text}`])];
    this.jumps.replaceChildren(
      option("", "Jump to\u2026"),
      group("Next", EVENTS.map(([text], i) => option(`>${i}`, `next: ${text}`))),
      group("Previous", EVENTS.map(([text], i) => option(`<${i}`, `previous: ${text}`))),
      group("Operations", operations.map(([step, text]) => option(`@${step}`, text))),
    );
  }

  jumpTo() {
    const { value } = this.jumps;
    this.jumps.value = "";
    if (value.startsWith("@")) this.leap(Number(value.slice(1)));
    else if (value) this.find(value[0] === ">" ? 1 : -1, Number(value.slice(1)));
  }

  setLevel(level) {
    this.level = level;
    this.unit.value = String(level);
    this.goTo(this.mirror.position);
  }

  /** Go into the unit that ended here: back to its beginning, one level finer. */
  open() {
    const start = this.levels.next(this.mirror.position, -1, this.level);
    this.pause();
    this.level -= 1;
    this.unit.value = String(this.level);
    this.goTo(start);
  }

  move(way) {
    this.pause();
    const { position, trace } = this.mirror;
    const { first_step: first, last_step: last } = this.history;
    if (way > 0 && first + position === last) this.stepOn(LEVELS[this.level]);
    else if (way > 0 && position === trace.length) this.visit(first + position + 1);
    else if (way < 0 && position === 0) this.visit(first - 1);
    else this.goTo(this.levels.next(position, way, this.level));
  }

  leap(step) {
    this.pause();
    this.visit(step);
  }

  to(position) {
    this.pause();
    this.goTo(position);
  }

  find(way, kind) {
    const { trace, position } = this.mirror;
    const [name, wanted] = EVENTS[kind];
    const pinned = this.pinned();
    const found = trace.find(position, way, (i) => wanted(trace, i, pinned));
    if (found >= 0) this.to(found);
    else if (pinned < 0 && name.includes("pinned")) this.missed("Pin a page first: click it, then press Enter.");
    else this.missed(way > 0 ? "There is no later such step." : "There is no earlier such step.");
  }

  start() {
    if (this.mirror.position === this.mirror.trace.length) this.goTo(0);
    this.playing = true;
    this.due = 0;
    this.then = performance.now();
    const frame = (now) => {
      if (!this.playing) return;
      this.due += ((now - this.then) * this.speed) / 1000;
      this.then = now;
      const moves = Math.floor(this.due);
      if (moves > 0) {
        this.due -= moves;
        const { position, trace } = this.mirror;
        let to = position;
        if (this.level === 0) to = Math.min(trace.length, position + moves);
        else for (let i = 0; i < moves && to < trace.length; i++) to = this.levels.next(to, 1, this.level);
        if (to >= trace.length) this.playing = false;
        this.goTo(to);
      }
      if (this.playing) requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
    put(this.play, "Pause");
  }

  pause() {
    if (!this.playing) return;
    this.playing = false;
    put(this.play, "Play");
  }

  /** The lanes changed: steps came or went. They are drawn soon, and not more often than that. */
  lanesChanged(waits) {
    this.waits = waits;
    if (!this.drawing) this.drawing = setTimeout(() => this.drawLanes(), 60 + 8 * this.cost);
  }

  drawLanes() {
    clearTimeout(this.drawing);
    this.drawing = 0;
    if (!this.mirror || !this.waits) return;
    const began = performance.now();
    const { canvas } = this;
    const { trace } = this.mirror;
    const dpr = window.devicePixelRatio || 1;
    const width = Math.max(1, Math.round((this.strip.clientWidth - 12) * dpr));
    const flags = trace.length ? lanes(trace, this.waits, width) : [];
    const rows = this.names.map(() => new Uint8Array(width));
    flags.forEach((row, i) => i && row.forEach((flag, x) => (rows[this.laneOf[i]][x] |= flag)));
    const acted = rows.flatMap((row, lane) => (row.some((flag) => flag & RUNNING) ? [lane] : []));
    const high = Math.min(16, Math.floor(ROOM / Math.max(1, acted.length)));
    this.label(acted, high);
    const height = Math.round(ROOM * dpr);
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    const c = canvas.getContext("2d");
    const style = getComputedStyle(this.element);
    const colours = { [RUNNING]: style.getPropertyValue("--bl-run"), [WAITING]: style.getPropertyValue("--bl-held") };
    c.clearRect(0, 0, width, height);
    acted.forEach((lane, at) => {
      const row = rows[lane];
      for (const [flag, top, tall] of [
        [WAITING, high / 2 - 2, 4],
        [RUNNING, 1, high - 2],
      ]) {
        c.fillStyle = colours[flag];
        for (let x = 0; x < width; x++) {
          if (!(row[x] & flag)) continue;
          const from = x;
          while (x < width && row[x] & flag) x++;
          c.fillRect(from, (at * high + top) * dpr, x - from, tall * dpr);
        }
      }
    });
    c.fillStyle = style.getPropertyValue("--bl-ink"); // what came from outside: a line across all lanes
    if (flags.length) flags[0].forEach((flag, x, row) => flag && !row[x - 1] && c.fillRect(x, 0, Math.max(1, dpr), height));
    this.cost = performance.now() - began;
  }

  label(acted, high) {
    this.labels.style.setProperty("--lane", `${high}px`);
    this.labels.style.fontSize = `${Math.max(11, Math.min(12, high))}px`;
    this.labels.replaceChildren(...acted.map((lane) => el("li", { text: this.names[lane] })));
  }

  destroy() {
    this.playing = false;
    clearTimeout(this.drawing);
    this.resizer.disconnect();
  }
}
