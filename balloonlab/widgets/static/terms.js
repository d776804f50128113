/** Words that are not everyday: a dotted line below each, and its sentence while it is hovered over or has the focus. */
import { attribute, el } from "./dom.js";

const WORDS = { table: {}, pattern: null }; // as Python sent them: the same for every Lab
let tips = 0;

/** Take the table of terms: {word: sentence}. */
export function learnTerms(table) {
  const escaped = Object.keys(table).sort((a, b) => b.length - a.length).map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  WORDS.table = table;
  WORDS.pattern = escaped.length ? new RegExp(`(?<![\\w-]|config\\.)(${escaped.join("|")})(s?)(?![\\w-])`, "g") : null;
}

/** A text as pieces, in order: [{text, term: its key or ""}]. */
export function termsIn(text) {
  const parts = [];
  let at = 0;
  for (const found of WORDS.pattern ? text.matchAll(WORDS.pattern) : []) {
    if (found.index > at) parts.push({ text: text.slice(at, found.index), term: "" });
    parts.push({ text: found[0], term: found[1] });
    at = found.index + found[0].length;
  }
  if (at < text.length) parts.push({ text: text.slice(at), term: "" });
  return parts;
}

/** Set an element's text if it differs, with its terms marked. */
export function putTerms(node, text) {
  if (node.shown === text) return;
  node.shown = text;
  const parts = termsIn(text);
  if (parts.every(({ term }) => !term)) {
    node.textContent = text;
    return;
  }
  const focused = node.contains(document.activeElement) ? document.activeElement.dataset.term : null;
  node.replaceChildren(...parts.map(({ text: piece, term }) => (term ? termNode(piece, term) : piece)));
  if (focused) [...node.querySelectorAll(".bl-term")].find(({ dataset }) => dataset.term === focused)?.focus();
}

function termNode(text, term) {
  return el("dfn", { class: "bl-term", "data-term": term, "data-lm-suppress-shortcuts": "true", tabindex: "-1", title: "", text });
}

/** Shows the sentences inside an element. All terms are one stop of the Tab key; arrows go from one to the next. */
export class Glossary {
  /** element: with the terms, and controls that have a data-term. */
  constructor(element) {
    this.element = element;
    this.tip = el("div", { class: "bl-tip", role: "tooltip", id: `bl-tip-${(tips += 1)}-${Math.random().toString(36).slice(2)}`, hidden: true });
    const of = ({ target }) => target.closest?.("[data-term]");
    element.addEventListener("pointerover", (event) => (of(event) ? this.show(of(event)) : this.show(this.focused)));
    element.addEventListener("pointerleave", () => this.show(this.focused));
    element.addEventListener("focusin", (event) => this.focus(of(event)));
    element.addEventListener("focusout", ({ target }) => {
      this.focus(null);
      if (target.matches(".bl-term")) target.parentNode.scrollLeft = 0; // a text that is cut was moved to show it
    });
    element.addEventListener("keydown", (event) => this.key(event));
  }

  focus(node) {
    this.focused = node ?? null;
    if (node?.matches(".bl-term")) this.stopAt(node);
    this.show(this.focused);
  }

  show(node) {
    const sentence = node ? WORDS.table[node.dataset.term] : null;
    if (this.shown && this.shown !== node) attribute(this.shown, "aria-describedby", null);
    this.shown = sentence ? node : null;
    this.tip.hidden = !sentence;
    if (!sentence) return;
    this.tip.textContent = `${node.dataset.term}: ${sentence}`;
    attribute(node, "aria-describedby", this.tip.id);
    const [at, around] = [node.getBoundingClientRect(), this.tip.parentNode.getBoundingClientRect()];
    const { offsetWidth: wide, offsetHeight: high } = this.tip;
    const below = at.bottom - around.top + 3;
    this.tip.style.left = `${Math.max(2, Math.min(around.width - wide - 2, at.left - around.left))}px`;
    this.tip.style.top = `${below + high > around.height ? at.top - around.top - high - 3 : below}px`;
  }

  key(event) {
    if (!event.target.matches(".bl-term")) return;
    const terms = this.inSight();
    const at = terms.indexOf(event.target);
    const to = { ArrowRight: at + 1, ArrowDown: at + 1, ArrowLeft: at - 1, ArrowUp: at - 1, Home: 0, End: terms.length - 1 }[event.key];
    if (event.key === "Escape") this.show(null);
    else if (to === undefined || event.ctrlKey || event.altKey || event.metaKey) return;
    else terms[(to + terms.length) % terms.length]?.focus();
    event.preventDefault();
    event.stopPropagation();
  }

  inSight() {
    return [...this.element.querySelectorAll(".bl-term")].filter((node) => node.getClientRects().length);
  }

  /** After a step: the term that Tab reaches may be gone, and so may the one whose sentence is shown. */
  settle() {
    if (this.shown && !this.element.contains(this.shown)) this.focus(null);
    if (this.stop && this.element.contains(this.stop) && !this.stop.closest("[hidden]")) return;
    const fixed = this.element.querySelector(".bl-five .bl-term") ?? this.inSight()[0];
    if (fixed) this.stopAt(fixed);
  }

  stopAt(node) {
    if (this.stop && this.stop !== node) attribute(this.stop, "tabindex", "-1");
    this.stop = node;
    attribute(node, "tabindex", "0");
  }
}
