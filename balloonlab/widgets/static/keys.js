/** Keys that work wherever the focus is inside a Lab, but for fields that take letters. The map has its own beside. */
import { attribute, el, isOff } from "./dom.js";

const LETTERS = "input:not([type=range], [type=checkbox]), select";
const ON_THE_MAP = ["on the map", "arrows, Home, End, Page Up and Down; + \u2212 0 zoom; Enter pins; space plays"];

/** [{keys, words, press: a control to press, or to: one to go to}] of a stage. */
function keysOf({ time, actions, map, tabs, rows, wire, shared, code, live }) {
  const steps = [...rows.rows.map(({ step }) => step), ...(shared ? [] : wire.rows.map(({ button }) => button))];
  const pins = rows.rows.map(({ pin }) => pin);
  const can = (button) => actions.element.contains(button);
  const each = (buttons, key) => buttons.slice(0, 9).map((press, i) => ({ keys: [key(i + 1)], press }));
  return [
    { keys: ["n", "]"], words: "Step", press: time.step },
    { keys: ["b", "["], words: "Back", press: time.back },
    { keys: ["p"], words: "Play, or pause", press: time.play },
    { keys: ["o"], words: "Open this unit of time", press: time.parts },
    { keys: ["u"], words: "to the unit of time", to: () => time.unit },
    { keys: ["j"], words: "to the list of what to jump to", to: () => time.jumps },
    { keys: ["l"], words: "to the timeline", to: () => time.range },
    { shown: `1 to ${Math.min(9, steps.length)}`, words: "Step of a thread: the guest's from above, then the host's" },
    ...each(steps, String),
    { shown: "Shift and 1, 2 \u2026", words: "its code in a pane of its own" },
    ...each(pins, (n) => `Shift+${n}`),
    ...(can(actions.field) ? [{ keys: ["s"], words: "to the size of the balloon", to: () => actions.field }] : []),
    ...(can(actions.compact) ? [{ keys: ["c"], words: "Compact", press: actions.compact }] : []),
    ...(!shared ? [{ keys: ["m"], words: "to the page map", to: () => map.canvas }] : []),
    { keys: ["t"], words: "to the tabs; arrows open another", to: () => tabs.buttons[tabs.at] },
    ...(!shared ? [{ keys: ["r"], words: "to a remark on the code in sight", act: () => code.toMark() || live.say("Not here: no line in sight has a remark") }] : []),
    { keys: ["f"], words: "Full: the whole window, or back", press: actions.full },
    { keys: ["?"], words: "More, and these keys", act: () => actions.showKeys() },
  ];
}

/** What a key is called in the list above: shifted digits by their place, as layouts put other signs there. */
function nameOf(event) {
  const digit = /^(?:Digit|Numpad)([1-9])$/.exec(event.code ?? "");
  if (digit && event.shiftKey) return `Shift+${digit[1]}`;
  return event.key;
}

function go(control) {
  control.focus();
  if (control.matches("input:not([type=range])")) control.select(); // what is typed replaces what stands there
}

export class Keys {
  constructor(stage) {
    this.live = stage.live;
    const entries = keysOf(stage);
    this.by = new Map(entries.flatMap((entry) => (entry.keys ?? []).map((key) => [key, entry])));
    for (const { keys, press } of entries) if (keys && press) attribute(press, "aria-keyshortcuts", keys.join(" "));
    const told = entries.filter(({ words }) => words).map(({ keys, shown, words }) => [shown ?? keys.join(" or "), words]);
    const rows = [...told, ...(!stage.shared ? [ON_THE_MAP] : []), ["Esc", "closes this"]];
    this.element = el(
      "dl",
      { class: "bl-keylist", "aria-label": "Keys" },
      ...rows.map(([keys, words]) => el("div", {}, el("dt", { text: keys }), el("dd", { text: words }))),
    );
    stage.actions.addKeys(this.element);
  }

  /** Does what a key asks for; what is none of these, or is typed, passes. */
  take(event) {
    const typed = (event.ctrlKey || event.altKey) && event.getModifierState("AltGraph"); // "[" on many keyboards
    if (((event.ctrlKey || event.altKey) && !typed) || event.metaKey || event.target.matches(LETTERS)) return;
    const entry = this.by.get(nameOf(event));
    if (!entry) return;
    event.preventDefault();
    event.stopPropagation();
    if (entry.act) entry.act();
    else if (entry.to) go(entry.to());
    else if (isOff(entry.press)) this.live.say(`Not here: ${entry.press.title}`);
    else entry.press.click();
  }
}
