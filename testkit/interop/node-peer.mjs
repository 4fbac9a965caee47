// The foreign peer as a Node process: commands come in and events go out, one JSON object a line.
//
// Arguments: the stack (wrtc or libdatachannel) and the peer's options as JSON.

import WebSocket from 'ws';
import { obey } from './harness/obey.mjs';
import { Peer } from './peer.mjs';

const [stack, options] = process.argv.slice(2);
const stacks = {
  wrtc: async () => ({ RTCPeerConnection: (await import('@roamhq/wrtc')).default.RTCPeerConnection }),
  // libdatachannel refuses an offer that restarts ICE
  libdatachannel: async () => ({
    RTCPeerConnection: (await import('node-datachannel/polyfill')).RTCPeerConnection,
    restartsIce: false,
  }),
};

const tell = (event) => process.stdout.write(JSON.stringify(event) + '\n');
const peer = new Peer({ ...JSON.parse(options), WebSocket, ...(await stacks[stack]()) }, tell);

obey(
  ({ command, argument }) => peer[command](argument),
  () => process.exit(0),
);

await peer.start();
