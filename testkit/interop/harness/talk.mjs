// Talking both ways: numbered messages, and what became of them.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';

const PACE = 50; // between two numbers, in milliseconds

// Each side says `count` numbers; all of them arrive once and in order.
export async function exchange(one, other, count = 20) {
  const batch = randomUUID();
  const numbers = Array.from({ length: count }, (_, index) => index + 1);
  for (const n of numbers) await Promise.all([one.send({ batch, n }), other.send({ batch, n })]);
  for (const side of [one, other]) {
    await side.wait(`number ${count}`, ({ data }) => data?.batch === batch && data.n === count);
    const heard = side.events.filter(({ data }) => data?.batch === batch).map(({ data }) => data.n);
    assert.deepEqual(heard, numbers, `what ${side.name} heard`);
  }
}

// Both sides say 1, 2, 3 … until stopped, at the latest when the world ends.
export function countAloud(world) {
  let n = 0;
  const timer = setInterval(() => {
    n += 1;
    world.rejoin.send({ n });
    world.foreign.send({ n }).catch((error) => world.foreign.push({ event: 'error', text: String(error) }));
  }, PACE);
  const stop = () => clearInterval(timer);
  world.atEnd(stop);
  return stop;
}

// Waits until `count` more numbers have arrived on this side.
export async function hears(side, count = 1, { since = side.mark(), limit } = {}) {
  const enough = () => side.numbers(since).length >= count;
  return side.wait(`${count} more numbers`, enough, { since, limit });
}

// Waits until data flows both ways, as of now.
export function bothHear(one, other, count = 1, limit) {
  return Promise.all([hears(one, count, { limit }), hears(other, count, { limit })]);
}

// Nothing arrived twice, though what was under way may be lost.
export function assertFresh(side) {
  const numbers = side.numbers();
  assert.equal(new Set(numbers).size, numbers.length, `${side.name} heard something twice`);
}

// Nothing arrived twice or out of order; if `complete`, nothing is missing either.
export function assertOnce(side, { complete = false, since = 0 } = {}) {
  const numbers = side.numbers(since);
  for (let index = 1; index < numbers.length; index++) {
    const [before, after] = [numbers[index - 1], numbers[index]];
    assert.ok(after > before, `${side.name} heard ${after} after ${before}`);
    if (complete) assert.equal(after, before + 1, `${side.name} missed what came after ${before}`);
  }
}
