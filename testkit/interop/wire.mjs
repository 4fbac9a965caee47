// The VDO.Ninja wire: names, encryption, frames and dialects; Node and pages load this same file.

const DEFAULT_PASSWORD = 'someEncryptionKey123';
const utf8 = new TextEncoder();

// Returns the wire under a password: `false` for none, VDO.Ninja's own if not given.
export async function openWire(password, salt = 'vdo.ninja') {
  if (password === false) return new Wire('', null);
  const phrase = encodeURIComponent((password || DEFAULT_PASSWORD).trim()) + salt;
  const digest = await sha256(phrase);
  const key = await crypto.subtle.importKey('raw', digest, 'AES-CBC', false, ['encrypt', 'decrypt']);
  return new Wire(phrase, key, toHex(digest).slice(0, 6));
}

export class Wire {
  #phrase;
  #key;
  #suffix;

  constructor(phrase, key, suffix = '') {
    this.#phrase = phrase;
    this.#key = key;
    this.#suffix = suffix;
  }

  // What servers see of a stream's name.
  streamID(name) {
    return name + this.#suffix;
  }

  // What servers see of a room's name.
  async roomid(name) {
    return this.#key ? toHex(await sha256(name + this.#phrase)).slice(0, 16) : name;
  }

  seed(stream) {
    return { request: 'seed', streamID: this.streamID(stream) };
  }

  play(stream) {
    return { request: 'play', streamID: this.streamID(stream) };
  }

  bye(UUID) {
    return { UUID, bye: true };
  }

  iceRestartRequest(UUID) {
    return { UUID, iceRestartRequest: true };
  }

  // The publisher's offer names its stream: hashed on the socket, bare on the data channel.
  offer(UUID, session, streamID, description) {
    return this.#sealed('description', { UUID, streamID, description, session });
  }

  answer(UUID, session, description) {
    return this.#sealed('description', { UUID, description, session });
  }

  // `type` is `local` from the publisher and `remote` from the viewer.
  candidates(UUID, session, type, candidates) {
    return this.#sealed('candidates', { UUID, type, candidates, session });
  }

  // Returns the frame with its description or candidates readable; throws on what does not decrypt.
  async read(frame) {
    for (const field of ['description', 'candidates', 'candidate']) {
      if (typeof frame[field] === 'string' && frame.vector) {
        return { ...frame, [field]: JSON.parse(await this.decrypt(frame[field], frame.vector)) };
      }
    }
    return frame;
  }

  async encrypt(text, iv = crypto.getRandomValues(new Uint8Array(16))) {
    const sealed = await crypto.subtle.encrypt({ name: 'AES-CBC', iv }, this.#key, utf8.encode(text));
    return { text: toHex(sealed), vector: toHex(iv) };
  }

  async decrypt(text, vector) {
    const iv = fromHex(vector);
    const plain = await crypto.subtle.decrypt({ name: 'AES-CBC', iv }, this.#key, fromHex(text));
    return new TextDecoder().decode(plain);
  }

  async #sealed(field, frame) {
    if (!this.#key) return frame;
    const { text, vector } = await this.encrypt(JSON.stringify(frame[field]));
    return { ...frame, [field]: text, vector };
  }
}

// Who a frame is from and for, in the dialect of the hosted servers: they put the sender in place of the destination.
export class Hosted {
  sign(frame) {
    return frame;
  }

  receive(frame) {
    return frame;
  }
}

// The dialect of self-hosted servers, which pass frames on as they are: clients name themselves, for the life of a page.
export class SelfHost {
  #from;

  constructor(from = randomName(20)) {
    this.#from = from;
  }

  sign(frame) {
    const offers = 'streamID' in frame && 'description' in frame;
    return { ...frame, ...(offers ? { isScene: false } : {}), from: this.#from };
  }

  // Returns the frame with its sender as UUID, as in the other dialect, or null if it is not for us.
  receive(frame) {
    const { from, ...rest } = frame;
    const { UUID = this.#from } = rest;
    return !from || from === this.#from || UUID !== this.#from ? null : { ...rest, UUID: from };
  }
}

export function randomName(length) {
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
  return Array.from(crypto.getRandomValues(new Uint8Array(length)), (byte) => letters[byte % 62]).join('');
}

export function toHex(bytes) {
  return Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

export function fromHex(text) {
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16));
}

function sha256(text) {
  return crypto.subtle.digest('SHA-256', utf8.encode(text));
}
