/** A Lab's view: the messages that feed its mirror, and what the learner asks of Python. The stage shows it. */
import { Mirror } from "./mirror.js";
import { Stage } from "./stage.js";
import { Trace } from "./trace.js";

const PATIENCE = 5000; // milliseconds
const NO_ANSWER =
  "The kernel has not answered yet. It is busy with a cell, or it was restarted: then run this cell again.";

/** One view of a Lab. `link.send(content)` reaches Python; `receive` takes what comes from there. */
export class LabView {
  static KEPT = "You can still walk through the steps that are here."; // when Python is lost

  constructor(root, link) {
    Object.assign(this, { root, link, mirror: null, busy: false, lost: false, waiting: 0, patience: 0 });
  }

  receive(content, arrays) {
    clearTimeout(this.patience);
    if (this.stage && this.stage.actions.alert.shown === NO_ANSWER) this.stage.say("");
    if (content.type === "frame") this.takeFrame(content, arrays);
    else if (!this.mirror) return;
    else if (content.type === "steps") this.takeSteps(content, arrays);
    else if (content.type === "window") this.takeWindow(content, arrays);
    else if (content.type === "stand") this.takeStand(content);
    else if (content.type === "foretold") this.stage.foretell(content, arrays);
    else if (content.type === "progress") this.takeProgress(content);
    else if (content.type === "fates") this.takeFates(content, arrays);
    else if (content.type === "error") this.stage.say(content.text);
  }

  // -- what Python says --

  takeFrame(content, arrays) {
    const { tables } = content;
    const trace = new Trace(tables, content.unit > 1);
    this.epoch = content.epoch;
    this.know(content);
    trace.appendMessages(0, arrays);
    trace.append(content.steps, arrays);
    this.mirror = new Mirror({ ...content, position: content.steps }, arrays, trace);
    const waits = this.mirror.waits.slice();
    this.mirror.seek(content.position);
    this.cells = content.first_step + content.position;
    if (this.stage && content.session === this.session) this.stage.setMirror(this.mirror);
    else this.build(content);
    this.stage.finding = content.finding;
    this.session = content.session;
    this.stage.time.lanesChanged(waits);
    this.refresh();
  }

  /** What every frame and every run of steps says of the whole history. */
  know(content) {
    this.bugs = content.bugs;
    this.history = content;
  }

  build(content) {
    this.destroy();
    this.stage = new Stage(this.root, content, this.mirror, {
      act: (message) => this.ask(message),
      goTo: (position) => this.goTo(position),
      visit: (step) => this.visit(step),
      stepOn: (unit) => this.ask({ type: "step", thread: null, unit }),
      choose: (thread) => this.choose(thread),
      window: (first, count) => this.link.send({ type: "window", first, count, epoch: this.epoch }),
      fate: (wish) => this.ask(wish),
      refresh: () => this.refresh(),
    });
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
    this.know(content);
    this.stage.replaced(content.from);
    trace.appendMessages(content.messages_from, arrays);
    trace.append(content.count, arrays, content.rows);
    mirror.seek(trace.length);
    this.stage.time.lanesChanged(mirror.waits.slice());
    this.cells = content.first_step + content.position;
    if (content.by_cell) mirror.seek(content.position);
    else if (!follow) mirror.seek(here);
    this.refresh();
  }

  takeWindow({ first, position, epoch }, { states }) {
    if (epoch !== this.epoch) return;
    this.mirror.setWindow(first, states, position);
    this.stage.map.windowCame();
  }

  /** The machine stands elsewhere: it made steps again up to one that was asked for, or a cell took it there. */
  takeStand({ epoch, at, follow }) {
    if (epoch !== this.epoch) return;
    this.cells = this.history.first_step + at;
    if (follow) this.goTo(at);
    else this.refresh();
  }

  takeFates(content, arrays) {
    const { fates } = this.stage;
    if (!fates) return;
    if (!fates.take(content, arrays)) this.link.send({ type: "hello" }); // a message was missed
    this.refresh();
  }

  takeProgress({ running, text }) {
    if (running && !this.busy) this.stage.live.say(text);
    this.busy = running;
    if (!running) this.stage.withdraw(true);
    this.stage.actions.setBusy(running, text);
    this.refresh();
  }

  /** Python is not heard from, or is again: what needs it is off meanwhile. */
  setLost(lost) {
    this.lost = lost;
    clearTimeout(this.patience);
    if (this.mirror) this.refresh();
  }

  // -- what the learner does --

  ask(message) {
    if (this.lost) return;
    this.stage.time.pause();
    this.stage.withdraw();
    this.stage.say("");
    if (!this.busy) this.stage.actions.setBusy(false, ""); // how the last run ended is no answer to this one
    this.link.send({ ...message, at: this.mirror.position, known: this.mirror.trace.length, epoch: this.epoch });
    clearTimeout(this.patience);
    this.patience = setTimeout(() => this.stage.say(NO_ANSWER), PATIENCE);
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
    if (this.busy && step === this.history.last_step && this.stage.promise()) {
      this.mirror.seek(this.mirror.trace.length);
      this.refresh();
    } else if (this.lost || (position >= 0 && position <= this.mirror.trace.length)) this.goTo(position);
    else this.ask({ type: "go", to: step });
  }

  goTo(position) {
    this.mirror.seek(position);
    this.stage.withdraw();
    this.stage.say("");
    this.refresh();
  }

  refresh() {
    if (!this.waiting) this.waiting = requestAnimationFrame(() => this.show());
  }

  show() {
    this.waiting = 0;
    const { bugs, history, busy, lost, cells } = this;
    this.stage.update(this.mirror, { bugs, history, busy, lost, cells });
  }

  /** The page map, once there is anything to see. */
  get map() {
    return this.stage?.map;
  }

  /** How it looks now, for drawPicture. */
  look() {
    if (!this.mirror) return null;
    this.show();
    const { headline, time, title, map, fates } = this.stage;
    const lines = [`${time.where.textContent}: ${headline.title.textContent}`, headline.detail.textContent, fates?.aloud ?? ""];
    return { map, title: title.textContent, lines: lines.filter((line) => line.trim()) };
  }

  destroy() {
    if (this.waiting) cancelAnimationFrame(this.waiting);
    clearTimeout(this.patience);
    this.waiting = 0;
    if (this.stage) this.stage.destroy();
  }
}
