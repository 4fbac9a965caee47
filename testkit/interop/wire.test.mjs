// Our own wire is what was recorded: the same hashes, the same ciphertext, the same keys in every frame.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fromHex, openWire, SelfHost } from './wire.mjs';

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
  const recorded = selfHostFrames('web-fan.jsonl');
  // this recording's dialect adds who sent a frame, and whether a scene is offered
  for (const frame of recorded) ['from', 'isScene'].forEach((key) => delete frame[key]);
  await sameKeys(await frames(await openWire(false)), recorded);
});

test('signs frames with the recorded keys in the self-host dialect', async () => {
  const dialect = new SelfHost();
  const signed = (await frames(await openWire(false))).map((frame) => dialect.sign(frame));
  await sameKeys(signed, selfHostFrames('web-fan.jsonl'));
  assert.deepEqual([...new Set(signed.map(({ from }) => /^[A-Za-z0-9]{20}$/.test(from)))], [true]);
  assert.equal(new Set(signed.map(({ from }) => from)).size, 1, 'one name');
});

test('hears what is meant for it in the self-host dialect', () => {
  for (const name of ['fan.jsonl', 'web-fan.jsonl', 'routed2.jsonl']) {
    for (const frame of selfHostFrames(name)) {
      const { from, UUID } = frame;
      assert.equal(new SelfHost(from).receive(frame), null, 'its own');
      assert.equal(new SelfHost(UUID).receive(frame).UUID, from);
      // seeds and plays are for everyone
      assert.equal(new SelfHost('stranger').receive(frame)?.UUID, UUID ? undefined : from);
    }
  }
});

test('reads the recorded frames of the self-host dialect', async () => {
  const wire = await openWire(undefined);
  const recorded = selfHostFrames('routed2.jsonl').filter(({ UUID }) => UUID);
  const read = await Promise.all(recorded.map((frame) => wire.read(new SelfHost(frame.UUID).receive(frame))));
  assert.deepEqual(read.map(({ description }) => description?.type), ['offer', 'answer', undefined, undefined]);
  assert.ok(read.every(({ description, candidates }) => description || Array.isArray(candidates)));
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

// What clients said to self-hosted servers; those that did not name themselves are left out.
function selfHostFrames(name) {
  const lines = fixture(name).trim().split('\n').map((line) => JSON.parse(line));
  const said = lines.filter((line) => line.dir === 'in').map((line) => JSON.parse(line.m));
  return said.filter(({ from }) => from);
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
