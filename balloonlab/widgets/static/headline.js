/** The first line of the stage: what just happened and where in the whole that is; in red where nobody can go on. */
import { attribute, el, mark, put } from "./dom.js";
import { putTerms } from "./terms.js";

export class Headline {
  /** toCause(), startOver(): asked for where something is wrong. */
  constructor({ toCause, startOver }) {
    this.title = el("p", { class: "bl-said" });
    this.detail = el("p", { class: "bl-place" });
    const button = (text, title, act) => el("button", { type: "button", class: "bl-small", text, title, onclick: act });
    this.cause = button("To the cause", "", toCause);
    this.ways = el(
      "div",
      { class: "bl-ways", hidden: true },
      this.cause,
      button("Start over", "To the start of the timeline", startOver),
    );
    this.element = el("div", { class: "bl-headline" }, el("div", { class: "bl-told" }, this.title, this.detail), this.ways);
  }

  /** kind: "" as ever, "wrong" where something is, "done" where an operation has ended. cause: where that came from, as causeOf has it. */
  show({ title, detail, kind = "", cause = null }) {
    putTerms(this.title, title);
    putTerms(this.detail, detail || "\u00a0");
    this.title.title = title; // whole on hover, where it is cut
    this.detail.title = detail;
    mark(this.element, "bl-wrong", kind === "wrong");
    mark(this.element, "bl-done", kind === "done");
    this.ways.hidden = kind !== "wrong";
    put(this.cause, cause?.text ?? "");
    attribute(this.cause, "title", cause?.about ?? null);
    this.cause.hidden = !cause;
  }
}
