// A server, a rejoin shell and a foreign peer, and what is left of them after a test.

import { randomUUID } from 'node:crypto';
import { appendFileSync } from 'node:fs';
import { Browser } from './browser.mjs';
import { startForeign } from './foreign.mjs';
import { Rejoin, Server } from './rejoin.mjs';

export const OTHER = { publisher: 'viewer', viewer: 'publisher' };

// Why a stack cannot run here, if it cannot.
export const missing = (stack) => (stack === 'chromium' ? Browser.missing() : null);

export class World {
  #closing = [];

  // `role` is rejoin's; the foreign peer has the other one. `host` is where the server listens.
  constructor({ role, stack, dialect, password, host }) {
    this.role = role;
    this.host = host;
    this.stack = stack;
    this.dialect = dialect;
    this.password = password;
    this.stream = `cam${randomUUID().slice(0, 8)}`;
  }

  async serve() {
    this.server = await new Server(this.dialect, this.host).start();
    this.#closing.push(() => this.server.kill());
  }

  // Starts both sides and returns when each sees the other, with the time that it took.
  async connect(settings = {}) {
    await this.serve();
    const { url } = this.server;
    const { dialect, role, stream, password } = this;
    // `undefined` is left out of JSON: the default password
    this.foreign = await startForeign(this.stack, { url, dialect, role: OTHER[role], stream, password });
    this.#closing.push(() => this.foreign.kill());
    const started = Date.now();
    this.rejoin = new Rejoin({ url, dialect, role, stream, password, ...settings });
    this.#closing.push(() => this.rejoin.kill());
    await Promise.all([this.rejoin.connected(), this.foreign.opened()]);
    return Date.now() - started;
  }

  // Reloads the foreign peer without a goodbye.
  async reload() {
    this.foreign = await this.foreign.reload();
  }

  atEnd(step) {
    this.#closing.push(step);
  }

  async close() {
    for (const step of this.#closing.reverse()) await step();
  }
}

// Notes a scenario that cannot run here.
export function skipped(name, { role, stack }, reason) {
  record({ name, role, stack, dialect: 'hosted', password: shown(), skipped: reason });
}

// Runs `body` in a world of its own and notes how it went; `body` returns the milliseconds to show.
export async function scenario(t, name, { role, stack, dialect = 'hosted', password, host }, body) {
  const note = (outcome) => record({ name, role, stack, dialect, password: shown(password), ...outcome });
  const reason = missing(stack);
  if (reason) {
    note({ skipped: reason });
    return t.skip(reason);
  }
  const world = new World({ role, stack, dialect, password, host });
  try {
    const result = await Promise.race([body(world), timedOut(t.signal)]);
    note(typeof result === 'number' ? { milliseconds: result } : result);
  } catch (error) {
    note({ failed: error.message.split('\n')[0] });
    for (const side of [world.rejoin, world.foreign]) dump(side);
    throw error;
  } finally {
    await world.close();
  }
}

// Fails in time to clean up, which the runner's own timeout does not wait for.
function timedOut(signal) {
  return new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('it took too long'))));
}

function shown(password) {
  return password === undefined ? 'default' : String(password);
}

function record(row) {
  const { INTEROP_ROWS } = process.env;
  if (INTEROP_ROWS) appendFileSync(INTEROP_ROWS, JSON.stringify(row) + '\n');
}

function dump(side) {
  if (!side) return;
  const events = side.events.filter(({ event }) => event !== 'received').slice(-60);
  console.error(`---- ${side.name}`);
  for (const event of events) console.error(JSON.stringify(event).slice(0, 400));
  for (const line of side.errors?.slice(-60) ?? []) console.error(line);
}
