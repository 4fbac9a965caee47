// Runs a test file again inside of a network namespace.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { enter, impossible } from './namespace.mjs';
import { start } from './processes.mjs';
import { skipped } from './world.mjs';

// Runs the file at `url` inside, which then makes `all` of its scenarios; notes them as skipped where it cannot.
export function runInside(url, all) {
  const reason = impossible();
  for (const about of reason ? all : []) skipped(about.name, about, reason);

  test('in a network namespace', { skip: reason ?? false, timeout: 360_000 }, async () => {
    const { program, args, env } = enter(fileURLToPath(url));
    const child = start(program, args, { env, stdio: ['ignore', 'pipe', 'inherit'] });
    let told = '';
    child.stdout.on('data', (chunk) => {
      told += chunk;
      process.stderr.write(chunk);
    });
    const [status] = await once(child, 'close');
    assert.equal(status, 0, 'it failed inside the namespace; see above');
    assert.match(told, new RegExp(`^# tests ${all.length}$`, 'm'), 'not all of it ran inside the namespace');
  });
}
