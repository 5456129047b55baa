import { describe, expect, test } from 'vitest';
import { devKeypair } from '../../../src/keys/keypair.js';
import { fromHex, toHex } from '../../../src/model/bytes.js';
import {
  type Maintenance,
  readMaintenance,
  signMaintenance,
  verifyMaintenance,
} from '../../../src/protocol/maintenance.js';
import fc from '../../support/properties.js';

const miner = devKeypair('miner');
const genesis = new Uint8Array(32).fill(7);
const whose = { genesis, netuid: 3, hotkey: miner.publicKey };
const SAID = {
  genesis,
  netuid: 3,
  serial: 9,
  fromBlock: 1000,
  untilBlock: 1300,
  workers: ['host-1', 'host-2'],
};

describe('declared maintenance', () => {
  test('is read back as it was signed', () => {
    expect(verifyMaintenance(signMaintenance(miner, SAID), whose)).toEqual({
      ...SAID,
      hotkey: miner.publicKey,
    });
    const whole = signMaintenance(miner, { ...SAID, workers: [] });
    expect(whole.length).toBe(87 + 64);
    expect(verifyMaintenance(whole, whose).workers).toEqual([]);
  });

  test('has one spelling, the one that docs/protocol.md gives', () => {
    expect(toHex(signMaintenance(miner, SAID).subarray(0, 101))).toBe(
      `${'61737361792f31' + '13'}${'07'.repeat(32)}0300${toHex(miner.publicKey)}09000000e80300001405000002` +
        `06${Buffer.from('host-1').toString('hex')}06${Buffer.from('host-2').toString('hex')}`,
    );
  });

  test("is refused with another's signature, of another chain, subnet or hotkey", () => {
    const bytes = signMaintenance(miner, SAID);
    const other = devKeypair('another');
    const forged = signMaintenance(other, SAID);
    forged.set(miner.publicKey, 42);
    expect(() => verifyMaintenance(forged, whose)).toThrow('bad-signature');
    expect(() => verifyMaintenance(signMaintenance(other, SAID), whose)).toThrow('this hotkey');
    expect(() => verifyMaintenance(bytes, { ...whose, genesis: new Uint8Array(32) })).toThrow('this genesis');
    expect(() => verifyMaintenance(bytes, { ...whose, netuid: 4 })).toThrow('this netuid');
  });

  test('is refused where a bit of it is another', () => {
    const bytes = signMaintenance(miner, SAID);
    fc.assert(
      fc.property(fc.integer({ min: 0, max: bytes.length * 8 - 1 }), (bit) => {
        const changed = bytes.slice();
        changed[bit >> 3]! ^= 1 << (bit & 7);
        expect(() => verifyMaintenance(changed, whose)).toThrow();
      }),
      { numRuns: 120 },
    );
  });

  test.each<[string, Partial<Maintenance>]>([
    ['ends before it begins', { untilBlock: 999 }],
    ['names a worker twice', { workers: ['a', 'a'] }],
    ['names workers out of order', { workers: ['b', 'a'] }],
    [
      'names too many workers',
      { workers: Array.from({ length: 17 }, (_, i) => `w${`${i}`.padStart(2, '0')}`) },
    ],
    ['names no worker by an empty tag', { workers: [''] }],
    ['names a worker by what a terminal would obey', { workers: ['\u001b[2J'] }],
  ])('is not signed where it %s', (_, change) => {
    expect(() => signMaintenance(miner, { ...SAID, ...change })).toThrow('maintenance: expected');
  });

  test('any bytes are read or refused, never anything else', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 1300 }), fc.boolean(), (tail, isOurs) => {
        const head = isOurs ? fromHex('61737361792f3113') : new Uint8Array();
        const bytes = new Uint8Array([...head, ...tail]);
        try {
          expect(readMaintenance(bytes).workers.length).toBeLessThanOrEqual(16);
        } catch (error) {
          expect((error as { code: string }).code).toBe('invalid-input');
        }
      }),
      { numRuns: 300 },
    );
  });
});
