// Chromium with a fresh profile, and the little server that its pages come from.

import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { chromium } from 'playwright-core';

const EXECUTABLE = process.env.CHROMIUM ?? '/usr/bin/chromium';
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  // in a namespace there is no other interface
  '--allow-loopback-in-peer-connection',
];
// Where mDNS names cannot be announced, or nobody could look them up: without them Chromium gives no candidates at all.
export const WITHOUT_MDNS = '--disable-features=WebRtcHideLocalIpsWithMdns';
const TYPES = { html: 'text/html', mjs: 'text/javascript' };
const FILES = ['page.html', 'peer.mjs', 'wire.mjs'];

let running;

export class Browser {
  #server;
  #browser;
  #origin;

  // Returns why there is no Chromium here, if there is none.
  static missing() {
    return existsSync(EXECUTABLE) ? null : `there is no Chromium at ${EXECUTABLE}`;
  }

  // Returns the browser of this process, started when first needed; `flags` are for whoever asks first.
  static get(flags = []) {
    running ??= new Browser().#start(flags);
    return running;
  }

  static async close() {
    if (!running) return;
    const browser = await running;
    await browser.#server.close();
    browser.files.close();
  }

  // Opens the peer's page in a context of its own; `tell` gets every event.
  async page(tell) {
    const context = await this.#browser.newContext();
    const page = await context.newPage();
    page.on('pageerror', (error) => tell({ event: 'error', at: Date.now(), text: String(error) }));
    await page.exposeFunction('tell', tell);
    await page.goto(`${this.#origin}/page.html`);
    return page;
  }

  async #start(flags) {
    this.files = createServer(async ({ url }, response) => {
      const name = url.slice(1);
      if (!FILES.includes(name)) return response.writeHead(404).end();
      response.writeHead(200, { 'content-type': TYPES[name.split('.')[1]] });
      response.end(await readFile(new URL(`../${name}`, import.meta.url)));
    });
    await new Promise((resolve) => this.files.listen(0, '127.0.0.1', resolve));
    this.files.unref();
    this.#origin = `http://127.0.0.1:${this.files.address().port}`;
    const args = [...FLAGS, ...flags];
    // an interrupt is the business of whoever started this process
    const launch = { executablePath: EXECUTABLE, args, env: { ...process.env }, handleSIGINT: false };
    this.#server = await chromium.launchServer(launch);
    process.on('exit', () => this.#server.process().kill('SIGKILL'));
    this.#browser = await chromium.connect(this.#server.wsEndpoint());
    return this;
  }
}
