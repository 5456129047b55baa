import { describe, expect, test } from 'vitest';
import { toHex } from '../../../src/model/bytes.js';
import { createSeededRandom } from '../../../src/model/prng.js';
import { eventId, nonceCommitment, slotPlace, slotSeed } from '../../../src/verification/seed.js';

const random = createSeededRandom('seed');
const nonces = [random.bytes(16), random.bytes(16), random.bytes(16)];
const parts = {
  beacon: random.bytes(32),
  nonces,
  hotkey: random.bytes(32),
  worker: 'host-1',
  slot: 2,
  eventId: random.bytes(32),
  paramsId: random.bytes(32),
};

describe('the seed of a slot', () => {
  test('does not hang on the order in which nonces arrived', () => {
    expect(toHex(slotSeed({ ...parts, nonces: [nonces[2], nonces[0], nonces[1]] }))).toBe(
      toHex(slotSeed(parts)),
    );
  });

  test('binds everything it is given', () => {
    const seeds = [
      parts,
      { ...parts, beacon: random.bytes(32) },
      { ...parts, nonces: nonces.slice(1) },
      { ...parts, nonces: [...nonces, random.bytes(16)] },
      { ...parts, hotkey: random.bytes(32) },
      { ...parts, worker: 'host-2' },
      { ...parts, worker: '' },
      { ...parts, slot: 3 },
      { ...parts, eventId: random.bytes(32) },
      { ...parts, paramsId: random.bytes(32) },
    ].map((given) => toHex(slotSeed(given)));
    expect(new Set(seeds).size).toBe(seeds.length);
    for (const seed of seeds) expect(seed).toMatch(/^[0-9a-f]{64}$/);
  });
});

describe('the place of a slot', () => {
  test('is the same at every event, and another for another hotkey, worker or slot', () => {
    const { hotkey, worker, slot } = parts;
    const places = [
      { hotkey, worker, slot },
      { hotkey: random.bytes(32), worker, slot },
      { hotkey, worker: 'host-2', slot },
      { hotkey, worker, slot: 3 },
    ].map((given) => toHex(slotPlace(given)));
    expect(new Set(places).size).toBe(4);
    expect(toHex(slotPlace(parts))).toBe(places[0]);
  });
});

describe('an event', () => {
  test('is named by subnet, block and basis', () => {
    const event = { netuid: 7, block: 100, basis: parts.beacon };
    const ids = [
      event,
      { ...event, netuid: 8 },
      { ...event, block: 101 },
      { ...event, basis: parts.hotkey },
    ].map((given) => toHex(eventId(given)));
    expect(new Set(ids).size).toBe(4);
  });

  test('has nonces committed to with a salt', () => {
    const [nonce, salt] = nonces;
    expect(toHex(nonceCommitment(nonce, salt))).toBe(toHex(nonceCommitment(nonce, salt)));
    expect(toHex(nonceCommitment(nonce, salt))).not.toBe(toHex(nonceCommitment(salt, nonce)));
  });
});
