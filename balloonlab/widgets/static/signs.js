/** What the marks on the map of a Lab mean: entries of its legend, each there while its mark is. */
import { el } from "./dom.js";
import { GAP_FROM } from "./painter.js";

const SIGNS = [
  ["m f", "scanners", null, ({ scanners }) => scanners.length > 0], // a term has its sentence
  ["\u25e5", "locked", "A dark corner: somebody has the page's lock", ({ locked, view }) => locked.length > 0 && view.w >= GAP_FROM],
];

export class Signs {
  /** say(node, words): writes words, with their terms. */
  constructor(say) {
    this.all = SIGNS.map(([text, name, title, there]) => {
      const word = el("span");
      say(word, name);
      const sign = el("span", { class: "bl-sign-on-map", "aria-hidden": "true", text });
      return { name, there, item: el("li", { class: "bl-key", title, hidden: true }, sign, word) };
    });
  }

  /** Show those that a map has; how many letters they take. */
  show(map) {
    let letters = 0;
    for (const { name, there, item } of this.all) {
      item.hidden = !there(map);
      if (!item.hidden) letters += name.length + 6;
    }
    return letters;
  }

  /** There is no room for them. */
  hide() {
    for (const { item } of this.all) item.hidden = true;
  }
}
