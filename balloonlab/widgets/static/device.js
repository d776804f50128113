/** The device tab: the driver's structure, config space, the statistics; one of them at a time. */
import { attribute, el } from "./dom.js";
import { Members } from "./members.js";
import { Statistics } from "./statistics.js";

// The part that was opened last, for Labs that come later: on the page, as each Lab has a module of its own.
const opened = (globalThis.balloonlab_device ||= { name: "struct virtio_balloon" });

export class Device {
  /** config: {element, update(mirror)}; changed(): another part was opened. */
  constructor(members, config, changed) {
    this.members = new Members(members);
    this.parts = [
      ["struct virtio_balloon", this.members],
      ["config space", config],
      ["statistics", new Statistics()],
    ];
    this.buttons = this.parts.map(([name]) =>
      el("button", { type: "button", class: "bl-part", text: name, onclick: () => this.open(name, changed) }),
    );
    const head = el("div", { class: "bl-parts", role: "group", "aria-label": "Part of the device" }, ...this.buttons, this.members.more);
    this.element = el("div", { class: "bl-device" }, head, ...this.parts.map(([, { element }]) => element));
    this.show();
  }

  open(name, changed) {
    opened.name = name;
    this.show();
    changed();
  }

  show() {
    this.parts.forEach(([name, { element }], i) => {
      element.hidden = name !== opened.name;
      attribute(this.buttons[i], "aria-pressed", String(name === opened.name));
    });
    this.members.more.hidden = this.members.element.hidden;
  }

  update(mirror) {
    this.show();
    for (const [, part] of this.parts) if (!part.element.hidden) part.update(mirror);
  }
}
