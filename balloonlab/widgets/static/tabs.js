/** Tabs in the place of the code: one row of names, and what each shows; only the open one is kept up to date. */
import { attribute, el } from "./dom.js";

// The last one that was opened, for Labs that come later: on the page, as each Lab has a module of its own.
const remembered = (globalThis.balloonlab_tab ||= { name: "code" });

export class Tabs {
  /** pages: [[name, element, update(mirror)]]; changed(): another one was opened. */
  constructor(pages, changed) {
    this.pages = pages;
    this.changed = changed;
    this.buttons = pages.map(([name], i) =>
      el("button", { type: "button", role: "tab", text: name, onclick: () => this.open(i), onkeydown: (event) => this.key(event, i) }),
    );
    this.list = el("div", { class: "bl-tablist", role: "tablist", "aria-label": "What is shown beside the map" }, ...this.buttons);
    this.body = el("div", { class: "bl-tabbody", role: "tabpanel" }, ...pages.map(([, element]) => element));
    this.element = el("div", { class: "bl-tabs" }, this.list, this.body);
    this.select(Math.max(0, pages.findIndex(([name]) => name === remembered.name)));
  }

  get shown() {
    return this.pages[this.at][0];
  }

  open(i) {
    this.select(i);
    remembered.name = this.shown;
    this.changed();
  }

  select(i) {
    this.at = i;
    this.pages.forEach(([, element], n) => (element.hidden = n !== i));
    this.buttons.forEach((button, n) => {
      attribute(button, "aria-selected", String(n === i));
      attribute(button, "tabindex", n === i ? "0" : "-1");
    });
    attribute(this.body, "aria-label", this.pages[i][0]);
  }

  key(event, i) {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!by) return;
    event.preventDefault();
    event.stopPropagation();
    const to = (i + by + this.pages.length) % this.pages.length;
    this.open(to);
    this.buttons[to].focus();
  }

  update(mirror) {
    this.pages[this.at][2](mirror);
  }
}
