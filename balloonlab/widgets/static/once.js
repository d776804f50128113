/** What is the same as long as the position and the steps before it are: worked out once, not at each frame. No DOM. */
export class Once {
  constructor() {
    this.known = new Map();
  }

  /** Steps are others than they were. */
  clear() {
    this.known.clear();
  }

  /** What `make` makes, made anew only where the position is another. */
  at(position, name, make) {
    if (this.known.get(name)?.position !== position) this.known.set(name, { position, what: make() });
    return this.known.get(name).what;
  }
}
