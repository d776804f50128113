/** The Lab: page map, threads, panels and timeline around one mirror, and the messages that feed them. */
import { Actions } from "./actions.js";
import { el, mark, put } from "./dom.js";
import { FateBar } from "./fates.js";
import { Mirror } from "./mirror.js";
import { PageMap } from "./pagemap.js";
import { Panels } from "./panels.js";
import { Threads } from "./threads.js";
import { Trace } from "./trace.js";
import { Transport } from "./transport.js";
import { number, pageWords, stepWords } from "./words.js";

const PATIENCE = 5000; // milliseconds
const NO_ANSWER =
  "The kernel has not answered yet. It is busy with a cell, or it was restarted: then run this cell again.";
const SMALL = 128; // pages of a guest whose map leaves room below it

/** Where compaction's two scanners stand, while they have not met: [{page, name}]. */
export function scanners(mirror) {
  const found = [];
  mirror.trace.tables.values.forEach(({ group, name }, slot) => {
    if (group === "scanner") found.push({ name: name.slice(name.lastIndexOf(" ") + 1), page: mirror.values[slot] });
  });
  const shown = [];
  for (let i = 0; i + 1 < found.length; i += 2)
    if (found[i].page < found[i + 1].page) shown.push(found[i], found[i + 1]);
  return shown;
}

/** One view of a Lab. `link.send(content)` reaches Python; `receive` takes what comes from there. */
export class LabView {
  static KEPT = "The steps so far can still be walked.";

  constructor(root, link) {
    Object.assign(this, { root, link, mirror: null, busy: false, lost: false, waiting: 0, patience: 0 });
  }

  receive(content, arrays) {
    clearTimeout(this.patience);
    if (this.actions && this.actions.alert.shown === NO_ANSWER) this.actions.say("");
    if (content.type === "frame") this.takeFrame(content, arrays);
    else if (!this.mirror) return;
    else if (content.type === "steps") this.takeSteps(content, arrays);
    else if (content.type === "window") this.takeWindow(content, arrays);
    else if (content.type === "stand") this.takeStand(content);
    else if (content.type === "progress") this.takeProgress(content);
    else if (content.type === "fates") this.takeFates(content, arrays);
    else if (content.type === "error") this.actions.say(content.text);
  }

  // -- what Python says --

  takeFrame(content, arrays) {
    const { tables } = content;
    const trace = new Trace(tables, content.unit > 1);
    this.epoch = content.epoch;
    this.bugs = content.bugs;
    this.history = content;
    trace.appendMessages(0, arrays);
    trace.append(content.steps, arrays);
    this.mirror = new Mirror({ ...content, position: content.steps }, arrays, trace);
    const waits = this.mirror.waits.slice();
    this.mirror.seek(content.position);
    this.cells = content.first_step + content.position;
    if (this.map && content.session === this.session) this.map.setSource(this.mirror);
    else this.build(content, tables);
    this.session = content.session;
    this.transport.update(this.mirror, this.history, this.busy, "");
    this.transport.lanesChanged(waits);
    this.refresh();
  }

  build(content, tables) {
    this.destroy();
    this.title = el("h3", { class: "bl-title", text: content.title });
    this.said = el("p", { class: "bl-said", "aria-live": "polite" });
    this.note = el("p", { class: "bl-note" });
    this.actions = new Actions(content, (message) => this.ask(message));
    this.transport = new Transport(tables.threads, {
      goTo: (position) => this.goTo(position),
      visit: (step) => this.visit(step),
      stepOn: () => this.ask({ type: "step", thread: null }),
      pinned: () => this.map.pinned,
      missed: (text) => put(this.note, text),
    });
    this.map = new PageMap(this.mirror, {
      palette: tables.palette,
      title: `Page map of ${content.title}`,
      describe: (page, unit) => pageWords(this.mirror, page, unit, tables.palette),
      requestWindow: (first, count) => this.link.send({ type: "window", first, count, epoch: this.epoch }),
      key: (event) => this.mapKey(event),
      keys: "; [ ] step, space plays",
    });
    this.fates = content.foresight ? new FateBar(tables.threads.map(({ name }) => name), (wish) => this.ask(wish)) : null;
    this.threads = new Threads(tables.threads, (thread) => this.choose(thread));
    this.panels = new Panels(tables);
    const left = el("div", { class: "bl-left" }, this.map.element);
    this.root.replaceChildren(
      el("div", { class: "bl-head" }, this.title, this.actions.progress),
      el("p", { class: "bl-question", text: content.question }),
      this.actions.element,
      el("div", { class: "bl-now" }, this.said, this.note),
      this.transport.element,
      ...(this.fates ? [this.fates.element] : []),
      el("div", { class: "bl-main" }, left, this.threads.element),
    );
    const few = content.pages <= SMALL;
    this.map.element.classList.toggle("bl-few", few);
    (few ? left : this.root).append(this.panels.element); // beside a small map there is room
  }

  takeSteps(content, arrays) {
    const { mirror } = this;
    const { trace } = mirror;
    if (content.was !== this.epoch || content.from > trace.length) {
      this.link.send({ type: "hello" }); // a message was missed
      return;
    }
    this.epoch = content.epoch;
    const follow = mirror.position >= content.from;
    const here = mirror.position;
    if (content.from < trace.length) {
      mirror.seek(Math.min(here, content.from));
      trace.cut(content.from);
    }
    this.bugs = content.bugs;
    this.history = content;
    trace.appendMessages(content.messages_from, arrays);
    trace.append(content.count, arrays, content.rows);
    mirror.seek(trace.length);
    this.transport.lanesChanged(mirror.waits.slice());
    this.cells = content.first_step + content.position;
    if (content.by_cell) mirror.seek(content.position);
    else if (!follow) mirror.seek(here);
    this.refresh();
  }

  takeWindow({ first, position, epoch }, { states }) {
    if (epoch !== this.epoch) return;
    this.mirror.setWindow(first, states, position);
    this.map.windowCame();
  }

  /** The machine stands elsewhere: it made steps again up to one that was asked for, or a cell took it there. */
  takeStand({ epoch, at, follow }) {
    if (epoch !== this.epoch) return;
    this.cells = this.history.first_step + at;
    if (follow) this.goTo(at);
    else this.refresh();
  }

  takeFates(content, arrays) {
    if (!this.fates) return;
    if (!this.fates.take(content, arrays)) this.link.send({ type: "hello" }); // a message was missed
    this.refresh();
  }

  takeProgress({ running, text }) {
    this.busy = running;
    this.actions.setBusy(running, text);
    this.refresh();
  }

  /** Python is not heard from, or is again: what needs it is off meanwhile. */
  setLost(lost) {
    this.lost = lost;
    clearTimeout(this.patience);
    if (this.mirror) this.refresh();
  }

  /** Nothing new can be asked for now. */
  get off() {
    return this.busy || this.lost;
  }

  // -- what the learner does --

  ask(message) {
    if (this.lost) return;
    this.transport.pause();
    this.actions.say("");
    this.link.send({ ...message, at: this.mirror.position, known: this.mirror.trace.length, epoch: this.epoch });
    clearTimeout(this.patience);
    this.patience = setTimeout(() => this.actions.say(NO_ANSWER), PATIENCE);
  }

  /** The learner chose who steps: if that is what was recorded next, we are there already. */
  choose(thread) {
    const { trace, position } = this.mirror;
    if (position < trace.length && trace.step.thread.data[position] === thread) this.goTo(position + 1);
    else this.ask({ type: "step", thread: trace.tables.threads[thread].name });
  }

  /** Go to a step of the whole history; Python makes it again if it is not in the trace, where Python is there. */
  visit(step) {
    const position = step - this.history.first_step;
    if (this.lost || (position >= 0 && position <= this.mirror.trace.length)) this.goTo(position);
    else this.ask({ type: "go", to: step });
  }

  goTo(position) {
    this.mirror.seek(position);
    this.actions.say("");
    this.refresh();
  }

  mapKey(event) {
    if (event.ctrlKey || event.altKey || event.metaKey || !["[", "]", " "].includes(event.key)) return false;
    if (event.key === " ") this.transport.play.click();
    else this.transport.move(event.key === "]" ? 1 : -1);
    event.preventDefault();
    event.stopPropagation();
    return true;
  }

  // -- showing it --

  refresh() {
    if (!this.waiting) this.waiting = requestAnimationFrame(() => this.show());
  }

  show() {
    this.waiting = 0;
    const { mirror, map } = this;
    const { trace, position } = mirror;
    const start = this.history.first_step ? "earlier steps are made again when you go there" : "the start of the timeline";
    const words = position ? stepWords(trace, position - 1) : start;
    const bug = this.bugs.findLast(({ step }) => step < position);
    put(this.said, words);
    this.said.setAttribute("aria-live", this.transport.playing || this.busy ? "off" : "polite");
    mark(this.note, "bl-bug", Boolean(bug));
    const about = bug ? bug.text : this.pastWords();
    const elsewhere = this.history.first_step + position === this.cells ? "" : ` Cells see step ${number(this.cells)}.`;
    put(this.note, about + elsewhere || "\u00a0");
    this.transport.update(mirror, this.history, this.off, words);
    this.actions.actual = mirror.values[trace.tables.num_pages];
    const found = this.fates ? this.fates.update(position, this.transport.playing || this.busy) : null;
    this.threads.update(mirror, this.off, found);
    this.actions.setLost(this.lost);
    if (this.fates) this.fates.setLost(this.lost);
    this.panels.update(mirror);
    map.changed = position ? trace.pagesOf(position - 1) : new Set();
    if (position) map.changed.add(trace.step.page.data[position - 1]);
    map.scanners = scanners(mirror);
    map.locked = [...mirror.pageLocks.keys()];
    map.drawNow();
  }

  pastWords() {
    const later = this.history.last_step - this.history.first_step - this.mirror.position;
    if (!later) return "";
    const steps = later === 1 ? "step" : `${number(later)} steps`;
    return `A look at the past: what you do here replaces the ${steps} after it.`;
  }

  /** How it looks now, for drawPicture. */
  look() {
    if (!this.mirror) return null;
    this.show();
    const found = this.fates ? this.fates.live.textContent : "";
    const lines = [`${this.transport.where.textContent}: ${this.said.textContent}`, this.note.textContent, found];
    return { map: this.map, title: this.title.textContent, lines: lines.filter((line) => line.trim()) };
  }

  destroy() {
    if (this.waiting) cancelAnimationFrame(this.waiting);
    clearTimeout(this.patience);
    this.waiting = 0;
    for (const part of [this.map, this.threads, this.transport]) if (part) part.destroy();
  }
}
