/** The statistics: who asks, with whom the buffer is, and each figure as the host had it before and has it now. */
import { el, mark, put } from "./dom.js";
import { workWords } from "./members.js";
import { number } from "./words.js";

const STATS_QUEUE = 2; // the queue
const HEARD = 2; // a message's status once the host has its figures
const KIB = 1024;
const MOST_FIGURES = 16; // figures at most
const ONE_COLUMN = 10; // figures in one column
const WITH = [
  "filled by the driver, not sent yet",
  "on its way to the host",
  "with the host",
  "returned, and the driver has not looked",
  "with the driver",
]; // where the buffer is, by the status of the latest message on its queue

/** The figures that the host has read: [{tag, before (null: it had none), now}]. */
export function figuresAt({ trace, status }) {
  const heard = (trace.tables.figures ?? []).filter(
    ({ message }) => message < status.sent && trace.messages.queue.data[message] === STATS_QUEUE && status.data[message] >= HEARD,
  );
  if (!heard.length) return [];
  const before = new Map(heard.length > 1 ? heard.at(-2).values : []);
  return heard.at(-1).values.map(([tag, now]) => ({ tag, before: before.get(tag) ?? null, now }));
}

/** A figure with its unit. */
export function figureWords({ stat_bytes: inBytes }, tag, value) {
  if (value === null) return "\u2013";
  return inBytes.includes(tag) ? `${number(Math.floor(value / KIB))} KiB` : number(value);
}

/** With whom the buffer is. */
export function bufferWords({ trace, status }) {
  for (let i = status.sent - 1; i >= 0; i--)
    if (trace.messages.queue.data[i] === STATS_QUEUE) return WITH[status.data[i]];
  return "none";
}

/** Whether figures are asked for: of the host, and of the driver. */
export function requestWords({ trace, values }) {
  const { tables } = trace;
  const wanted = tables.values.findIndex(({ name }) => name === "statistics wanted");
  const asked = values[wanted] ? ["the host is asked for them"] : [];
  for (const { obj, number: at } of tables.members) {
    if (obj === "need_stats_update" && values[at]) asked.push("need_stats_update is set");
    if (obj === "update_balloon_stats_work" && values[at]) asked.push(`the work is ${workWords(values[at])}`);
  }
  return asked.join(", ") || "none";
}

export class Statistics {
  constructor() {
    this.request = el("p");
    this.buffer = el("p");
    this.rows = Array.from({ length: MOST_FIGURES }, () => {
      const row = { tag: el("code"), value: el("span") };
      row.element = el("li", {}, row.tag, row.value);
      return row;
    });
    this.list = el("ol", { class: "bl-figures", "aria-label": "Figures: before, and now" }, ...this.rows.map(({ element }) => element));
    this.none = el("p", { class: "bl-small-text", text: "The host has no figures yet: More, Statistics asks for them." });
    this.element = el("div", { class: "bl-statistics" }, this.request, this.buffer, this.list, this.none);
  }

  update(mirror) {
    const { tables } = mirror.trace;
    const figures = figuresAt(mirror);
    put(this.request, `Request: ${requestWords(mirror)}`);
    put(this.buffer, `Buffer: ${bufferWords(mirror)}${figures.length ? " \u00b7 what the host had \u2192 has now" : ""}`);
    this.none.hidden = figures.length > 0;
    mark(this.list, "bl-two", figures.length > ONE_COLUMN);
    this.rows.forEach(({ element, tag, value }, i) => {
      const figure = figures[i];
      element.hidden = !figure;
      if (!figure) return;
      const [before, now] = [figure.before, figure.now].map((each) => figureWords(tables, figure.tag, each));
      put(tag, figure.tag);
      put(value, `${before} \u2192 ${now}`);
      mark(element, "bl-changed", figure.before !== null && figure.before !== figure.now);
    });
  }
}
