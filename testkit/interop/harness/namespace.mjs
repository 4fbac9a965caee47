// A network namespace with nothing in it but loopback, whose UDP can be cut, and one behind a firewall beside it.

import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { start } from './processes.mjs';

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

// Makes a namespace whose firewall lets in no UDP but replies, and returns the program that runs others within it;
// this side of the cable has the address `host`.
export async function behindFirewall(host, guest) {
  // /proc may be that of another PID namespace, so the guest reads there how it is called
  const script = 'read -r pid rest < /proc/self/stat; echo "$pid"; exec sleep infinity';
  const child = start('unshare', ['--net', 'sh', '-c', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [pid] = await once(child.stdout, 'data');
  const within = ['nsenter', `--net=/proc/${String(pid).trim()}/ns/net`];
  run('ip', ['link', 'add', 'cable', 'type', 'veth', 'peer', 'name', 'end', 'netns', String(child.pid)]);
  run('ip', ['address', 'add', `${host}/24`, 'dev', 'cable']);
  run('ip', ['link', 'set', 'cable', 'up']);
  const there = (program, ...args) => run('nsenter', [...within.slice(1), program, ...args]);
  there('ip', 'link', 'set', 'lo', 'up');
  there('ip', 'address', 'add', `${guest}/24`, 'dev', 'end');
  there('ip', 'link', 'set', 'end', 'up');
  const rule = 'meta l4proto udp ct state new drop';
  const rules = `table inet wall {\n chain in {\n type filter hook input priority 0;\n ${rule};\n }\n}\n`;
  run('nsenter', [...within.slice(1), 'nft', '-f', '-'], rules);
  return within;
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
