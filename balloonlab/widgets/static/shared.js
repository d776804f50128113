/** What a program shares, where there is no guest: its numbers, its locks, and each thread's own variables. */
import { el } from "./dom.js";
import { changesOf } from "./panels.js";
import { Table } from "./table.js";
import { number } from "./words.js";

/** Whether a machine is a driver's: it counts the pages of a balloon. */
export function hasGuest(tables) {
  return tables.num_pages >= 0;
}

/** Slots of the numbers that a program shares. */
export function sharedSlots(tables) {
  return tables.values.flatMap(({ group, name }, slot) => (["counter", "flag"].includes(group) && name ? [slot] : []));
}

export class SharedState {
  constructor(tables) {
    this.slots = sharedSlots(tables);
    this.numbers = new Table("Shared numbers", ["Number", "Now"], this.slots.length, "bl-numbers");
    this.locks = new Table("Locks", ["Lock", "Held by"], tables.locks.length);
    this.own = new Table("Each thread's own variables", ["Thread", "Its own variables"], tables.threads.length);
    const parts = [this.numbers, ...(tables.locks.length ? [this.locks] : []), this.own];
    this.element = el("div", { class: "bl-shared" }, ...parts.map(({ element }) => element));
  }

  update(mirror) {
    const { tables } = mirror.trace;
    const changes = changesOf(mirror);
    const now = (slot) => number(mirror.values[slot]);
    this.numbers.fill(this.slots.map((slot) => ({ texts: [tables.values[slot].name, now(slot)], changed: changes.values.has(slot) })));
    this.locks.fill(
      tables.locks.map((name, i) => ({
        texts: [name, mirror.locks[i] < 0 ? "nobody" : tables.threads[mirror.locks[i]].name],
        changed: changes.locks.has(i),
      })),
    );
    this.own.fill(tables.threads.map(({ name }, i) => ({ texts: [name, mirror.ownVariables(i)] })));
  }
}
