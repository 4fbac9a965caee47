// A network namespace with nothing in it but loopback, whose UDP can be cut.

import { spawnSync } from 'node:child_process';

const UNSHARE = ['--user', '--map-root-user', '--net', '--pid', '--fork', '--kill-child'];
const INSIDE = 'INTEROP_INSIDE_NAMESPACE';

// Whether this process is in the namespace.
export function alone() {
  return Boolean(process.env[INSIDE]);
}

// Brings the namespace's loopback interface up.
export function settle() {
  run('ip', ['link', 'set', 'lo', 'up']);
}

// Returns why the namespace cannot be made here, if it cannot.
export function impossible() {
  const probe = spawnSync('unshare', [...UNSHARE, 'sh', '-c', 'ip link set lo up && nft list ruleset']);
  if (probe.error) return `no unshare: ${probe.error.message}`;
  return probe.status === 0 ? null : `no namespace: ${probe.stderr.toString().trim()}`;
}

// The program and arguments that run a test file in a namespace of its own.
export function enter(file) {
  return {
    program: 'unshare',
    args: [...UNSHARE, process.execPath, '--test-force-exit', '--test-reporter=tap', file],
    // not seen as a part of the outer run, whose protocol it does not speak
    env: { ...process.env, [INSIDE]: '1', NODE_TEST_CONTEXT: '' },
  };
}

// Makes every UDP datagram vanish.
export function cutUdp() {
  filter('table inet cut {\n chain in {\n type filter hook input priority 0;\n meta l4proto udp drop;\n }\n}\n');
}

export function healUdp() {
  filter('delete table inet cut\n');
}

function filter(rules) {
  run('nft', ['-f', '-'], rules);
}

function run(program, args, input = '') {
  const { status, stderr, error } = spawnSync(program, args, { input });
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${error?.message ?? stderr}`);
}
