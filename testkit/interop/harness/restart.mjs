// An ICE restart that nothing but ICE may notice.

import assert from 'node:assert/strict';
import { assertOnce, bothHear, countAloud, exchange } from './talk.mjs';

// ICE is another on both sides, and channel and data go on.
//
// Returns the milliseconds from the command until both sides have new credentials and data flows.
export async function restartIce(world, restart, settings = {}) {
  await world.connect(settings);
  const { rejoin, foreign } = world;
  const stop = countAloud(world);
  await bothHear(rejoin, foreign, 20);
  const [before] = foreign.events.filter((event) => event.event === 'negotiated').slice(-1);
  const mark = foreign.mark();

  const asked = Date.now();
  await restart();
  const another = (event) =>
    event.event === 'negotiated' && event.local !== before.local && event.remote !== before.remote;
  await foreign.wait('another ICE generation', another, { since: mark });
  await bothHear(rejoin, foreign);
  const elapsed = Date.now() - asked;
  await bothHear(rejoin, foreign, 40);

  stop();
  for (const side of [rejoin, foreign]) assertOnce(side, { complete: true });
  for (const event of ['built', 'open', 'channel_closed', 'error']) assert.equal(foreign.count(event, mark), 0, event);
  await exchange(rejoin, foreign);
  return elapsed;
}
