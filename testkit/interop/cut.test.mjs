// The path is cut for 8 s in a network namespace while signaling lives: data comes back by itself.
//
// Outside of the namespace this file runs itself inside.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Browser } from './harness/browser.mjs';
import { alone, cutUdp, enter, healUdp, impossible, settle } from './harness/namespace.mjs';
import { start } from './harness/processes.mjs';
import { assertFresh, bothHear, countAloud, exchange } from './harness/talk.mjs';
import { scenario, skipped } from './harness/world.mjs';

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
  const reason = impossible();
  for (const about of reason ? all : []) skipped(about.name, about, reason);

  test('in a network namespace', { skip: reason ?? false, timeout: 360_000 }, async () => {
    const { program, args, env } = enter(fileURLToPath(import.meta.url));
    const child = start(program, args, { env, stdio: ['ignore', 'pipe', 'inherit'] });
    let told = '';
    child.stdout.on('data', (chunk) => {
      told += chunk;
      process.stderr.write(chunk);
    });
    const status = await new Promise((resolve) => child.once('close', resolve));
    assert.equal(status, 0, 'it failed inside the namespace; see above');
    assert.match(told, new RegExp(`^# tests ${all.length}$`, 'm'), 'not all of it ran inside the namespace');
  });
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
