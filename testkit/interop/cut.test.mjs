// The path is cut for 8 s in a network namespace while signaling lives: data comes back by itself.
//
// Outside of the namespace this file runs itself inside.

import { after, test } from 'node:test';
import { Browser } from './harness/browser.mjs';
import { runInside } from './harness/inside.mjs';
import { alone, cutUdp, healUdp, settle } from './harness/namespace.mjs';
import { assertFresh, bothHear, countAloud, exchange } from './harness/talk.mjs';
import { scenario } from './harness/world.mjs';

const CUT = 8000;
// ICE and SCTP wait longer with every try; a rebuild needs none of their patience
const SOON = 30_000;

const combinations = ['wrtc', 'chromium', 'libdatachannel'].flatMap((stack) =>
  ['viewer', 'publisher'].map((role) => ({ stack, role, name: 'path cut for 8 s' })),
);
// the mildest repair first; it comes to nothing while the path is cut
const ladder = { profile: 'vdo-ninja', set: ['recovery.ladder.steps=["restart_ice", "recreate_peer_connection"]'] };
const restarting = ['wrtc', 'chromium', 'libdatachannel'].flatMap((stack) =>
  ['viewer', 'publisher'].map((role) => ({ stack, role, name: 'path cut for 8 s, ICE restart tried first', ...ladder })),
);
const all = [...combinations, ...restarting];

if (alone()) {
  settle();
  after(() => Browser.close());
  for (const { name, stack, role, ...settings } of all) {
    test(`rejoin as ${role} and ${stack}: ${name}`, { timeout: 60_000 }, (t) =>
      scenario(t, name, { role, stack }, (world) => outliveCut(world, settings)),
    );
  }
} else {
  runInside(import.meta.url, all);
}

// Returns how long after the path healed data flowed both ways again, and what rejoin did last for it.
async function outliveCut(world, settings) {
  await world.connect(settings);
  const { rejoin, foreign } = world;
  const stop = countAloud(world);
  await bothHear(rejoin, foreign, 20);
  const mark = rejoin.mark();

  cutUdp();
  await new Promise((resolve) => setTimeout(resolve, CUT)); // the cut lasts 8 s by the test's definition
  healUdp();
  const healed = Date.now();
  await bothHear(rejoin, foreign, 1, SOON);
  const elapsed = Date.now() - healed;
  const { steps } = await rejoin.recovered('peer', mark, SOON);
  await bothHear(rejoin, foreign, 20, SOON);

  stop();
  for (const side of [rejoin, foreign]) assertFresh(side);
  await exchange(rejoin, foreign);
  return { milliseconds: elapsed, by: steps.at(-1)?.step };
}
