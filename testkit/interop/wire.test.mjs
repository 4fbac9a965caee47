// Our own wire is what was recorded: the same hashes, the same ciphertext, the same keys in every frame.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fromHex, openWire } from './wire.mjs';

const fixture = (name) => readFileSync(new URL(`../../transports/vdo-ninja/fixtures/${name}`, import.meta.url), 'utf8');
const vectors = JSON.parse(fixture('password-vectors.json'));

test('hashes names as the recorded clients do', async () => {
  const named = vectors.filter((vector) => vector.wireStream);
  assert.equal(named.length, 5);
  for (const { password, salt, stream, wireStream, room, wireRoom } of named) {
    const wire = await openWire(password, salt);
    assert.equal(wire.streamID(stream), wireStream);
    assert.equal(await wire.roomid(room), wireRoom);
  }
});

test('encrypts and decrypts as the recorded clients do', async () => {
  const sealed = vectors.filter((vector) => vector.ciphertext);
  assert.equal(sealed.length, 4);
  for (const { phrase, iv, plaintext, ciphertext } of sealed) {
    const wire = await openWire(phrase.replace('vdo.ninja', ''));
    const { text, vector } = await wire.encrypt(plaintext, fromHex(iv));
    assert.deepEqual({ text, vector }, { text: ciphertext, vector: iv });
    assert.equal(await wire.decrypt(ciphertext, iv), plaintext);
  }
});

test('gives names bare without a password', async () => {
  const wire = await openWire(false);
  assert.equal(wire.streamID('cam1'), 'cam1');
  assert.equal(await wire.roomid('studio'), 'studio');
});

test('makes frames with the recorded keys', async () => {
  const recorded = [...webFrames('web1-pub.json'), ...webFrames('web1-view.json')];
  await sameKeys(await frames(await openWire(undefined)), recorded);
});

test('makes frames with the recorded keys without a password', async () => {
  const lines = fixture('web-fan.jsonl').trim().split('\n').map((line) => JSON.parse(line));
  const recorded = lines.filter((line) => line.dir === 'in').map((line) => JSON.parse(line.m));
  // the fan-out dialect of this recording adds who sent a frame, and whether a scene is offered
  for (const frame of recorded) ['from', 'isScene'].forEach((key) => delete frame[key]);
  await sameKeys(await frames(await openWire(false)), recorded);
});

test('reads the recorded frames', async () => {
  const wire = await openWire(undefined);
  const read = await Promise.all([...webFrames('web1-pub.json'), ...webFrames('web1-view.json')].map((f) => wire.read(f)));
  assert.deepEqual([...new Set(read.map(({ description }) => description?.type))].sort(), ['answer', 'offer', undefined]);
  const candidates = read.flatMap((frame) => frame.candidates ?? []);
  assert.ok(candidates.length > 0 && candidates.every(({ candidate }) => candidate.startsWith('candidate:')));
});

// One frame of every kind that was recorded.
async function frames(wire) {
  const description = { type: 'offer', sdp: 'v=0\r\n' };
  return [
    wire.seed('cam1'),
    wire.play('cam1'),
    await wire.offer('uuid', 'session', 'cam1', description),
    await wire.answer('uuid', 'session', { ...description, type: 'answer' }),
    await wire.candidates('uuid', 'session', 'local', [{ candidate: 'candidate:1' }]),
    await wire.candidates('uuid', 'session', 'remote', [{ candidate: 'candidate:1' }]),
  ];
}

// What the web app put on the socket or, being signaling, on the channel.
function webFrames(name) {
  const said = JSON.parse(fixture(name)).filter(({ k }) => k === 'ws.out' || k === 'dc.out');
  const messages = said.map(({ m }) => JSON.parse(m));
  return messages.filter((message) => message.request || message.description || message.candidates);
}

// Every made frame looks like a recorded one: the kind, the keys in their order, and the type of each value.
async function sameKeys(made, recorded) {
  const shape = (frame) => {
    const values = Object.entries(frame).map(([key, value]) => `${key}:${Array.isArray(value) ? 'array' : typeof value}`);
    return [frame.request ?? frame.type ?? '', ...values].join(' ');
  };
  const expected = [...new Set(recorded.map(shape))].sort();
  assert.deepEqual([...new Set(made.map(shape))].sort(), expected);
}
