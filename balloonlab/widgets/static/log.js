/** The log: the last steps as sentences, the latest below. */
import { el, mark, put } from "./dom.js";
import { stepSentence } from "./sentences.js";
import { putTerms } from "./terms.js";
import { number } from "./words.js";

const LINES = 11;

export class Log {
  constructor() {
    this.lines = Array.from({ length: LINES }, () => {
      const line = { number: el("span", { class: "bl-n" }), text: el("span") };
      line.element = el("li", {}, line.number, line.text);
      return line;
    });
    this.element = el("ol", { class: "bl-log", "aria-label": "The last steps" }, ...this.lines.map(({ element }) => element));
  }

  update(mirror) {
    const { trace, position } = mirror;
    const first = Math.max(0, position - LINES);
    this.lines.forEach(({ number: n, text, element }, i) => {
      const step = first + i;
      const there = step < position;
      put(n, there ? number(step + 1) : "");
      const words = there ? stepSentence(trace, step) : "";
      putTerms(text, words);
      element.title = words;
      mark(element, "bl-changed", there && step === position - 1);
    });
  }
}
