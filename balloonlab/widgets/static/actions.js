/** The row of actions: a size and one button that says what it does, Compact, Stop; the rest is under More. */
import { attribute, el, mark, off, put } from "./dom.js";
import { BALLOON_PAGE, bytes, counted, number, wholeNumber } from "./words.js";

/** What can be asked beside a size: its name, the button's text, what it does. */
const ASKED = [
  ["request_stats", "Statistics", "The host asks the driver for memory statistics"],
  ["begin", "Begin", "Let those begin who wait for it: an unload, a suspend, an interrupt"],
  ["suspend", "Suspend", "The system goes to sleep: freeze the threads, then the driver"],
  ["resume", "Resume", "The system wakes up: restore the driver, then let the threads go on"],
  ["unload", "Unload", "Unload the driver: its remove empties the balloon and frees all that it has"],
  ["load", "Load", "Load the driver: its probe allocates, finds the queues and starts the thread"],
];

/** The first need ([slot of a number, whether it must not be 0, why it may not otherwise]) that the values do not meet. */
export function unmetNeed(needs, values) {
  return needs.find(([slot, set]) => Boolean(values[slot]) !== set) ?? null;
}

/** send(content): to Python. most: the largest balloon, in 4 KiB pages. full(): over the whole window, or back. */
export class Actions {
  constructor({ most, target, actions, needs = {}, title, driver }, send, full) {
    const can = (name) => actions.includes(name);
    Object.assign(this, { most, send, busy: false, lost: false, actual: 0, leads: true });
    const input = (type, name, more) => el("input", { type, value: String(target), "aria-label": name, ...more });
    this.slider = input("range", "Size of the balloon, in 4 KiB pages", { min: "0", max: String(most) });
    this.field = input("text", "Size of the balloon, in 4 KiB pages, as a number", { inputmode: "numeric", class: "bl-field" });
    this.meaning = el("span", { class: "bl-aside" });
    this.by = el("input", { type: "checkbox" });
    const button = (text, title, act, kind) => el("button", { type: "button", class: kind, text, title, onclick: act });
    const ask = (name) => () => send({ type: "act", name, by_hand: this.by.checked });
    this.resize = button("Inflate", "", () => this.change());
    this.compact = button("Compact", "Ask for memory compaction", ask("compact"));
    this.run = button("Run", "Let the threads run until nothing more can happen", () => send({ type: "run" }));
    this.stop = button("Stop", "Stop running", () => send({ type: "stop" }));
    this.asked = ASKED.filter(([name]) => can(name)).map(([name, text, about]) => ({
      button: button(text, about, ask(name)),
      about,
      needs: needs[name] ?? [],
    }));
    this.others = this.asked.map((each) => each.button);
    this.buttons = [...(can("set_target") ? [this.resize] : []), ...(can("compact") ? [this.compact] : []), ...this.others, this.run];
    this.slider.addEventListener("input", () => this.setTarget(Number(this.slider.value)));
    this.field.addEventListener("input", () => this.explain());
    this.field.addEventListener("keydown", (event) => event.key === "Enter" && this.change());
    this.alert = el("div", { class: "bl-alert", role: "alert" });
    this.progress = el("span", { class: "bl-progress" });
    const hand = el("label", { class: "bl-by", title: "Only ask; then choose yourself which thread steps" }, this.by, el("span", { text: "I step by hand" }));
    this.keys = button("Keys", "Which keys do what", () => this.tellKeys(this.keyList.hidden));
    attribute(this.keys, "aria-expanded", "false");
    this.rest = el("div", { class: "bl-menu", hidden: true }, el("div", { class: "bl-asked" }, ...this.others, this.run, hand, this.keys));
    this.more = button("More \u25be", "What else can be asked", () => this.open(this.rest.hidden));
    attribute(this.more, "aria-expanded", "false");
    this.full = button("Full", "Over the whole window, or back", full);
    const size = can("set_target")
      ? [el("label", { class: "bl-target" }, el("b", { text: "Balloon" }), this.slider), this.field, this.meaning, this.resize]
      : [];
    const compact = can("compact") ? [this.compact] : [];
    this.about = el("span", { class: "bl-driver", text: driver || title, title });
    this.place = el("span", { class: "bl-place-for-tasks" }); // empty: a task and its hints may stand here
    this.element = el(
      "div",
      { class: "bl-actions", role: "group", "aria-label": "Ask of the guest" },
      ...size,
      ...compact,
      this.stop,
      this.progress,
      this.place,
      this.about,
      el("span", { class: "bl-menus", onfocusout: (event) => this.left(event.relatedTarget) }, this.more, this.rest),
      this.full,
    );
    this.element.addEventListener("keydown", (event) => event.key === "Escape" && this.close());
    this.explain();
    this.setBusy(false, "");
  }

  open(on) {
    this.rest.hidden = !on;
    attribute(this.more, "aria-expanded", String(on));
  }

  /** The focus went elsewhere in the page: the menu must not lie over what is there. */
  left(to) {
    if (to && !this.rest.parentNode.contains(to)) this.open(false);
  }

  addKeys(list) {
    this.keyList = list;
    list.hidden = true;
    this.rest.append(list);
  }

  tellKeys(on) {
    this.keyList.hidden = !on;
    attribute(this.keys, "aria-expanded", String(on));
  }

  showKeys() {
    this.open(true);
    this.tellKeys(true);
    this.keys.focus();
  }

  close() {
    if (this.rest.contains(document.activeElement)) this.more.focus();
    this.open(false);
  }

  /** Ask for the size that is written, larger or smaller than now. */
  change() {
    const wanted = wholeNumber(this.field.value);
    const name = wanted !== null && wanted < this.actual ? "deflate" : "inflate";
    this.send({ type: "act", name, value: this.field.value.trim(), by_hand: this.by.checked });
  }

  setTarget(n) {
    this.field.value = String(n);
    this.slider.value = String(n);
    this.explain();
  }

  /** What the balloon holds here: the button says by how much the size written differs from it. leads: it is the main one. */
  setActual(pages, leads) {
    this.actual = pages;
    this.leads = leads;
    this.explain();
  }

  /** What may be asked for depends on shared numbers, which are `values` here; a button that may not be pressed says why. */
  allow(values) {
    for (const each of this.asked) {
      const unmet = unmetNeed(each.needs, values);
      each.refused = unmet !== null;
      attribute(each.button, "title", unmet ? `Not now: ${unmet[2]}` : each.about);
    }
  }

  explain() {
    const n = wholeNumber(this.field.value);
    const legal = n !== null && n >= 0 && n <= this.most;
    if (legal) this.slider.value = String(n);
    put(this.meaning, legal ? `of ${counted(this.most, "page")}` : `0 to ${counted(this.most, "page")}`);
    const memory = legal ? `: ${bytes(n * BALLOON_PAGE)} of ${bytes(this.most * BALLOON_PAGE)}` : "";
    attribute(this.meaning, "title", `${this.meaning.shown}${memory}`);
    const by = legal ? n - this.actual : 0;
    put(this.resize, by < 0 ? `Deflate by ${number(-by)}` : by > 0 ? `Inflate by ${number(by)}` : "Inflate");
    attribute(this.resize, "title", by ? `Ask for a balloon of ${number(n)} pages; it holds ${number(this.actual)}` : "Write a size first: this is what it holds");
    mark(this.resize, "bl-main", by !== 0 && this.leads);
  }

  /** What went wrong, or "" to take the line away. */
  say(error) {
    put(this.alert, error);
  }

  setBusy(busy, text) {
    this.busy = busy;
    put(this.progress, text);
    this.progress.title = text;
    this.setLost(this.lost);
  }

  /** Whether Python is not heard from, so that nothing can be asked. */
  setLost(lost) {
    this.lost = lost;
    const refused = this.asked.filter((each) => each.refused).map((each) => each.button);
    for (const button of this.buttons) off(button, this.busy || lost || refused.includes(button));
    off(this.stop, !this.busy || lost);
    for (const input of [this.slider, this.field, this.by]) input.disabled = lost;
    mark(this.progress, "bl-off", lost && this.busy);
  }
}
