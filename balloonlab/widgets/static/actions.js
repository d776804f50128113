/** What the learner asks of the guest: a target, inflate, deflate, compact, run on, stop. And what came of it. */
import { el, mark, put } from "./dom.js";
import { BALLOON_PAGE, bytes, number, wholeNumber } from "./words.js";

/** What can be asked beside a target: its name, the button's text, what it does. */
const ASKED = [
  ["compact", "Compact", "Ask for memory compaction"],
  ["request_stats", "Statistics", "The host asks the driver for memory statistics"],
  ["begin", "Begin", "Let those begin who wait for it: an unload, a suspend, an interrupt"],
];

/** send(content): to Python. most: the largest target, in 4 KiB balloon pages. */
export class Actions {
  constructor({ most, target, actions }, send) {
    const can = (name) => actions.includes(name);
    this.most = most;
    this.lost = false;
    this.slider = el("input", {
      type: "range",
      min: "0",
      max: String(most),
      value: String(target),
      "aria-label": "Target in 4 KiB balloon pages",
    });
    this.field = el("input", {
      type: "text",
      inputmode: "numeric",
      class: "bl-field",
      value: String(target),
      "aria-label": "Target in 4 KiB balloon pages, as a number",
    });
    this.meaning = el("span", { class: "bl-aside" });
    this.by = el("input", { type: "checkbox" });
    const button = (text, title, act, primary) =>
      el("button", { type: "button", class: primary ? "bl-primary" : null, text, title, onclick: act });
    const resize = (name) => () =>
      send({ type: "act", name, value: this.field.value.trim(), by_hand: this.by.checked });
    this.buttons = [];
    if (can("set_target")) {
      this.buttons.push(
        button("Inflate", "Ask for a balloon of the target's size, larger than now", resize("inflate"), true),
      );
      this.buttons.push(
        button("Deflate", "Ask for a balloon of the target's size, smaller than now", resize("deflate"), true),
      );
    }
    for (const [name, text, title] of ASKED)
      if (can(name))
        this.buttons.push(
          button(text, title, () => send({ type: "act", name, by_hand: this.by.checked }), name === "compact"),
        );
    this.run = button("Run", "Let the threads run until nothing more can happen", () => send({ type: "run" }));
    this.stop = button("Stop", "Stop running", () => send({ type: "stop" }));
    this.slider.addEventListener("input", () => this.setTarget(Number(this.slider.value)));
    this.field.addEventListener("input", () => this.explain());
    this.field.addEventListener("keydown", (event) => event.key === "Enter" && this.change());
    this.alert = el("div", { class: "bl-alert", role: "alert" });
    this.progress = el("span", { class: "bl-progress", role: "status" });
    const target_ = el("label", { class: "bl-target" }, el("span", { text: "Target" }), this.slider);
    const by = el(
      "label",
      { class: "bl-by", title: "Only ask; then choose yourself which thread steps" },
      this.by,
      el("span", { text: "I step by hand" }),
    );
    this.element = el(
      "div",
      { class: "bl-actions", role: "group", "aria-label": "Ask of the guest" },
      el(
        "div",
        { class: "bl-bar" },
        ...(can("set_target") ? [target_, this.field, this.meaning] : []),
        ...this.buttons,
        by,
        this.run,
        this.stop,
      ),
      this.alert,
    );
    this.explain();
    this.setBusy(false, "");
  }

  /** Enter in the field does what the number asks for. */
  change() {
    const wanted = wholeNumber(this.field.value);
    const [inflate, deflate] = this.buttons;
    (wanted !== null && wanted < this.actual ? deflate : inflate).click();
  }

  setTarget(n) {
    this.field.value = String(n);
    this.slider.value = String(n);
    this.explain();
  }

  explain() {
    const n = wholeNumber(this.field.value);
    const legal = n !== null && n >= 0 && n <= this.most;
    if (legal) this.slider.value = String(n);
    put(
      this.meaning,
      legal ? `of ${number(this.most)} pages = ${bytes(n * BALLOON_PAGE)}` : `0 to ${number(this.most)} pages`,
    );
  }

  /** What went wrong, or "" to take the line away. */
  say(error) {
    put(this.alert, error);
  }

  setBusy(busy, text) {
    this.busy = busy;
    put(this.progress, text);
    this.setLost(this.lost);
  }

  /** Whether Python is not heard from, so that nothing can be asked. */
  setLost(lost) {
    this.lost = lost;
    for (const button of [...this.buttons, this.run]) button.disabled = this.busy || lost;
    this.stop.disabled = !this.busy || lost;
    for (const input of [this.slider, this.field, this.by]) input.disabled = lost;
    mark(this.progress, "bl-off", lost && this.busy);
  }
}
