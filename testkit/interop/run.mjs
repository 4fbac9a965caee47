// Runs the suite and shows its table; with INTEROP_WRITE=1 the table becomes docs/interop.md.

import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('.', import.meta.url));
const FILES = ['wire.test.mjs', 'matrix.test.mjs', 'trouble.test.mjs', 'firewall.test.mjs', 'cut.test.mjs'];

const scratch = mkdtempSync(join(tmpdir(), 'interop-'));
const rowsFile = join(scratch, 'rows');
const started = Date.now();
// one file at a time: two would measure each other
const args = ['--test', '--test-concurrency=1', '--test-reporter=spec', ...FILES];
const { status } = spawnSync(process.execPath, args, {
  cwd: here,
  stdio: 'inherit',
  env: { ...process.env, INTEROP_ROWS: rowsFile },
});
const rows = existsSync(rowsFile) ? readFileSync(rowsFile, 'utf8').trim().split('\n').map((row) => JSON.parse(row)) : [];
rmSync(scratch, { recursive: true });
const ORDER = ['connect', 'signaling', 'ICE restart', 'new end', 'foreign peer', 'path cut'];
const order = ({ name }) => ORDER.findIndex((beginning) => name.startsWith(beginning));
const dialects = ['hosted', 'self-host'];
const spoken = ({ dialect }) => dialects.indexOf(dialect);
rows.sort((one, other) => order(one) - order(other) || spoken(one) - spoken(other));

const table = [
  '| rejoin is | stack | dialect | password | scenario | result |',
  '|---|---|---|---|---|---|',
  ...rows.map(({ role, stack, dialect, password, name, ...outcome }) => {
    return `| ${role} | ${stack} | ${dialect} | ${password} | ${name} | ${result(outcome)} |`;
  }),
].join('\n');
console.log(`\n${table}\n`);
console.log(`${rows.length} scenarios in ${Math.round((Date.now() - started) / 1000)} s`);
for (const { role, stack, dialect, name, skipped } of rows) {
  if (skipped) console.log(`SKIP rejoin as ${role} with ${stack}, ${dialect}: ${name}: ${skipped}`);
}
if (process.env.INTEROP_WRITE === '1') writeFileSync(join(here, '../../docs/interop.md'), page());
process.exit(status ?? 1);

function result({ milliseconds, by, skipped, failed }) {
  if (skipped) return `skipped: ${skipped}`;
  if (failed) return `FAILED: ${failed.replaceAll('|', '\\|')}`;
  return `ok, ${milliseconds} ms${by ? ` by \`${by}\`` : ''}`;
}

function page() {
  const version = (name) => JSON.parse(readFileSync(join(here, 'node_modules', name, 'package.json'), 'utf8')).version;
  const chromium = spawnSync(process.env.CHROMIUM ?? '/usr/bin/chromium', ['--version'], { encoding: 'utf8' });
  const browser = chromium.stdout?.match(/Chromium [\d.]+/)?.[0] ?? 'Chromium, which was not there';
  return `# Interoperability

Measured by \`testkit/interop/run.sh\` with \`INTEROP_WRITE=1\`, which writes this page.

The real \`rejoin\` binary meets three foreign WebRTC stacks through \`rejoin serve\` in both of its dialects:

- \`wrtc\`: libwebrtc in Node, \`@roamhq/wrtc\` ${version('@roamhq/wrtc')};
- \`chromium\`: ${browser}, headless, driven by \`playwright-core\` ${version('playwright-core')};
- \`libdatachannel\`: \`node-datachannel\` ${version('node-datachannel')}, which cannot restart ICE.

The foreign side is \`testkit/interop/peer.mjs\`, written from our own notes and recordings of the VDO.Ninja web app.
It repairs no more than the web app does, answers over the data channel while that is open, and comes from no VDO.Ninja source.
What it puts on the wire is held to the fixtures in \`transports/vdo-ninja/fixtures\` by \`wire.test.mjs\`.
In the self-host dialect it names itself in every frame on the socket and in none on the data channel, where the web app was not recorded.

## What the milliseconds mean

- Connecting: from the start of rejoin until both sides have an open channel, the start of its process included.
- A killed signaling server: from its return until rejoin's signaling has recovered; data flows all the time, complete and once.
- An ICE restart: from the command until both ends have new credentials and data flows; the channel stays and no message is lost.
  Behind a firewall rejoin is in a network namespace that UDP enters as a reply only, so it has to learn the peer's candidates.
- A new end under the same session, and a refused restart: until rejoin has rebuilt the link.
- A reload: from the kill of the process, or the reload of the page, until both are connected again.
- A cut path: from the end of the cut of 8 s until data flows both ways; named is the step that rejoin ended the outage with.

Rejoin runs under the profile \`aggressive\`, except where an ICE restart is tried first: there it is \`vdo-ninja\` with an ICE restart and a rebuild as its only steps.
Such a restart comes to nothing while the path is cut, also because foreign peers send their half of it over the dead channel.
One run on a busy machine with two cores; the numbers are an order of magnitude.

## Results

${table}

## Limits

- Everything runs on one machine: no NAT, no relay, no packet loss; [scenarios.md](scenarios.md) has \`wrtc\` and \`chromium\` behind NAT.
- An ICE restart ends rejoin's old path when the new credentials are set, which its engine cannot avoid.
  So it waits 200 ms with credentials that came over the channel; candidates that a foreign peer sends there later are lost.
  As the publisher it is still on the old path when the milliseconds above end.
- How long the web app takes for the candidates of a restart was not recorded; the foreign side sends them as it does at first.
- The self-host dialect is spoken without a room, and only where the table says so.
- Firefox and Safari are not there.
- libdatachannel cannot restart ICE, so that scenario does not exist for it; rebuilding takes its place.
`;
}
