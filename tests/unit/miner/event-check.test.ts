import { describe, expect, test } from 'vitest';
import { createEventCheck } from '../../../src/miner/event-check.js';
import { AssayError } from '../../../src/model/errors.js';
import { createVirtualClock, type VirtualClock } from '../../../src/testing/virtual-clock.js';
import { passBlock } from '../../../src/verification/draw.js';
import { recordingLog } from '../../support/logs.js';
import { bytes32 } from '../../support/sessions.js';
import { NETUID, subnet } from '../../support/subnets.js';

const hashOf = (block: number) => bytes32(`hash of ${block}`);

/** A chain at block 120 whose epoch began at block 100. */
function scene() {
  const clock = createVirtualClock();
  const chain = { epochBlock: 100, down: false, reads: 0 };
  const forget = { upTo: 120 };
  const { log, messages } = recordingLog();
  const check = createEventCheck(
    {
      reader: {
        async subnet() {
          chain.reads++;
          if (chain.down) throw new AssayError('unreachable', 'no chain', { address: 'ws://127.0.0.1:9944' });
          return subnet([], { lastEpochBlock: chain.epochBlock });
        },
        async blockHash(block) {
          if (block > forget.upTo)
            throw new AssayError('chain-unknown', `no block ${block}`, { what: 'block' });
          return hashOf(block);
        },
      },
      clock,
      log,
    },
    { netuid: NETUID },
  );
  const head = (number: number) => check.onHead({ number, hash: hashOf(number) });
  head(120);
  return { clock, chain, check, head, forget, messages };
}

/** Offsets from block 120: the hashes above draw 122. */
const HOLD = { first: 1, last: 3 };

const waiting = async <T>(clock: VirtualClock, promise: Promise<T>) => clock.runUntil(promise);

describe('an event is plausible', () => {
  test('when its block is about to come and its basis is the hash that began the epoch', async () => {
    const { check } = scene();
    const basis = hashOf(100);
    const plausible = (block: number, of = basis) => check.isPlausible({ block, basis: of });
    expect(await Promise.all([120, 121, 220].map((block) => plausible(block)))).toEqual(Array(3).fill(true));
    expect(await Promise.all([0, 119, 221, 2 ** 40].map((block) => plausible(block)))).toEqual(
      Array(4).fill(false),
    );
    expect(await plausible(121, hashOf(99))).toBe(false);
    expect(await plausible(121, new Uint8Array())).toBe(false);
  });

  test('under the basis of a new epoch as soon as the chain has it, and no longer under the old one', async () => {
    const { check, chain, head } = scene();
    expect(await check.isPlausible({ block: 121, basis: hashOf(100) })).toBe(true);
    chain.epochBlock = 119;
    head(121);
    expect(await check.isPlausible({ block: 122, basis: hashOf(119) })).toBe(true);
    expect(await check.isPlausible({ block: 122, basis: hashOf(100) })).toBe(false);
  });

  test('or not, at the cost of one reading per head, whoever asks how often', async () => {
    const { check, chain, head } = scene();
    for (let i = 0; i < 20; i++)
      expect(await check.isPlausible({ block: 121, basis: bytes32(`${i}`) })).toBe(false);
    expect(chain.reads).toBe(1);
    head(121);
    await Promise.all(
      Array.from({ length: 20 }, (_, i) => check.isPlausible({ block: 122, basis: bytes32(`${i}`) })),
    );
    expect(chain.reads).toBe(2);
  });

  test('by the last known epoch while the chain is out of reach', async () => {
    const { check, chain, head, messages } = scene();
    expect(await check.isPlausible({ block: 121, basis: hashOf(100) })).toBe(true);
    chain.down = true;
    head(121);
    expect(await check.isPlausible({ block: 122, basis: hashOf(100) })).toBe(true);
    expect(await check.isPlausible({ block: 122, basis: hashOf(119) })).toBe(false);
    expect(messages()).toEqual(['epoch not read, the last known one holds']);
  });
});

describe('a beacon is confirmed', () => {
  test('when it is the hash of its block on our own node, seen as head or read', async () => {
    const { check, head } = scene();
    head(121);
    expect(await check.confirms(121, hashOf(121))).toBe(true);
    expect(await check.confirms(121, hashOf(120))).toBe(false);
    expect(await check.confirms(119, hashOf(119))).toBe(true);
    expect(await check.confirms(119, hashOf(118))).toBe(false);
  });

  test('when our node sees its block a moment later', async () => {
    const { clock, check, head } = scene();
    const confirmed = check.confirms(122, hashOf(122));
    void clock.sleep(1000).then(() => head(121));
    void clock.sleep(2000).then(() => head(122));
    expect(await waiting(clock, confirmed)).toBe(true);
    expect(clock.monotonic()).toBe(2000);
  });

  test('not when the block does not come within three seconds, or is one that our node cannot give', async () => {
    const { clock, check, head } = scene();
    expect(await waiting(clock, check.confirms(121, hashOf(121)))).toBe(false);
    expect(clock.monotonic()).toBe(3000);
    head(125);
    expect(await check.confirms(123, hashOf(123))).toBe(false);
  });
});

describe('the beacon of a Pass is confirmed', () => {
  const drawn = async () => (await passBlock(120, HOLD, async (block) => hashOf(block))).block;
  const event = { block: 120, hold: HOLD };

  test('when it is the hash of the block that the hold draws, and of no other of the hold', async () => {
    const { check, head } = scene();
    for (const block of [121, 122, 123]) head(block);
    const confirmed = await Promise.all(
      [121, 122, 123].map((block) => check.confirmsPass(event, hashOf(block))),
    );
    expect(confirmed).toEqual([121, 122, 123].map((block) => block === 122));
    expect(await drawn()).toBe(122);
    expect(await check.confirmsPass(event, bytes32('of my own'))).toBe(false);
  });

  test('when our node has its block a moment later, and not when it never comes', async () => {
    const { clock, check, head } = scene();
    const confirmed = check.confirmsPass(event, hashOf(122));
    void clock.sleep(1000).then(() => head(121));
    void clock.sleep(2000).then(() => head(122));
    expect([await waiting(clock, confirmed), clock.monotonic()]).toEqual([true, 2000]);
    const other = scene();
    expect(await waiting(other.clock, other.check.confirmsPass(event, hashOf(122)))).toBe(false);
    expect(other.clock.monotonic()).toBe(3000);
  });

  test('against what the node says now, where the head that we saw lost its place', async () => {
    const { check, head, forget } = scene();
    check.onHead({ number: 121, hash: bytes32('a fork') });
    forget.upTo = 123;
    head(122);
    expect(await check.confirmsPass(event, hashOf(122))).toBe(true);
  });
});
