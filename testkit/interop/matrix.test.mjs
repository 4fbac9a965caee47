// Every stack in either role under every kind of password: connecting, talking and answering pings.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Browser } from './harness/browser.mjs';
import { exchange } from './harness/talk.mjs';
import { scenario } from './harness/world.mjs';

after(() => Browser.close());

for (const stack of ['wrtc', 'chromium', 'libdatachannel']) {
  for (const role of ['viewer', 'publisher']) {
    for (const password of [undefined, 'p@ss word/é', false]) {
      const name = `rejoin as ${role} and ${stack} connect with password ${password ?? '(default)'}`;
      test(name, { timeout: 60_000 }, (t) =>
        scenario(t, 'connect', { role, stack, password }, async (world) => {
          const elapsed = await world.connect();

          await exchange(world.rejoin, world.foreign);
          await pinged(world.foreign, 7);
          await pinged(world.foreign, 'seven');

          assert.equal(world.foreign.count('open'), 1, 'one channel');
          assert.equal(world.foreign.count('error'), 0, 'no error');
          return elapsed;
        }),
      );
    }
  }
}

// The pong has the token of the ping, number or text.
async function pinged(foreign, token) {
  await foreign.ping(token);
  await foreign.wait(`pong ${token}`, (event) => event.event === 'pong' && event.token === token);
}
