/** The log: the last steps as sentences, the latest below; under them what the kernel's own log says, once it does. */
import { attribute, el, mark, put } from "./dom.js";
import { stepSentence } from "./sentences.js";
import { putTerms } from "./terms.js";
import { number } from "./words.js";

const LINES = 11;
const LOG_LINE = 18; // CSS pixels of one
const LOG_AROUND = 8; // and of what is above and below them all
const LOG_FEWEST = 4; // steps beside what the kernel's log says
const PRINTED = 4; // lines of the kernel's log at most, and
const WIDE = 50; // characters that one row of them takes

/** The last lines of the kernel's log at a position, the latest last: [{step, level, text}]. */
export function printedBefore({ tables }, position, most = Infinity) {
  const all = tables.printed ?? [];
  let end = all.length;
  while (end && all[end - 1].step >= position) end--;
  return all.slice(Math.max(0, end - most), end);
}

export class Log {
  constructor() {
    const line = (after) => {
      const parts = { number: el("span", { class: "bl-n" }), text: el("span") };
      parts.element = el("li", {}, parts.number, parts.text);
      after.push(parts);
      return parts.element;
    };
    this.lines = [];
    this.printed = [];
    const steps = Array.from({ length: LINES }, () => line(this.lines));
    const kernel = Array.from({ length: PRINTED }, () => line(this.printed));
    this.head = el("p", { class: "bl-small-text", text: "Kernel log (seconds slept)" });
    this.kernel = el("ol", { class: "bl-log bl-kernel-log", "aria-label": "Kernel log" }, ...kernel);
    this.steps = el("ol", { class: "bl-log", "aria-label": "The last steps" }, ...steps);
    this.element = el("div", {}, this.steps, this.head, this.kernel);
  }

  /** How many lines there is room for: fewer beside many threads. */
  room() {
    const clientHeight = this.element.parentNode?.clientHeight;
    return clientHeight ? Math.min(LINES, Math.floor((clientHeight - LOG_AROUND) / LOG_LINE)) : LINES;
  }

  update(mirror) {
    const { trace, position } = mirror;
    const printed = printedBefore(trace, position, PRINTED);
    const high = ({ text }) => Math.ceil(text.length / WIDE);
    const used = () => printed.reduce((rows, each) => rows + high(each), 0);
    const room = this.room();
    while (printed.length > 1 && used() > Math.min(PRINTED + 1, room - 1 - LOG_FEWEST)) printed.shift();
    const rows = printed.length ? room - 1 - used() : room;
    const first = Math.max(0, position - rows);
    this.lines.forEach((line, i) => {
      const step = first + i;
      const there = i < rows && step < position;
      line.element.hidden = i >= rows;
      const words = there ? stepSentence(trace, step) : "";
      this.show(line, there ? step : -1, words, there && step === position - 1, putTerms);
    });
    this.head.hidden = this.kernel.hidden = !printed.length;
    this.printed.forEach((line, i) => {
      const { step, level, text } = printed[i] ?? { step: -1, level: null, text: "" };
      line.element.hidden = !text;
      attribute(line.element, "data-level", level);
      this.show(line, step, text, step >= 0 && step === position - 1, put);
    });
  }

  show({ element, number: n, text }, step, words, latest, write) {
    put(n, step >= 0 ? number(step + 1) : "");
    write(text, words);
    element.title = words;
    mark(element, "bl-changed", latest);
  }
}
