// Child processes that speak lines of JSON; none outlives the test that started it.

import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { Watch } from './watch.mjs';

const alive = new Set();

// The exit of the runner itself, also on failure or a signal.
process.on('exit', () => alive.forEach((child) => child.kill('SIGKILL')));
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => process.exit(1));

// A child whose standard output is one JSON object a line.
export class Talker extends Watch {
  constructor(name, program, args) {
    super(name);
    this.child = start(program, args);
    this.errors = [];
    this.child.on('exit', (code, signal) => this.push({ event: 'ended', code, signal }));
    createInterface({ input: this.child.stdout }).on('line', (line) => this.push(JSON.parse(line)));
    createInterface({ input: this.child.stderr }).on('line', (line) => {
      this.errors.push(line);
      if (this.errors.length > 2000) this.errors.shift();
      if (process.env.INTEROP_TRACE) console.error(`[${name}] ${line}`);
    });
  }

  say(value) {
    this.child.stdin.write(JSON.stringify(value) + '\n');
  }

  kill() {
    return kill(this.child);
  }
}

export function start(program, args, options = {}) {
  const child = spawn(program, args, { stdio: 'pipe', ...options });
  alive.add(child);
  // a killed reader is not an error of ours
  child.stdin?.on('error', () => {});
  child.on('error', (error) => console.error(`${program}: ${error.message}`));
  child.on('exit', () => alive.delete(child));
  return child;
}

// Kills it without a word and waits until it is gone.
export function kill(child) {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  return gone;
}
