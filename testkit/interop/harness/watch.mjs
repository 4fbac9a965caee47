// What somebody has told so far, and waiting for what they have not.

export class Watch {
  events = [];
  #waiting = new Set();

  constructor(name) {
    this.name = name;
  }

  push(event) {
    this.events.push(event);
    for (const look of [...this.#waiting]) look();
  }

  // Returns how many events there are, to look only at later ones.
  mark() {
    return this.events.length;
  }

  since(mark) {
    return this.events.slice(mark);
  }

  // Waits for the first event after `since` that `isIt`; nothing more comes from somebody who has ended.
  wait(what, isIt, { since = 0, limit = 20_000 } = {}) {
    return new Promise((resolve, reject) => {
      const settle = (act, value) => {
        clearTimeout(timer);
        this.#waiting.delete(look);
        act(value);
      };
      const look = () => {
        const found = this.events.slice(since).find(isIt);
        if (found) settle(resolve, found);
        else if (this.events.some(({ event }) => event === 'ended')) settle(reject, this.#vain(what, since));
      };
      const timer = setTimeout(() => settle(reject, this.#vain(`${what} for ${limit} ms`, since)), limit);
      this.#waiting.add(look);
      look();
    });
  }

  #vain(what, since) {
    const other = this.since(since).filter(({ event }) => event !== 'received');
    const told = other.map((event) => JSON.stringify(event)).join('\n  ');
    return new Error(`${this.name}: waited in vain for ${what}; since then:\n  ${told}`);
  }

  // The numbers that were counted aloud, in the order of arrival.
  numbers(since = 0) {
    const received = this.since(since).filter(({ event, data }) => event === 'received' && !data?.batch);
    return received.map(({ data }) => data?.n).filter((n) => n !== undefined);
  }
}
