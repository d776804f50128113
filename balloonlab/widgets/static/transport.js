/** The timeline: where we are in it, who ran when, and the controls that move through it without asking the kernel. */
import { attribute, el, put } from "./dom.js";
import { KIND } from "./trace.js";
import { number } from "./words.js";

const LANE = 13; // CSS pixels of a thread's lane
const SPEEDS = [1, 2, 5, 10, 30, 60, 300, 1000, 5000]; // steps a second
const RUNNING = 1;
const WAITING = 2;
const STOPS = ["blocked", "asleep"];

/** What one can jump to: text, and whether step i is such a moment. */
export const EVENTS = [
  ["message sent or answered", (trace, i) => trace.touches(i, KIND.MESSAGE)],
  ["a thread starts to wait", (trace, i) => startsToWait(trace, i)],
  ["a lock changes hands", (trace, i) => trace.touches(i, KIND.LOCK) || trace.touches(i, KIND.PAGE_LOCK)],
  ["the page map changes", (trace, i) => trace.mapEnd.data[i] > trace.start(trace.mapEnd, i)],
  ["the pinned page changes", (trace, i, pinned) => pinned >= 0 && trace.pagesOf(i).has(pinned)],
  ["another thread runs", (trace, i) => i > 0 && trace.step.thread.data[i] !== trace.step.thread.data[i - 1]],
  ["something from outside", (trace, i) => trace.step.thread.data[i] < 0],
];

function startsToWait(trace, step) {
  const { events } = trace;
  for (let i = trace.start(trace.eventEnd, step); i < trace.eventEnd.data[step]; i++)
    if (events.kind.data[i] === KIND.WAIT && STOPS.includes(trace.tables.waits[events.new.data[i]].status)) return true;
  return false;
}

/**
 * For each thread and each of `width` columns, flags of what it did in the steps of that column: RUNNING, WAITING for
 * a lock. Lane 0 is the outside, lane i + 1 thread i. `waits`: the threads' wait numbers after the last step.
 */
export function lanes(trace, waits, width) {
  const rows = Array.from({ length: waits.length + 1 }, () => new Uint8Array(width));
  const now = Int32Array.from(waits);
  const blocked = (t) => trace.tables.waits[now[t]].status === "blocked";
  const { events, eventEnd, step } = trace;
  for (let i = trace.length - 1; i >= 0; i--) {
    const from = Math.floor((i * width) / trace.length);
    const to = Math.max(from + 1, Math.floor(((i + 1) * width) / trace.length));
    for (let t = 0; t < now.length; t++)
      if (now[t] && blocked(t)) for (let x = from; x < to; x++) rows[t + 1][x] |= WAITING;
    const row = rows[step.thread.data[i] + 1];
    for (let x = from; x < to; x++) row[x] |= RUNNING;
    for (let e = eventEnd.data[i] - 1; e >= trace.start(eventEnd, i); e--)
      if (events.kind.data[e] === KIND.WAIT) now[events.key.data[e]] = events.old.data[e];
  }
  return rows;
}

/**
 * goTo(position) in the trace, visit(step) of the whole history, stepOn(): a step past its end; all told by whoever
 * makes the transport.
 */
export class Transport {
  constructor(threads, { goTo, visit, stepOn, pinned, missed = () => {} }) {
    Object.assign(this, { goTo, visit, stepOn, pinned, missed, playing: false, speed: 10, due: 0, cost: 0 });
    this.names = ["from outside", ...threads.map(({ name }) => name)];
    const button = (text, act, title) => el("button", { type: "button", text, title, onclick: act });
    this.back = button("Back", () => this.move(-1), "One step back ( [ )");
    this.step = button("Step", () => this.move(1), "One step on ( ] ); past the end, whoever can go on does");
    this.play = button("Play", () => (this.playing ? this.pause() : this.start()), "Play the recorded steps (space)");
    this.first = button("To start", () => this.leap(0), "To the start of the timeline");
    this.last = button("To end", () => this.leap(this.history.last_step), "To the end of the timeline");
    this.marks = el("select", {
      "aria-label": "Go to where an operation begins",
      onchange: () => this.leap(Number(this.marks.value)),
    });
    this.rate = el("select", {
      "aria-label": "Speed, steps a second",
      onchange: () => (this.speed = Number(this.rate.value)),
    });
    this.rate.append(
      ...SPEEDS.map((n) =>
        el("option", { value: String(n), text: `${number(n)} steps/s`, selected: n === this.speed }),
      ),
    );
    this.kind = el(
      "select",
      { "aria-label": "Kind of event to jump to" },
      ...EVENTS.map(([text], i) => el("option", { value: String(i), text })),
    );
    this.before = button("Previous", () => this.find(-1), "Jump back to the previous such event");
    this.after = button("Next", () => this.find(1), "Jump on to the next such event");
    this.where = el("output", { class: "bl-where" });
    this.canvas = el("canvas", { class: "bl-lanes", "aria-hidden": "true" });
    this.canvas.removeAttribute("data-lm-suppress-shortcuts");
    this.range = el("input", {
      type: "range",
      min: "0",
      max: "0",
      step: "1",
      "aria-label": "Position in the timeline",
    });
    this.range.addEventListener("input", () => this.jump(Number(this.range.value)));
    const labels = el(
      "ol",
      { class: "bl-lane-names", "aria-hidden": "true" },
      ...this.names.map((text) => el("li", { text })),
    );
    this.strip = el("div", { class: "bl-strip" }, this.canvas, this.range);
    const group = (...nodes) => el("div", { class: "bl-group" }, ...nodes);
    this.element = el(
      "div",
      { class: "bl-transport", role: "group", "aria-label": "Timeline" },
      el(
        "div",
        { class: "bl-bar" },
        group(this.first, this.back, this.step, this.play, this.last, this.rate),
        group(this.marks),
        group(el("span", { class: "bl-label", text: "Jump to" }), this.kind, this.before, this.after),
        this.where,
      ),
      el("div", { class: "bl-timeline" }, labels, this.strip),
    );
    this.element.style.setProperty("--lanes", this.names.length);
    this.resizer = new ResizeObserver(() => this.drawLanes());
    this.resizer.observe(this.strip);
  }

  /**
   * Show where the mirror is. history: {first_step, last_step, marks}, steps before the trace and in all, and [step,
   * text] of what came from outside. `busy`: the kernel is at work, so steps past the end must wait.
   */
  update(mirror, history, busy, words) {
    const { trace, position } = mirror;
    const here = history.first_step + position;
    const last = history.last_step;
    this.mirror = mirror;
    if (this.history !== history) this.listMarks(history);
    this.history = history;
    this.marks.value = "";
    if (this.range.max !== String(trace.length)) this.range.max = String(trace.length);
    if (this.range.value !== String(position)) this.range.value = String(position);
    attribute(this.range, "aria-valuetext", `step ${here} of ${last}: ${words}`);
    put(this.where, `step ${number(here)} of ${number(last)}`);
    const away = position === 0 && busy; // steps that are made again wait for the kernel too
    this.back.disabled = this.first.disabled = here === 0 || away;
    this.before.disabled = position === 0;
    this.last.disabled = here === last;
    this.after.disabled = position === trace.length;
    this.step.disabled = position === trace.length && (busy || (here === last && !mirror.waits.some((w) => w === 0)));
    this.play.disabled = !this.playing && trace.length === 0;
    put(this.play, this.playing ? "Pause" : "Play");
  }

  move(by) {
    this.pause();
    const { first_step: first, last_step: last } = this.history;
    const step = first + this.mirror.position + by;
    if (step > last) this.stepOn();
    else if (step >= 0) this.visit(step);
  }

  leap(step) {
    this.pause();
    this.visit(step);
  }

  listMarks({ marks }) {
    const option = (value, text) => el("option", { value: String(value), text });
    const each = marks.map(([step, text]) => option(step, `${number(step)}: ${text}`));
    this.marks.replaceChildren(option("", "Operations"), option(0, "0: the opening"), ...each);
    this.marks.disabled = !marks.length;
  }

  jump(position) {
    this.pause();
    this.goTo(Math.min(position, this.mirror.trace.length));
  }

  find(way) {
    const { trace, position } = this.mirror;
    const [name, wanted] = EVENTS[Number(this.kind.value)];
    const pinned = this.pinned();
    const found = trace.find(position, way, (i) => wanted(trace, i, pinned));
    if (found >= 0) this.jump(found);
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
      const steps = Math.floor(this.due);
      if (steps > 0) {
        this.due -= steps;
        const { position, trace } = this.mirror;
        if (position + steps >= trace.length) this.playing = false;
        this.goTo(Math.min(trace.length, position + steps));
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
    const dpr = window.devicePixelRatio || 1;
    const width = Math.max(1, Math.round((this.strip.clientWidth - 12) * dpr));
    const height = Math.round(LANE * this.names.length * dpr);
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    const c = canvas.getContext("2d");
    const style = getComputedStyle(this.element);
    const colours = { [RUNNING]: style.getPropertyValue("--bl-run"), [WAITING]: style.getPropertyValue("--bl-held") };
    c.clearRect(0, 0, width, height);
    if (!this.mirror.trace.length) return;
    lanes(this.mirror.trace, this.waits, width).forEach((row, lane) => {
      for (const [flag, top, high] of [
        [WAITING, 4, LANE - 8],
        [RUNNING, 1, LANE - 2],
      ]) {
        c.fillStyle = colours[flag];
        for (let x = 0; x < width; x++) {
          if (!(row[x] & flag)) continue;
          const from = x;
          while (x < width && row[x] & flag) x++;
          c.fillRect(from, (lane * LANE + top) * dpr, x - from, high * dpr);
        }
      }
    });
    this.cost = performance.now() - began;
  }

  destroy() {
    this.playing = false;
    clearTimeout(this.drawing);
    this.resizer.disconnect();
  }
}
