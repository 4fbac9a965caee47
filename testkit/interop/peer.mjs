// A foreign VDO.Ninja peer: the recorded behaviour of the web app over whatever WebRTC stack it is given.
//
// It repairs no more than the web app does: what comes back after a failure comes back thanks to the other side.

import { Hosted, openWire, randomName, SelfHost } from './wire.mjs';

const SOCKET_PAUSE = 5000; // constant, for ever
const FIRST_BUNDLE = 20;
const LATER_BUNDLE = 1000;
const STUCK = 3000; // a connection that is not up by then is rebuilt when a viewer asks again
const VIEWER_GRACE = 5000;
const PUBLISHER_GRACE = 10000;
const REPLAY = 5000;

export class Peer {
  #options;
  #tell;
  #wire;
  #dialect;
  #socket;
  #connections = new Map(); // by the UUID of the other side
  #work = Promise.resolve();
  #made = 0;
  #welcomed = false;

  // `options`: url, dialect ('hosted' or 'self-host'), role ('publisher' or 'viewer'), stream, password, iceServers (none
  // if not given), and the stack: WebSocket, RTCPeerConnection, restartsIce. `tell` gets every event.
  constructor(options, tell) {
    this.#options = { restartsIce: true, ...options };
    this.#dialect = options.dialect === 'self-host' ? new SelfHost() : new Hosted();
    this.#tell = (event, fields = {}) => tell({ event, at: Date.now(), ...fields });
  }

  async start() {
    this.#wire = await openWire(this.#options.password);
    this.#connectSocket();
  }

  // Sends data to everyone whose channel is open and returns to how many.
  send(data) {
    return this.#broadcast({ pipe: data });
  }

  ping(token) {
    return this.#broadcast({ ping: token });
  }

  // The publisher restarts ICE by itself.
  restartIce() {
    for (const connection of this.#connections.values()) this.#later(() => this.#restart(connection));
  }

  // The viewer asks for an ICE restart, over the socket or the channel.
  requestRestart(over = 'socket') {
    for (const connection of this.#connections.values()) {
      if (over === 'channel') connection.say({ iceRestartRequest: true });
      else this.#sendFrame(this.#wire.iceRestartRequest(connection.uuid));
    }
  }

  // ---- signaling

  #connectSocket() {
    const { url, stream, WebSocket } = this.#options;
    const socket = new WebSocket(url);
    this.#socket = socket;
    socket.onopen = () => {
      this.#tell('socket', { state: 'open' });
      if (this.#publishes()) this.#claim(this.#wire.seed(stream));
      // what lives is left alone, although hosted servers have changed every UUID
      else if (this.#connections.size === 0) this.#claim(this.#wire.play(stream));
      this.#welcomed = true;
    };
    socket.onmessage = ({ data }) => {
      const frame = this.#dialect.receive(JSON.parse(data));
      if (frame) this.#later(() => this.#received(frame, null));
    };
    socket.onerror = () => {};
    socket.onclose = () => {
      this.#tell('socket', { state: 'closed' });
      setTimeout(() => this.#connectSocket(), SOCKET_PAUSE);
    };
  }

  // The web app says it twice when the page is new.
  #claim(frame) {
    this.#sendFrame(frame);
    if (!this.#welcomed) this.#sendFrame(frame);
  }

  #sendFrame(frame) {
    if (this.#socket.readyState === 1) this.#socket.send(JSON.stringify(this.#dialect.sign(frame)));
  }

  // Frames are handled one after the other, because decrypting takes turns of its own.
  #later(job) {
    this.#work = this.#work.then(job).catch((error) => this.#tell('error', { text: String(error) }));
  }

  // `over` is the connection whose data channel carried the frame, or null for the socket.
  async #received(frame, over) {
    if (frame.request === 'offerSDP') return this.#offerWanted(frame.UUID);
    // what self-hosted servers pass on to everyone
    if (frame.request === 'play') return this.#isOurs(frame) && this.#publishes() && this.#offerWanted(frame.UUID);
    if (frame.request === 'seed') return this.#isOurs(frame) && !this.#publishes() && this.#playUnlessServed();
    if (frame.request === 'alert') return this.#tell('alert', { text: frame.message });
    if (frame.request) return;
    const connection = over ?? this.#connections.get(frame.UUID);
    if (frame.bye) return connection && this.#left(connection);
    if (frame.iceRestartRequest) return connection && this.#restart(connection);
    const { session, description, candidates, candidate } = await this.#wire.read(frame);
    if (description?.type === 'offer') return this.#offered(frame.UUID, session, description, connection);
    if (!connection || (session && session !== connection.session)) return;
    if (description) await connection.answered(description);
    for (const found of candidates ?? (candidate ? [candidate] : [])) await connection.add(found);
  }

  #isOurs({ streamID }) {
    return streamID === this.#wire.streamID(this.#options.stream);
  }

  #publishes() {
    return this.#options.role === 'publisher';
  }

  #broadcast(message) {
    const open = [...this.#connections.values()].filter((connection) => connection.say(message));
    return open.length;
  }

  // ---- publisher

  #offerWanted(uuid) {
    const old = this.#connections.get(uuid);
    if (!old) return this.#offer(uuid);
    if (old.pc.connectionState === 'connected' || old.stuck) return;
    old.stuck = setTimeout(() => {
      old.stuck = null;
      if (old.closed || old.pc.connectionState === 'connected') return;
      this.#sendFrame(this.#wire.bye(uuid));
      this.#drop(old);
      this.#later(() => this.#offer(uuid));
    }, STUCK);
  }

  async #offer(uuid, session = randomName(10)) {
    const connection = this.#connection(uuid, session);
    connection.use(connection.pc.createDataChannel('sendChannel'));
    await connection.offer();
  }

  async #restart(connection) {
    if (this.#options.restartsIce) return connection.offerRestart();
    // a stack that cannot restart ICE begins anew under the same session, as the OBS plugin does
    this.#drop(connection);
    await this.#offer(connection.uuid, connection.session);
  }

  // ---- viewer

  async #offered(uuid, session, description, known) {
    let connection = known;
    if (!connection || (session && connection.session !== session)) {
      for (const old of this.#connections.values()) this.#drop(old);
      connection = this.#connection(uuid, session);
    }
    try {
      await connection.answer(description);
    } catch (error) {
      // an offer that the stack cannot take, such as an ICE restart to libdatachannel: a new end for it
      this.#tell('refused', { text: String(error) });
      this.#drop(connection);
      await this.#connection(connection.uuid, connection.session).answer(description);
    }
  }

  #playUnlessServed() {
    if (this.#connections.size === 0) this.#sendFrame(this.#wire.play(this.#options.stream));
  }

  #replaySoon() {
    setTimeout(() => this.#playUnlessServed(), REPLAY);
  }

  // ---- both

  #connection(uuid, session) {
    const connection = new Connection({
      uuid,
      session,
      number: ++this.#made,
      options: this.#options,
      wire: this.#wire,
      tell: this.#tell,
      sendFrame: (frame) => this.#sendFrame(frame),
      received: (frame, over) => this.#later(() => this.#received(frame, over)),
      left: (over) => this.#left(over),
    });
    this.#connections.set(uuid, connection);
    return connection;
  }

  #left(connection) {
    this.#drop(connection);
    if (!this.#publishes()) this.#replaySoon();
  }

  #drop(connection) {
    connection.close();
    if (this.#connections.get(connection.uuid) === connection) this.#connections.delete(connection.uuid);
  }
}

class Connection {
  #context;
  #channel;
  #introduced = false;
  #bundle = [];
  #bundleTimer = null;
  #early = [];
  #grace = null;

  constructor(context) {
    this.#context = context;
    this.uuid = context.uuid;
    this.session = context.session;
    this.number = context.number;
    this.stuck = null;
    this.closed = false;
    this.pc = new context.options.RTCPeerConnection({ iceServers: context.options.iceServers ?? [] });
    this.pc.onicecandidate = ({ candidate }) => candidate?.candidate && this.#found(candidate);
    this.pc.onconnectionstatechange = () => this.#stateChanged(this.pc.connectionState);
    this.pc.ondatachannel = ({ channel }) => this.use(channel);
    this.#tell('built');
  }

  use(channel) {
    this.#channel = channel;
    channel.onmessage = ({ data }) => this.#heard(data);
    channel.onclose = () => this.#tell('channel_closed');
    channel.onopen = () => this.#opened();
    // some stacks hand it over open and tell so again
    if (channel.readyState === 'open') this.#opened();
  }

  say(message) {
    if (this.#channel?.readyState !== 'open') return false;
    this.#channel.send(JSON.stringify(message));
    return true;
  }

  async offer(options = {}) {
    await this.#describe(await this.pc.createOffer(options));
  }

  async offerRestart() {
    this.pc.restartIce();
    await this.offer({ iceRestart: true });
  }

  async answer(offer) {
    await this.pc.setRemoteDescription(offer);
    await this.#addEarly();
    await this.#describe(await this.pc.createAnswer());
    this.#negotiated();
  }

  async answered(answer) {
    await this.pc.setRemoteDescription(answer);
    this.#negotiated();
    await this.#addEarly();
  }

  async add(candidate) {
    if (!this.pc.remoteDescription) return this.#early.push(candidate);
    // stale ones, from before a restart, are refused by some stacks and ignored by others
    await this.pc.addIceCandidate(candidate).catch((error) => this.#tell('candidate_refused', { text: String(error) }));
  }

  close() {
    if (this.closed) return;
    this.closed = true;
    clearTimeout(this.#grace);
    clearTimeout(this.#bundleTimer);
    clearTimeout(this.stuck);
    this.#tell('dropped');
    this.pc.close();
  }

  #tell(event, fields) {
    this.#context.tell(event, { connection: this.number, session: this.session, ...fields });
  }

  #opened() {
    if (this.#introduced) return;
    this.#introduced = true;
    this.#tell('open', { label: this.#channel.label });
    if (this.#publishes()) this.say({ info: { label: this.#context.options.label ?? '' }, miniInfo: { out: { c: 0 } } });
    else this.say({ audio: false, video: false, info: { label: this.#context.options.label ?? 'dock' } });
  }

  #heard(text) {
    const message = JSON.parse(text);
    if ('ping' in message) this.say({ pong: message.ping });
    if ('pong' in message) this.#tell('pong', { token: message.pong });
    if ('pipe' in message) this.#tell('received', { data: message.pipe });
    if ('info' in message) this.#tell('introduced', { info: message.info });
    // on the channel a goodbye counts by being there
    if ('bye' in message) this.#context.left(this);
    else if (message.description || message.candidates || message.candidate || message.iceRestartRequest) {
      this.#context.received(message, this);
    }
  }

  #publishes() {
    return this.#context.options.role === 'publisher';
  }

  // Tells which ICE generation holds, so that a test sees whether a restart took place.
  #negotiated() {
    const ufrag = (description) => /a=ice-ufrag:(\S+)/.exec(description.sdp)?.[1];
    this.#tell('negotiated', { local: ufrag(this.pc.localDescription), remote: ufrag(this.pc.remoteDescription) });
  }

  // The channel first, if it says open, as every recorded client does; the socket else.
  async #signal(make) {
    const streamOf = (name) => (this.#channelOpen() ? name : this.#context.wire.streamID(name));
    const frame = await make(streamOf(this.#context.options.stream));
    if (this.closed || this.say(frame)) return;
    this.#context.sendFrame(frame);
  }

  #channelOpen() {
    return this.#channel?.readyState === 'open';
  }

  // As it was created: recorded descriptions are without candidates, and these follow soon.
  async #describe(description) {
    clearTimeout(this.#bundleTimer);
    this.#bundleTimer = null;
    await this.pc.setLocalDescription(description);
    const { type, sdp } = description;
    const { wire } = this.#context;
    return this.#signal((stream) =>
      type === 'offer'
        ? wire.offer(this.uuid, this.session, stream, { type, sdp })
        : wire.answer(this.uuid, this.session, { type, sdp }),
    );
  }

  #found(candidate) {
    this.#bundle.push(candidate.toJSON?.() ?? candidate);
    if (this.#bundleTimer) return;
    const pause = this.#bundleTimer === null ? FIRST_BUNDLE : LATER_BUNDLE;
    this.#bundleTimer = setTimeout(() => {
      this.#bundleTimer = 0; // no longer null: the next bundle takes its time
      const found = this.#bundle.splice(0);
      const type = this.#publishes() ? 'local' : 'remote';
      this.#signal(() => this.#context.wire.candidates(this.uuid, this.session, type, found));
    }, pause);
  }

  async #addEarly() {
    for (const candidate of this.#early.splice(0)) await this.add(candidate);
  }

  #stateChanged(state) {
    if (this.closed) return;
    this.#tell('state', { state });
    clearTimeout(this.#grace);
    if (state === 'disconnected') {
      this.#grace = setTimeout(() => this.#giveUp(), this.#publishes() ? PUBLISHER_GRACE : VIEWER_GRACE);
    } else if (state === 'failed' && this.#publishes() && this.#context.options.restartsIce) {
      this.offerRestart().catch((error) => this.#tell('error', { text: String(error) }));
    } else if (state === 'failed') {
      this.#giveUp();
    }
  }

  // Says goodbye where it will not be heard, as the web app does.
  #giveUp() {
    this.say({ videoMuted: true, bye: true });
    this.#context.left(this);
  }
}
