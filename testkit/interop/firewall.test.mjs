// An ICE restart while a firewall lets nothing in to rejoin unasked: it has to learn the peer's candidates in time.
//
// Outside of the namespace this file runs itself inside.

import { test } from 'node:test';
import { runInside } from './harness/inside.mjs';
import { alone, behindFirewall, settle } from './harness/namespace.mjs';
import { restartIce } from './harness/restart.mjs';
import { scenario } from './harness/world.mjs';

const HOST = '10.77.0.1';
const GUEST = '10.77.0.2';

// libdatachannel cannot restart ICE, and Chromium hides the addresses that rejoin would have to know
const stack = 'wrtc';
const all = [
  { role: 'viewer', name: 'ICE restart by the foreign publisher, behind a firewall', ask: (foreign) => foreign.restartIce() },
  {
    role: 'publisher',
    name: 'ICE restart asked for over the channel, behind a firewall',
    ask: (foreign) => foreign.requestRestart('channel'),
  },
].map((about) => ({ ...about, stack }));

if (alone()) {
  settle();
  const within = await behindFirewall(HOST, GUEST);
  for (const { role, name, ask } of all) {
    test(`rejoin as ${role} and ${stack}: ${name}`, { timeout: 60_000 }, (t) =>
      scenario(t, name, { role, stack, host: HOST }, (world) => restartIce(world, () => ask(world.foreign), { within })),
    );
  }
} else {
  runInside(import.meta.url, all);
}
