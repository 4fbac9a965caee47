// A foreign peer as tests see it, whichever stack runs it.

import { fileURLToPath } from 'node:url';
import { Browser, WITHOUT_MDNS } from './browser.mjs';
import { alone } from './namespace.mjs';
import { Talker } from './processes.mjs';
import { Watch } from './watch.mjs';

const PROGRAM = fileURLToPath(new URL('../node-peer.mjs', import.meta.url));

// Starts a peer; `stack` is wrtc, libdatachannel or chromium.
export async function startForeign(stack, options) {
  const peer = stack === 'chromium' ? new PageForeign(options) : new NodeForeign(stack, options);
  await peer.start();
  return peer;
}

// What both kinds can be asked; `call` runs a method of the peer.
const asked = (Base) =>
  class extends Base {
    send(data) {
      return this.call('send', data);
    }

    ping(token) {
      return this.call('ping', token);
    }

    restartIce() {
      return this.call('restartIce');
    }

    requestRestart(over) {
      return this.call('requestRestart', over);
    }

    opened(since = 0, limit) {
      return this.wait('an open channel', (event) => event.event === 'open', { since, limit });
    }

    count(event, since = 0) {
      return this.since(since).filter((other) => other.event === event).length;
    }
  };

class NodeForeign extends asked(Talker) {
  #stack;
  #options;

  constructor(stack, options) {
    super(`${stack} ${options.role}`, process.execPath, [PROGRAM, stack, JSON.stringify(options)]);
    this.#stack = stack;
    this.#options = options;
  }

  async start() {}

  async call(command, argument) {
    this.say({ command, argument });
  }

  // Kills the process and starts another for the same stream.
  async reload() {
    await this.kill();
    return startForeign(this.#stack, this.#options);
  }
}

class PageForeign extends asked(Watch) {
  #page;
  #options;

  constructor(options) {
    super(`chromium ${options.role}`);
    this.#options = options;
  }

  async start() {
    const browser = await Browser.get(alone() ? [WITHOUT_MDNS] : []);
    this.#page = await browser.page((event) => this.push(event));
    await this.#run();
  }

  call(command, argument) {
    return this.#page.evaluate(([name, value]) => window.peer[name](value), [command, argument]);
  }

  // Returns a peer that has told nothing yet.
  async reload() {
    this.events = [];
    await this.#page.reload();
    await this.#run();
    return this;
  }

  async kill() {
    await this.#page.context().close();
  }

  async #run() {
    await this.#page.waitForFunction(() => window.ready);
    await this.#page.evaluate((options) => window.run(options), this.#options);
  }
}
