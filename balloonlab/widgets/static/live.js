/** The one line that a screen reader hears: each step once, and what was asked for beside it. */
import { el, put } from "./dom.js";

const ANEW = "\u00a0"; // not heard, but makes another text of the same words, so that they are heard again

export class Live {
  constructor() {
    this.element = el("p", { class: "bl-hidden bl-heard", role: "status" });
    this.told = ["", null];
  }

  /** What is true at a step: said once there, and again at another step though the words are the same. */
  tell(words, step) {
    const [before, place] = this.told;
    this.told = [words, step];
    if (step !== place || !words.startsWith(before)) this.say(words);
    else if (words !== before) this.say(words.slice(before.length).trim()); // a fate, say, that came after its step
  }

  say(words) {
    put(this.element, this.element.shown === words ? `${words}${ANEW}` : words);
  }
}
