/** Remarks on lines of code, which are the notes that Python sends with a function: the mark at a line, and the panel
 * that it opens, over the stage. */
import { attribute, el, put } from "./dom.js";
import { counted } from "./words.js";

const LESSON = /^\d\d-[\w-]+\.ipynb$/; // the notebooks of the course, which stand in one folder

/** Notes one after the other, those together of which the same came: [{notes, verdict, lesson, section}]. */
export function groupedNotes(notes) {
  const groups = [];
  for (const note of notes) {
    const last = groups[groups.length - 1];
    if (last?.verdict === note.verdict && last.section === note.section) last.notes.push(note);
    else groups.push({ notes: [note], verdict: note.verdict, lesson: note.lesson, section: note.section });
  }
  return groups;
}

/** Where a lesson opens, from the page at `path`: beside the lesson that is open there; null from anywhere else. */
export function lessonAddress(path, lesson, section) {
  const folder = path.split("/");
  const open = folder.pop();
  if (!LESSON.test(open) || open === `${lesson}.ipynb`) return null;
  return `${folder.join("/")}/${lesson}.ipynb#${encodeURIComponent(section.replaceAll(" ", "-"))}`;
}

/** The mark of one row: nothing, or a button that opens the remarks. */
export class RemarkMark {
  constructor() {
    this.button = el("button", { type: "button", class: "bl-remark-mark", text: "R", tabindex: "-1", "aria-haspopup": "dialog", hidden: true });
    this.button.addEventListener("click", () => this.open(this.notes, this.button));
  }

  /** notes: of the row's line, or of the lines that are folded in it. open(notes, button). */
  show(notes, open) {
    Object.assign(this, { notes, open });
    this.button.hidden = !notes.length;
    if (!notes.length) return;
    const what = notes.length === 1 ? `Remark on this line, ${notes[0].kind}: ${notes[0].says}` : `${counted(notes.length, "remark")} here`;
    attribute(this.button, "aria-label", what);
    attribute(this.button, "title", what);
  }
}

/** One mark of several is reached by Tab, the others from it by the arrows. */
export function oneTabStop(marks) {
  const shown = marks.filter(({ button }) => !button.hidden);
  const stop = shown.find(({ button }) => button === document.activeElement) ?? shown[0];
  for (const mark of marks) attribute(mark.button, "tabindex", mark === stop ? "0" : "-1");
}

/** Which mark an arrow leads to, from the one that has the focus; undefined if it leads nowhere. */
export function nextMark(marks, button, key) {
  const shown = marks.filter((mark) => !mark.button.hidden);
  const by = { ArrowDown: 1, ArrowUp: -1 }[key];
  return by && shown[shown.findIndex((mark) => mark.button === button) + by];
}

/** The panel. It closes with Escape, its button, a click elsewhere, and when the focus or the row's line goes away. */
export class Remarks {
  constructor() {
    this.title = el("h4", { class: "bl-remarks-title" });
    this.shut = el("button", { type: "button", class: "bl-small", text: "Close", onclick: () => this.close() });
    this.body = el("div", {});
    this.element = el(
      "section",
      { class: "bl-remarks", role: "dialog", "aria-label": "Remarks", tabindex: "-1", hidden: true, "data-lm-suppress-shortcuts": "true" },
      el("header", {}, this.title, this.shut),
      this.body,
    );
    this.element.addEventListener("keydown", (event) => this.key(event));
    this.element.addEventListener("focusout", ({ relatedTarget: to }) => to && !this.element.contains(to) && to !== this.from && this.close());
    this.elsewhere = ({ target }) => !this.element.contains(target) && !this.from?.contains(target) && this.close();
  }

  /** notes: as Python sent them. from: the mark that was pressed, which gets the focus back. */
  open(notes, from) {
    if (this.from === from) {
      this.close();
      return;
    }
    this.close();
    Object.assign(this, { notes, from });
    put(this.title, notes.length === 1 ? "A remark of the review" : `${counted(notes.length, "remark")} of the review`);
    this.body.replaceChildren(...groupedNotes(notes).flatMap(groupNodes));
    this.element.hidden = false;
    attribute(from, "aria-expanded", "true");
    this.place();
    this.element.focus({ preventScroll: true });
    this.element.parentNode.addEventListener("pointerdown", this.elsewhere);
  }

  /** Beside the code, which stays in sight; where nothing is beside it, below the mark. */
  place() {
    const [at, around] = [this.from.getBoundingClientRect(), this.element.parentNode.getBoundingClientRect()];
    const { offsetWidth: wide, offsetHeight: high } = this.element;
    const beside = at.left - around.left - wide - 5;
    const top = (beside >= 2 ? at.top : at.bottom + 3) - around.top;
    this.element.style.left = `${beside >= 2 ? beside : Math.max(2, Math.min(around.width - wide - 2, at.left - around.left))}px`;
    this.element.style.top = `${Math.max(2, Math.min(around.height - high - 2, top))}px`;
  }

  /** After a step: what it speaks of may be gone from sight. marks: those that are in sight. */
  settle(marks) {
    const now = marks.find(({ button }) => button === this.from)?.notes;
    if (this.from && !sameNotes(now ?? [], this.notes)) this.close();
  }

  close() {
    const { from } = this;
    if (!from) return;
    const inside = this.element.contains(document.activeElement);
    this.from = null;
    this.element.parentNode.removeEventListener("pointerdown", this.elsewhere);
    this.element.hidden = true;
    attribute(from, "aria-expanded", null);
    if (inside) from.focus({ preventScroll: true });
  }

  key(event) {
    if (event.key !== "Escape") return;
    event.preventDefault();
    event.stopPropagation();
    this.close();
  }
}

function sameNotes(some, others) {
  return some.length === others.length && some.every((note, i) => note === others[i]);
}

/** What was said, and what came of it. */
function groupNodes({ notes, verdict, lesson, section }) {
  const said = notes.map(({ kind, about, says }) =>
    el("div", { class: "bl-remark" }, el("p", {}, el("b", { text: kind }), ` on ${about}`), el("blockquote", { text: `\u201c${says}\u201d` })),
  );
  const address = lessonAddress(globalThis.location?.pathname ?? "", lesson, section);
  const words = `${lesson}, \u201c${section}\u201d`;
  const where = address ? el("a", { href: address, target: "_blank", rel: "noopener", text: words }) : words;
  return [
    ...said,
    el("p", { class: "bl-verdict" }, el("b", { text: "Verdict: " }), verdict),
    el("p", { class: "bl-remark-where" }, "Put to the test in notebook ", where),
  ];
}
