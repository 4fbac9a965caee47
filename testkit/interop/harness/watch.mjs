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

  // Waits for the first event after `since` that `isIt`.
  wait(what, isIt, { since = 0, limit = 20_000 } = {}) {
    return new Promise((resolve, reject) => {
      const look = () => {
        const found = this.events.slice(since).find(isIt);
        if (!found) return;
        clearTimeout(timer);
        this.#waiting.delete(look);
        resolve(found);
      };
      const timer = setTimeout(() => {
        this.#waiting.delete(look);
        const other = this.since(since).filter(({ event }) => event !== 'received' && event !== 'returned');
        const told = other.map((event) => JSON.stringify(event)).join('\n  ');
        reject(new Error(`${this.name}: waited ${limit} ms in vain for ${what}; since then:\n  ${told}`));
      }, limit);
      this.#waiting.add(look);
      look();
    });
  }

  // The numbers that were counted aloud, in the order of arrival.
  numbers(since = 0) {
    const received = this.since(since).filter(({ event, data }) => event === 'received' && !data?.batch);
    return received.map(({ data }) => data?.n).filter((n) => n !== undefined);
  }
}
