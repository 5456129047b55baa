import { TypeRegistry } from '@polkadot/types';
import { describe, expect, it } from 'vitest';
import { asField } from '../../../src/chain/subtensor/commitments.js';
import { asNumber, asOctets, plainOf } from '../../../src/chain/subtensor/plain.js';
import { snapshotValueOf } from '../../../src/chain/subtensor/snapshot.js';
import { readyKeys } from '../../../src/keys/index.js';

const registry = new TypeRegistry();
const plain = (type: string, value?: unknown) => plainOf(registry.createType(type, value));
const ALICE = '5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY';

describe('plainOf', () => {
  it('keeps integers beyond 2^53 exact', () => {
    expect(plain('u64', '9007199254740991')).toBe(9007199254740991);
    expect(plain('u64', '9007199254740992')).toBe(9007199254740992n);
    expect(plain('Compact<u128>', '340282366920938463463374607431768211455')).toBe(2n ** 128n - 1n);
    expect(plain('i64', -5)).toBe(-5);
    expect(() => asNumber(2n ** 53n)).toThrow('expected a number below 2^53');
  });

  it('never takes bytes for text, whatever they look like', () => {
    expect(plain('Bytes', Uint8Array.of(12, 0x30, 0x78, 0x66))).toEqual(Uint8Array.of(0x30, 0x78, 0x66));
    expect(plain('H256')).toEqual(new Uint8Array(32));
    expect(asOctets(plain('Vec<Compact<u8>>', [64, 255]))).toEqual(Uint8Array.of(64, 255));
  });

  it('prints accounts with prefix 42, also where the node declares another', async () => {
    await readyKeys();
    const other = new TypeRegistry();
    other.setChainProperties(other.createType('ChainProperties', { ss58Format: 13 }) as never); // its own class
    expect(plainOf(other.createType('AccountId', ALICE))).toBe(ALICE);
  });

  it('tells an absent option from one that holds zero', () => {
    expect(plain('Option<u16>')).toBeUndefined();
    expect(plain('Option<u16>', 0)).toBe(0);
    expect(plain('(u16, Option<bool>, Null)', [1, true])).toEqual([1, true, undefined]);
  });

  it('names the variant of an enum and the fields of a struct', () => {
    expect(plain('{"_enum":{"A":"Null","B":"u8"}}', { B: 3 })).toEqual({ kind: 'B', value: 3 });
    expect(
      plain('{"oneField":"u8","list":"BTreeMap<u8,u8>"}', { oneField: 1, list: new Map([[2, 3]]) }),
    ).toEqual({
      oneField: 1,
      list: [[2, 3]],
    });
  });
});

describe('snapshotValueOf', () => {
  const value = (type: string, of?: unknown) => snapshotValueOf(registry.createType(type, of));
  it('writes integers by the width of their type, not by their size', () => {
    expect(value('u32', 7)).toBe(7);
    expect(value('u64', 7)).toBe('7');
    expect(value('Vec<(u16,u64)>', [[1, 2]])).toEqual([[1, '2']]);
  });

  it('writes fixed point as its bits, fields as the chain names them, and leaves out what is absent', () => {
    expect(value('{"bits":"i128"}', { bits: -3 })).toBe('-3');
    expect(value('{"ipType":"u8","gone":"Option<u8>"}', { ipType: 4 })).toEqual({ ip_type: 4 });
    expect(value('Option<u64>')).toBeUndefined();
    expect(value('{"_enum":["Burn","Recycle"]}', 'Recycle')).toBe('Recycle');
    expect(value('Bytes', '0x0102')).toBe('0x0102');
  });
});

describe('a field of a commitment', () => {
  it('of a kind that this client does not know is named, not dropped', () => {
    expect(asField({ kind: 'Ipfs', value: new Uint8Array(3) })).toEqual({ kind: 'unknown', variant: 'Ipfs' });
  });
});
