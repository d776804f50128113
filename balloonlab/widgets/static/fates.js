/** What can become of each step, where the learner asks for it: the answers by position, in words, and the bar above. */
import { Column } from "./codec.js";
import { el, mark, off, put } from "./dom.js";
import { counted, number } from "./words.js";

const HINT = "Tick \u201cshow fates\u201d beside the time controls: everything that can happen is then explored.";
const NO_STEP = 255; // the fate of a step that nobody can take, or of which nothing is known
const AT_POSITION = { known: Uint8Array, graph: Uint8Array, fate: Uint8Array, steps: Int32Array, kind: Uint8Array };
const AT_THREAD = {
  next_fate: Uint8Array,
  next_steps: Int32Array,
  next_preemptions: Int32Array,
  next_kind: Uint8Array,
};

/** The nearest violation, seen from a step that somebody can take: as balloonlab/explore/fate_legend.py has it. */
export function violationWords(kind, steps, preemptions) {
  if (steps < 0) return "";
  const away = steps === 1 ? "at this step" : `${number(steps)} steps away`;
  return `${kind} ${away}, needs ${preemptions ? counted(preemptions, "preemption") : "no preemption"}`;
}

/** Answers of Python, one a position of the timeline and, for `next_*`, one a thread there. */
export class Foretold {
  constructor(threads) {
    this.threads = threads;
    this.forget();
  }

  forget() {
    this.told = null;
    this.columns = {};
    for (const [names, each] of [
      [AT_POSITION, 1],
      [AT_THREAD, this.threads],
    ])
      for (const name in names) this.columns[name] = { column: new Column(names[name]), each };
  }

  /** A message of Python: replaces what is known from position `content.from` on. Returns false if one was missed. */
  take(content, arrays) {
    this.told = content;
    if (!content.known) return true;
    if (content.from > this.columns.known.column.length) return false;
    for (const name in this.columns) {
      const { column, each } = this.columns[name];
      column.cut(content.from * each);
      column.append(arrays[name]);
    }
    return true;
  }

  /** What is known of a position: {known, look, about, coverage, next: by thread {look, ahead} or null}; or null. */
  at(position) {
    const { told, columns } = this;
    if (!told?.shown || !told.known || position >= columns.known.column.length) return null;
    const value = (name, i) => columns[name].column.data[i];
    const graph = value("graph", position);
    const coverage = told.coverage[graph === NO_STEP ? told.coverage.length - 1 : graph];
    const known = value("known", position);
    const next = Array.from({ length: this.threads }, (_, thread) => {
      const i = position * this.threads + thread;
      const fate = value("next_fate", i);
      if (fate === NO_STEP) return null;
      const kind = told.kinds[value("next_kind", i) - 1];
      const ahead = violationWords(kind, value("next_steps", i), value("next_preemptions", i));
      return { look: told.looks[fate], ahead: ahead || "no violation ahead" };
    });
    if (known) return { known: false, look: null, about: told.why_not[known], coverage, next };
    const fate = value("fate", position);
    const kind = told.kinds[value("kind", position) - 1];
    const about = aboutHere(told.looks[fate], kind, value("steps", position));
    return { known: true, look: told.looks[fate], about, coverage, next };
  }
}

/** The first position from which on, up to `position`, nothing but a violation could come; -1 if that is not known. */
export function doomedSince(foretold, position) {
  const doomed = (at) => ["will go wrong", "wrong here"].includes(foretold.at(at)?.look?.word);
  let since = -1;
  for (let at = position; at >= 0 && doomed(at); at--) since = at;
  return since;
}

/** What can become of a position, in a sentence or two; steps: to the nearest violation, -1 if there is none. */
export function aboutHere(look, kind, steps) {
  if (steps < 0) return look.meaning;
  if (steps === 0) return `${kind[0].toUpperCase()}${kind.slice(1)}.`;
  return `${look.meaning} The nearest: ${kind}, ${counted(steps, "step")} away.`;
}

/** What a screen reader hears of a position: its fate, then that of each step. */
export function spoken(found, names) {
  if (!found) return "";
  const here = found.look ? `Here: ${found.look.word}. ${found.about}` : `Here: not known. ${found.about}`;
  const steps = found.next.flatMap((step, i) => (step ? [`${names[i]} ${step.look.word}`] : []));
  return steps.length ? `${here} Next: ${steps.join(", ")}.` : here;
}

/** The glyph and word of a fate, on the fate's colour: an element that is filled again and again. */
export class Badge {
  constructor() {
    this.glyph = el("span", { class: "bl-glyph", "aria-hidden": "true" });
    this.word = el("span", { class: "bl-word" });
    this.element = el("span", { class: "bl-fate" }, this.glyph, this.word);
  }

  show(look) {
    put(this.glyph, look?.glyph ?? "");
    put(this.word, look?.word ?? "");
    mark(this.element, "bl-none", !look);
    if (look) this.element.style.setProperty("--bl-of-fate", look.colour);
  }
}

/** The bar: a switch, what can become of where we are, how much has been seen. ask(content): to Python. */
export class FateBar {
  constructor(names, ask) {
    this.names = names;
    this.foretold = new Foretold(names.length);
    const button = (text, title, wish) =>
      el("button", { type: "button", class: "bl-small", text, title, onclick: () => ask({ type: "fate", wish }) });
    this.box = el("input", { type: "checkbox" });
    this.box.addEventListener("change", () => ask({ type: "fate", wish: this.box.checked ? "show" : "hide" }));
    this.stop = button("Stop exploring", "End the exploration; nobody's fate is known then", "stop");
    this.goOn = button("Explore from here", "Explore every interleaving from this position on", "explore");
    this.text = el("span", { class: "bl-fate-text" });
    this.coverage = el("span", { class: "bl-aside bl-coverage" });
    this.badge = new Badge();
    this.about = el("span");
    this.here = el(
      "p",
      { class: "bl-fate-here", "aria-hidden": "true" },
      el("span", { class: "bl-label", text: "Here" }),
      this.badge.element,
      this.about,
    );
    this.label = el(
      "label",
      { class: "bl-by", title: "Show what can become of each step" },
      this.box,
      el("span", { text: "show fates" }),
    );
    this.element = el(
      "div",
      { class: "bl-fates", role: "group", "aria-label": "What can become of each step" },
      el("div", { class: "bl-bar" }, this.stop, this.goOn, this.text, this.coverage),
      this.here,
    );
    this.update(0);
  }

  take(content, arrays) {
    this.box.checked = content.shown;
    return this.foretold.take(content, arrays);
  }

  /** Whether Python is not heard from, so that nothing can be asked. */
  setLost(lost) {
    this.box.disabled = lost;
    for (const button of [this.stop, this.goOn]) off(button, lost);
  }

  /** Show what is known of a position; returns it, for the threads' rows. */
  update(position) {
    const { told } = this.foretold;
    const found = this.foretold.at(position);
    this.stop.hidden = !told?.exploring;
    this.goOn.hidden = !told?.shown || told.exploring || !told.can_go_on || !told.known || Boolean(found?.known);
    put(this.text, told?.shown || told?.text ? told.text : HINT);
    put(this.coverage, found?.coverage ?? "");
    this.here.hidden = !found;
    this.badge.show(found?.look);
    put(this.about, found ? (found.known ? found.about : `Not known. ${found.about}`) : "");
    this.aloud = spoken(found, this.names) || (told?.shown && !told.exploring ? told.text : "");
    return found;
  }
}
