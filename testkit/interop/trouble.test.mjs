// A signaling server that dies, ICE restarts and reloads: what must go on, and what must come back by itself.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Browser } from './harness/browser.mjs';
import { touchesPeer } from './harness/rejoin.mjs';
import { restartIce } from './harness/restart.mjs';
import { assertOnce, bothHear, countAloud, exchange } from './harness/talk.mjs';
import { scenario } from './harness/world.mjs';

const OUTAGE = 3000;

after(() => Browser.close());

for (const stack of ['wrtc', 'chromium', 'libdatachannel']) {
  for (const role of ['viewer', 'publisher']) {
    const about = { role, stack };

    for (const dialect of ['hosted', 'self-host']) {
      test(`rejoin as ${role} and ${stack} outlive a killed server, ${dialect}`, { timeout: 60_000 }, (t) =>
        scenario(t, 'signaling server killed for 3 s', { ...about, dialect }, outliveServer),
      );
    }

    test(`rejoin as ${role} is back after ${stack} reloads`, { timeout: 60_000 }, (t) =>
      scenario(t, 'foreign peer reloads', about, outliveReload),
    );
  }
}

for (const stack of ['wrtc', 'chromium']) {
  test(`rejoin follows an ICE restart by ${stack}`, { timeout: 60_000 }, (t) =>
    scenario(t, 'ICE restart by the foreign publisher', { role: 'viewer', stack }, (world) =>
      restartIce(world, () => world.foreign.restartIce()),
    ),
  );

  for (const over of ['socket', 'channel']) {
    test(`rejoin restarts ICE when ${stack} asks over the ${over}`, { timeout: 60_000 }, (t) =>
      scenario(t, `ICE restart asked for over the ${over}`, { role: 'publisher', stack }, (world) =>
        restartIce(world, () => world.foreign.requestRestart(over)),
      ),
    );
  }
}

test('rejoin rebuilds when a publisher begins anew under the same session', { timeout: 60_000 }, (t) =>
  scenario(t, 'new end under the same session', { role: 'viewer', stack: 'libdatachannel' }, (world) =>
    rebuild(world, () => world.foreign.restartIce()),
  ),
);

test('rejoin rebuilds when a viewer cannot restart ICE', { timeout: 60_000 }, (t) =>
  scenario(t, 'ICE restart refused', { role: 'publisher', stack: 'libdatachannel' }, async (world) => {
    const elapsed = await rebuild(world, () => world.foreign.requestRestart('socket'));
    assert.ok(world.foreign.count('refused') > 0, 'the restart was refused');
    return elapsed;
  }),
);

// Data flows throughout, nothing is rebuilt, and nothing arrives twice afterwards.
async function outliveServer(world) {
  await world.connect();
  const { rejoin, foreign, server } = world;
  const stop = countAloud(world);
  await bothHear(rejoin, foreign, 20);
  const marks = { rejoin: rejoin.mark(), foreign: foreign.mark() };

  await server.kill();
  const down = Date.now();
  while (Date.now() - down < OUTAGE) await bothHear(rejoin, foreign, 5, 2000);
  await server.start();
  const up = Date.now();
  await rejoin.recovered('signaling', marks.rejoin);
  const elapsed = Date.now() - up;
  await foreign.wait('the socket', (event) => event.state === 'open', { since: marks.foreign });
  // long enough for a second pair to show itself
  await bothHear(rejoin, foreign, 60);

  stop();
  for (const side of [rejoin, foreign]) assertOnce(side, { complete: true });
  assert.deepEqual(rejoin.since(marks.rejoin).filter(touchesPeer), [], 'the peer link was touched');
  assert.equal(foreign.count('built'), 1, 'nothing was built');
  return elapsed;
}

// The foreign peer is gone without a word and comes back under the same stream.
async function outliveReload(world) {
  await world.connect();
  const { rejoin } = world;
  await exchange(rejoin, world.foreign);
  const mark = rejoin.mark();

  const reloaded = Date.now();
  await world.reload();
  await world.foreign.opened();
  await (world.role === 'viewer' ? rejoin.recovered('peer', mark) : rejoin.connected(mark));
  const elapsed = Date.now() - reloaded;

  await exchange(rejoin, world.foreign);
  return elapsed;
}

// One end begins anew, and rejoin follows without waiting for a timer.
async function rebuild(world, cause) {
  await world.connect();
  const { rejoin, foreign } = world;
  await exchange(rejoin, foreign);
  const marks = { rejoin: rejoin.mark(), foreign: foreign.mark() };

  const caused = Date.now();
  await cause();
  await foreign.opened(marks.foreign);
  await rejoin.recovered('peer', marks.rejoin);
  const elapsed = Date.now() - caused;

  assert.ok(elapsed < 10_000, `it took ${elapsed} ms`);
  await exchange(rejoin, foreign);
  return elapsed;
}
