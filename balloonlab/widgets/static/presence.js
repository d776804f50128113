/** Whether Python is there. It gives a sign of life twice a second, and what it says is numbered. No DOM here. */

const TICK = 250; // milliseconds
const SILENCE = 6; // ticks after which Python counts as lost, once it has given a sign of life
const UNHEARD = 8; // ticks after which it is said that nothing has come yet
const CALL = 20; // ticks between two calls to a Python that is lost
const DEAF = 20; // ticks after a break of the connection: what still comes then is from a kernel that is going
const HERE = 600_000; // milliseconds between two signs of our own: Python forgets views that give none

/**
 * Ticks are counted, not time: where the page itself stood still, nobody was silent. unanswered(): nothing has come
 * yet. lost(bool): Python is not heard from, or is again. missed(): a message was lost. here(): say that we are here.
 */
export class Presence {
  constructor({ unanswered, lost, missed, here }) {
    Object.assign(this, { unanswered, lost, missed, here, gone: false, beating: false, quiet: 0, deaf: 0, last: null });
    this.timers = [setInterval(() => this.tick(), TICK), setInterval(here, HERE)];
  }

  /** A message has come. */
  hear({ type, n }) {
    if (this.deaf) return;
    const beat = type === "beat";
    const expected = this.last + (beat ? 0 : 1);
    const missed = this.gone || (this.last !== null && n !== expected);
    this.beating ||= beat;
    this.quiet = 0;
    this.last = n;
    if (this.gone) this.lost((this.gone = false));
    if (missed) this.missed();
  }

  /** The connection itself says that it is gone. */
  cut() {
    this.deaf = DEAF;
    this.lose();
  }

  lose() {
    if (!this.gone) this.lost((this.gone = true));
  }

  tick() {
    this.quiet++;
    if (this.deaf) this.deaf--;
    if (this.last === null) {
      if (this.quiet === UNHEARD) this.unanswered();
    } else if (this.gone) {
      if (this.quiet % CALL === 0) this.here();
    } else if (this.beating && this.quiet >= SILENCE) this.lose();
  }

  destroy() {
    this.timers.forEach(clearInterval);
  }
}
