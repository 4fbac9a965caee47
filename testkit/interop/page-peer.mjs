// The foreign peer as a page of headless Chromium: commands and events as of node-peer.mjs.
//
// Arguments: the peer's options as JSON, and flags for Chromium besides.
// Its own addresses hide behind mDNS names, as those of every page do.

import { Browser } from './harness/browser.mjs';
import { obey } from './harness/obey.mjs';

const [options, ...flags] = process.argv.slice(2);
const tell = (event) => process.stdout.write(JSON.stringify(event) + '\n');
const browser = await Browser.get(flags);
const page = await browser.page(tell);
await page.waitForFunction(() => window.ready);

let ending = false;
const call = ([command, argument]) => window.peer[command](argument);
const failed = (error) => ending || tell({ event: 'error', at: Date.now(), text: String(error) });

await page.evaluate((given) => window.run(given), JSON.parse(options));
obey(
  ({ command, argument }) => page.evaluate(call, [command, argument]).catch(failed),
  async () => {
    ending = true;
    await Browser.close();
    process.exit(0);
  },
);
