// Every stack in either role and dialect under every kind of password: connecting, talking and answering pings.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Browser } from './harness/browser.mjs';
import { exchange } from './harness/talk.mjs';
import { scenario } from './harness/world.mjs';

after(() => Browser.close());

const combinations = ['hosted', 'self-host'].flatMap((dialect) =>
  ['wrtc', 'chromium', 'libdatachannel'].flatMap((stack) =>
    ['viewer', 'publisher'].flatMap((role) =>
      [undefined, 'p@ss word/é', false].map((password) => ({ dialect, stack, role, password })),
    ),
  ),
);

for (const about of combinations) {
  const { dialect, stack, role, password } = about;
  const name = `rejoin as ${role} and ${stack} connect, ${dialect}, with password ${password ?? '(default)'}`;
  test(name, { timeout: 60_000 }, (t) => scenario(t, 'connect', about, connect));
}

async function connect(world) {
  const elapsed = await world.connect();

  await exchange(world.rejoin, world.foreign);
  await pinged(world.foreign, 7);
  await pinged(world.foreign, 'seven');

  assert.equal(world.foreign.count('open'), 1, 'one channel');
  assert.equal(world.foreign.count('error'), 0, 'no error');
  return elapsed;
}

// The pong has the token of the ping, number or text.
async function pinged(foreign, token) {
  await foreign.ping(token);
  await foreign.wait(`pong ${token}`, (event) => event.event === 'pong' && event.token === token);
}
