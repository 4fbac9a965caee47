// The real binary: `rejoin serve` and `rejoin join`.

import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { kill, start, Talker } from './processes.mjs';

const BINARY = process.env.REJOIN ?? fileURLToPath(new URL('../../../target/debug/rejoin', import.meta.url));
if (!existsSync(BINARY)) throw new Error(`${BINARY} is missing; build it with: cargo build -p rejoin-cli`);
process.env.RUST_LOG ??= 'error,rejoin=info,rejoin_driver=info';

// A signaling server that can be killed and comes back at the same address.
export class Server {
  url;
  #child;
  #address;
  #dialect;

  constructor(dialect, host = '127.0.0.1') {
    this.#dialect = dialect;
    this.#address = `${host}:0`;
  }

  async start() {
    this.#child = start(BINARY, ['serve', '--dialect', this.#dialect, '--listen', this.#address]);
    this.#child.stderr.resume();
    this.url = await new Promise((resolve, reject) => {
      createInterface({ input: this.#child.stdout }).once('line', resolve);
      this.#child.once('exit', () => reject(new Error('rejoin serve ended without an address')));
    });
    this.#address = this.url.replace('ws://', '');
    return this;
  }

  kill() {
    return kill(this.#child);
  }
}

// A shell in a session.
export class Rejoin extends Talker {
  // `role` is rejoin's own: publisher or viewer; `within` is a program with arguments that runs it elsewhere.
  constructor({ url, dialect, role, stream, password, profile = 'aggressive', set = [], within = [] }) {
    const wish = role === 'publisher' ? '--push' : '--view';
    const args = [...within, BINARY, 'join', '--server', url, '--dialect', dialect, wish, stream];
    args.push('--events', '--format', 'jsonl', '--profile', profile);
    if (password !== undefined) args.push('--password', String(password));
    const [program, ...rest] = args.concat(set.flatMap((setting) => ['--set', setting]));
    super(`rejoin ${role}`, program, rest);
  }

  send(data) {
    this.say(data);
  }

  connected(since = 0, limit) {
    return this.wait('the peer', (event) => event.event === 'connected', { since, limit });
  }

  recovered(kind, since, limit) {
    const isIt = (event) => event.event === 'recovered' && event.link.kind === kind;
    return this.wait(`${kind} to recover`, isIt, { since, limit });
  }
}

// Whether an event means that a peer link was broken, repaired or built.
export function touchesPeer(event) {
  return event.link?.kind === 'peer' || event.event === 'connected' || event.event === 'peer_left';
}
