/** The stage: one Lab at one glance. What stands where, and what each part is told at every step. */
import { Actions } from "./actions.js";
import { causeOf } from "./cause.js";
import { Code } from "./code.js";
import { disagreements } from "./disagree.js";
import { el, put } from "./dom.js";
import { FateBar, doomedSince } from "./fates.js";
import { deepest } from "./geometry.js";
import { Headline } from "./headline.js";
import { HeldLocks } from "./held.js";
import { Keys } from "./keys.js";
import { LENS_FROM, Lens } from "./lens.js";
import { LEVELS, Levels, changesBetween, pageInHand } from "./levels.js";
import { Live } from "./live.js";
import { Log } from "./log.js";
import { Numbers, numbersForetold } from "./numbers.js";
import { PageMap } from "./pagemap.js";
import { pageWords } from "./page_line.js";
import { Once } from "./once.js";
import { Panels } from "./panels.js";
import { PlainSource } from "./plain.js";
import { ThreadRows } from "./rows.js";
import { SharedState, hasGuest } from "./shared.js";
import { MIGRATIONS, Operations, capital, endWords, outcomeWords, placeWords, scheduleWords, stepSentence, troubleOf } from "./sentences.js";
import { Tabs } from "./tabs.js";
import { Glossary, learnTerms } from "./terms.js";
import { Time } from "./time.js";
import { Wire } from "./wire.js";
import { watchTheme } from "./theme.js";
import { NONE } from "./trace.js";
import { cellWords, counted, number } from "./words.js";


/** Where compaction's two scanners stand, while a run is on: [{page, name}]. */
export function scanners(mirror) {
  const { tables } = mirror.trace;
  const compactor = tables.threads.findIndex(({ name }) => name === "compactor");
  if (compactor >= 0 && tables.waits[mirror.waits[compactor]].status === "idle") return [];
  const found = [];
  tables.values.forEach(({ group, name }, slot) => {
    if (group === "scanner") found.push({ name: name.slice(name.lastIndexOf(" ") + 1), page: mirror.values[slot] });
  });
  return found.filter(({ page }, i) => page || found[i ^ 1]?.page);
}

/** The last move of a page in the steps from..to-1: [from page, to page], or null. */
export function moveIn(trace, from, to) {
  const verbs = MIGRATIONS.map((name) => trace.tables.verbs.indexOf(name)).filter((verb) => verb >= 0);
  for (let i = to - 1; i >= from; i--)
    if (verbs.includes(trace.step.verb.data[i]) && trace.step.amount.data[i] !== NONE)
      return [trace.step.page.data[i], trace.step.amount.data[i]];
  return null;
}

/** Builds the parts for a frame, puts them in their places, and tells them where the mirror is. */
export class Stage {
  /** ask: {act(content), goTo(position), visit(step), stepOn(unit), choose(thread), window(first, count), fate(wish), refresh()} */
  constructor(root, content, mirror, ask) {
    const { tables } = content;
    learnTerms(tables.terms ?? {});
    Object.assign(this, { root, mirror, ask, question: content.question, finding: content.finding, pinned: [] });
    this.opening = content.position;
    this.found = Boolean(content.finding);
    this.levels = new Levels();
    this.once = new Once();
    this.operations = new Operations();
    this.title = el("h3", { class: "bl-title bl-hidden", text: content.title });
    this.actions = new Actions(content, ask.act, () => this.toggleFull());
    this.headline = new Headline({ toCause: () => ask.goTo(this.cause.position), startOver: () => this.time.leap(0) });
    this.map = new PageMap(mirror, {
      compact: true,
      palette: tables.palette,
      title: `Page map of ${content.title}`,
      describe: (page, unit) =>
        this.foretold
          ? cellWords(page, unit, this.mirror.pages, tables.palette, this.foretold.source.stateAt(page))
          : pageWords(this.mirror, page, unit, tables.palette),
      requestWindow: ask.window,
      key: (event) => this.mapKey(event),
      aloud: (words) => this.live.say(words),
      looked: (page) => this.lens.look(page),
    });
    this.live = new Live();
    this.lens = new Lens(tables.palette);
    this.held = new HeldLocks();
    this.code = new Code(this.held, content.places);
    this.log = new Log();
    this.panels = new Panels(tables, () => ask.goTo(this.mirror.position));
    this.fates = content.foresight ? new FateBar(tables.threads.map(({ name }) => name), ask.fate) : null;
    this.tabs = new Tabs(
      [
        ["code", this.code.element, () => {}],
        ...(hasGuest(tables) ? this.panels.pages : []),
        ["log", this.log.element, (at) => this.log.update(at)],
        ...(this.fates ? [["fates", this.fates.element, () => {}]] : []),
      ],
      () => ask.goTo(this.mirror.position),
    );
    const sharing = tables.threads.flatMap(({ name }, i) => (content.cpu?.includes(name) ? [i] : []));
    this.rows = new ThreadRows(tables.threads, { sharing, step: ask.choose, pin: (thread) => this.pin(thread) });
    this.shared = hasGuest(tables) ? null : new SharedState(tables);
    this.wire = new Wire(tables.threads, ask.choose);
    this.numbers = new Numbers();
    this.time = new Time(tables.threads, {
      ...{ goTo: ask.goTo, visit: ask.visit, stepOn: ask.stepOn },
      pinned: () => this.map.pinned,
      missed: (text) => this.actions.say(text),
      level: LEVELS.indexOf(content.level),
    });
    if (this.fates) this.time.bar.append(this.fates.label);
    this.keys = new Keys(this);
    this.unwatch = watchTheme(() => this.retheme());
    this.lay(content);
    this.resizer = new ResizeObserver(() => ask.refresh()); // code is broken into lines, and the lens drawn, for a width
    this.resizer.observe(this.tabs.body);
  }

  lay({ pages, title }) {
    const zooms = deepest(pages) ? Object.values(this.map.buttons) : [];
    const belowMap = el("div", { class: "bl-below-map" }, this.lens.title, ...zooms);
    belowMap.hidden = !zooms.length;
    const told = el("div", { class: "bl-told-of-pages" }, this.map.states, this.map.here);
    const map = [this.map.element, belowMap, this.lens.element, told];
    const left = el("div", { class: "bl-left" }, ...(this.shared ? [this.shared.element] : map));
    const right = el("div", { class: "bl-right" }, this.tabs.element, this.rows.element);
    this.lens.element.hidden = pages < LENS_FROM;
    this.element = el(
      "section",
      { class: "bl-lab", "aria-label": title, tabindex: "-1", "data-lm-suppress-shortcuts": "true", onkeydown: (event) => this.keys.take(event) },
      this.title,
      this.actions.element,
      this.headline.element,
      el("div", { class: "bl-body" }, left, right),
      ...(this.shared ? [] : [this.wire.element, this.numbers.element]),
      this.time.element,
    );
    this.element.classList.toggle("bl-program", Boolean(this.shared));
    this.glossary = new Glossary(this.element);
    this.root.replaceChildren(this.element, this.glossary.tip, this.code.remarks.element, this.actions.alert, this.live.element);
  }

  /** Steps from `from` on are others than they were: a finding that they led to is not met any more. */
  replaced(from) {
    this.levels.cut(from);
    this.operations.cut(from);
    this.held.cut();
    this.once.clear();
    if (this.finding && from < this.finding.step) this.finding = null;
  }

  /** What an operation will come to: shown until its steps are there, or the learner goes to one of them. */
  foretell(content, arrays) {
    const { pages, unit } = this.mirror;
    const source = new PlainSource({ pages, unit, counts: content.counts }, arrays);
    this.foretold = { ...content, won: content.huge[1] - content.huge[0], source };
    this.map.setSource(source);
  }

  /** The steps themselves are looked at. over: they are all there, so the end is one of them. */
  withdraw(over = false) {
    if (this.foretold) this.map.setSource(this.mirror);
    this.promised = over ? null : (this.foretold ?? this.promised);
    this.foretold = null;
  }

  /** Back to the end that was foretold, if its steps are still being made; returns whether. */
  promise() {
    if (!this.promised) return false;
    this.foretold = this.promised;
    this.map.setSource(this.foretold.source);
    return true;
  }

  /** Another mirror of the same guest. */
  setMirror(mirror) {
    this.foretold = this.promised = null;
    this.once.clear();
    this.mirror = mirror;
    this.map.setSource(mirror);
  }

  update(mirror, more) {
    this.tell(mirror, more);
    this.glossary.settle();
  }

  tell(mirror, { bugs, history, busy, lost, cells }) {
    const { trace, position } = mirror;
    this.mirror = mirror;
    this.levels.update(trace);
    this.operations.update(trace, this.pagesAtStart(mirror));
    const off = busy || lost;
    const from = position ? this.levels.next(position, -1, this.time.level) : 0;
    const changes = changesBetween(trace, from, position);
    const trouble = troubleOf(mirror, bugs);
    const wrong = trouble?.threads ?? [];
    const quiet = this.time.playing || busy;
    const found = this.fates ? this.fates.update(position) : null;
    const told = this.words(mirror, trouble, history);
    this.cause = told.kind === "wrong" ? this.causeOf(mirror, trouble) : null;
    if (this.cause?.detail && !told.detail) told.detail = this.cause.detail;
    if (cells !== history.first_step + position) told.detail += ` \u00b7 cells see step ${number(cells)}`;
    if (found?.look && told.kind !== "wrong") told.detail = `${found.look.word}: ${found.about}`;
    this.headline.show({ ...told, cause: this.cause });
    if (!quiet) this.live.tell([told.title, this.fates?.aloud].filter(Boolean).join(" "), history.first_step + position);
    this.time.update(mirror, this.levels, history, { busy: off, stuck: Boolean(trouble) });
    const ends = history.first_step + position === history.last_step;
    const rests = mirror.waits.every((wait) => wait !== 0);
    this.actions.setActual(this.foretold ? this.foretold.held : mirror.values[trace.tables.num_pages] || 0, ends && rests && !trouble);
    this.actions.allow(mirror.values);
    this.actions.setLost(lost);
    if (this.fates) this.fates.setLost(lost);
    const ran = position ? trace.step.thread.data[position - 1] : -1;
    this.code.update(mirror, this.panes(mirror, ran, wrong), { ran, wrong });
    this.rows.update(mirror, off, found, { pinned: this.pinned, wrong });
    this.tabs.update(mirror);
    if (this.shared) {
      this.shared.update(mirror);
      return;
    }
    if (this.foretold) {
      this.wire.update(mirror, off, found);
      this.showForetold(mirror);
      return;
    }
    this.wire.update(mirror, off, found);
    const differ = this.once.at(position, "disagreements", () => disagreements(mirror));
    this.map.differ = differ ? differ.pages : [];
    this.numbers.update(mirror, changes, differ ? differ.count : null);
    this.showMap(mirror, from, changes.pages);
  }

  /** The first line: trouble, the question at the start, what an operation came to, or the step. */
  words(mirror, trouble, history) {
    const { trace, position } = mirror;
    if (trouble) return { ...trouble, kind: "wrong" };
    const finding = this.finding && position >= this.finding.step ? this.finding : null;
    if (finding) return { title: finding.text, detail: `${finding.kind}, after ${stepSentence(trace, position - 1)}`, kind: "wrong" };
    const operation = this.operations.at(position);
    const later = history.last_step - history.first_step - position;
    const replaced = later === 1 ? "step" : `${number(later)} steps`;
    const past = [placeWords(mirror, this.operations.underWay(position)), ...(later ? [`what you do here replaces the ${replaced} after it`] : [])].filter(Boolean).join(" \u00b7 ");
    if (this.foretold) return { title: endWords(this.foretold), detail: "This is the end, worked out at once. Code, threads and timeline show the steps that lead there, while they are made.", kind: "done" };
    if (!position && history.first_step)
      return { title: "Here begins what is at hand.", detail: "Earlier steps are made again when you go there." };
    const opening = !position || (position === this.opening && this.question);
    if (opening) {
      const recorded = later ? `${counted(later, "step")} ${later === 1 ? "was" : "were"} recorded from here on: what you do here replaces ${later === 1 ? "it" : "them"}` : "";
      const asked = position ? stepSentence(trace, position - 1) : this.title.textContent;
      if (this.found) return scheduleWords(trace, position, this.question);
      return { title: this.question || "Ready: nothing has happened yet.", detail: recorded || asked };
    }
    const over = operation && position === this.operations.endOf(operation) && trace.step.thread.data[position - 1] >= 0;
    const rests = mirror.waits.every((wait) => wait !== 0);
    const outcome = () => this.once.at(position, "outcome", () => outcomeWords(mirror, operation, position));
    if (over && rests && position === trace.length && history.shortfall)
      return { title: `${capital(history.shortfall)}.`, detail: outcome(), kind: "wrong" };
    if (over && rests) return { title: outcome(), detail: stepSentence(trace, position - 1), kind: "done" };
    return { title: stepSentence(trace, position - 1), detail: past };
  }

  /** Threads whose code is shown: in trouble those in it; else who acts, and who was pinned. */
  panes(mirror, ran, wrong) {
    if (wrong.length) return wrong;
    const { trace, position } = mirror;
    const brief = (thread) => thread < 0 || trace.tables.threads[thread].brief;
    let acting = ran;
    for (let i = position - 1; brief(acting) && i >= 0 && i > position - 2000; i--) acting = trace.step.thread.data[i];
    if (brief(acting)) acting = 0;
    return [...new Set([acting, ...this.pinned])];
  }

  showForetold(mirror) {
    const { map, foretold } = this;
    Object.assign(map, { changed: new Set(), arrow: null, scanners: [], locked: [], differ: [] });
    map.drawNow();
    if (!this.lens.element.hidden) this.lens.show(foretold.source, [this.lensAt ?? 0], map.changed);
    this.numbers.show(numbersForetold(mirror, foretold), null);
  }

  showMap(mirror, from, pages) {
    const { trace, position } = mirror;
    const { map } = this;
    const move = moveIn(trace, from, position);
    const page = position ? trace.step.page.data[position - 1] : -1;
    map.changed = new Set(pages);
    if (page >= 0) map.changed.add(page);
    map.arrow = move;
    map.scanners = scanners(mirror);
    map.locked = [...mirror.pageLocks.keys()];
    const last = page >= 0 ? page : ([...pages].at(0) ?? Math.max(0, pageInHand(trace, position)));
    this.lensAt = last;
    map.pointed = map.pinned >= 0 ? map.pinned : last;
    map.drawNow();
    if (!this.lens.element.hidden) this.lens.show(mirror, move ?? [last], map.changed);
  }

  /** The balloon's size where the trace begins: what its first change of num_pages replaced. */
  pagesAtStart(mirror) {
    const { trace } = mirror;
    if (this.startOf === trace) return this.startPages;
    this.startOf = trace;
    const { values } = changesBetween(trace, 0, mirror.position);
    this.startPages = (mirror.values[trace.tables.num_pages] || 0) - (values.get(trace.tables.num_pages) ?? 0);
    return this.startPages;
  }

  pin(thread) {
    this.pinned = this.pinned.includes(thread) ? this.pinned.filter((each) => each !== thread) : [thread];
    this.ask.goTo(this.mirror.position);
  }

  /** Where what is wrong here came from; null where an operation only fell short. */
  causeOf(mirror, trouble) {
    const finding = this.finding && mirror.position >= this.finding.step ? this.finding : null;
    if (!trouble && !finding) return null;
    const doomed = this.fates ? doomedSince(this.fates.foretold, mirror.position) : -1;
    return causeOf(mirror, trouble, { held: this.held, doomed, finding });
  }

  mapKey(event) {
    if (event.ctrlKey || event.altKey || event.metaKey || event.key !== " ") return false;
    this.time.play.click();
    event.preventDefault();
    event.stopPropagation();
    return true;
  }

  toggleFull() {
    if (document.fullscreenElement) document.exitFullscreen();
    else this.root.requestFullscreen?.();
  }

  say(text) {
    put(this.actions.alert, text);
  }

  /** What is drawn takes its ink from the theme. */
  retheme() {
    this.time.lanesChanged(this.time.waits);
    this.ask.refresh();
  }

  destroy() {
    this.unwatch();
    this.resizer.disconnect();
    this.map.destroy();
    this.time.destroy();
  }
}
