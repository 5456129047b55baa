import { Metadata, TypeRegistry } from '@polkadot/types';
import { hexToU8a, u8aToHex } from '@polkadot/util';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  decodeExtrinsic,
  type Era,
  encodeExtra,
  encodeSigned,
  eraBirth,
  eraCodec,
  mortalEra,
  signingPayload,
} from '../../../src/chain/codec/extrinsic.js';
import { encodeHeader, headerHash } from '../../../src/chain/codec/header.js';
import { encodeMetadata } from '../../../src/chain/codec/metadata.js';
import { pallets, type RuntimeCall, runtime, runtimeCall } from '../../../src/chain/codec/runtime.js';
import {
  bytes,
  compact,
  decode,
  encode,
  i16,
  i128,
  option,
  Reader,
  tuple,
  u16,
  u64,
  u128,
  vec,
  Writer,
} from '../../../src/chain/codec/scale.js';
import { axonInfo } from '../../../src/chain/codec/types.js';
import { devKeypair, readyKeys } from '../../../src/keys/keypair.js';
import fc from '../../support/properties.js';

const ALICE = '5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY';
beforeAll(readyKeys);

describe('SCALE', () => {
  // https://docs.substrate.io/reference/scale-codec/: the published examples
  it.each([
    [0n, '00'],
    [1n, '04'],
    [42n, 'a8'],
    [69n, '1501'],
    [65535n, 'feff0300'],
    [100_000_000_000_000n, '0b00407a10f35a'],
  ])('writes compact %s as %s', (value, hex) => {
    expect(Buffer.from(encode(compact(u128), value)).toString('hex')).toBe(hex);
    expect(decode(compact(u128), Buffer.from(hex, 'hex'))).toBe(value);
  });

  it('gives back what it wrote', () => {
    const codec = tuple(u16, u64, i128, i16, bytes, vec(tuple(u16, option(u128))), compact(u64));
    const u = (bits: bigint) => fc.bigInt({ min: 0n, max: (1n << bits) - 1n });
    const value = fc.tuple(
      fc.integer({ min: 0, max: 65535 }),
      u(64n),
      fc.bigInt({ min: -(1n << 127n), max: (1n << 127n) - 1n }),
      fc.integer({ min: -32768, max: 32767 }),
      fc.uint8Array(),
      fc.array(fc.tuple(fc.integer({ min: 0, max: 65535 }), fc.option(u(128n), { nil: undefined }))),
      u(64n),
    );
    fc.assert(
      fc.property(value, (input) => {
        expect(decode(codec, encode(codec, input))).toEqual(input);
      }),
    );
  });

  it('refuses, and does nothing but refuse, any bytes that are no call', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (input) => {
        try {
          decodeExtrinsic(input);
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('does not allocate for a length that was only claimed', () => {
    expect(() => decode(vec(u64), hexToU8a('0xfeffffff'))).toThrow('1073741823 with 0 bytes left');
  });

  it('refuses values out of range', () => {
    expect(() => encode(u16, 65536)).toThrow(RangeError);
    expect(() => encode(u64, -1n)).toThrow(RangeError);
    expect(() => decode(u16, Uint8Array.of(1, 2, 3))).toThrow('1 bytes left over');
  });

  it('refuses calls nested without end', () => {
    const sudo = Uint8Array.of(12, 0);
    const deep = new Uint8Array(20_000).map((_, i) => sudo[i % 2]!);
    expect(() => decode(runtimeCall, deep)).toThrow('nested deeper than 64');
  });
});

describe('storage keys', () => {
  it('are those of a real chain', () => {
    // the key every Substrate chain has for Alice's account
    expect(runtime.System.storage.Account.key(ALICE)).toBe(
      '0x26aa394eea5630e07c48ae0c9558cef7b99d880ec681799c0cf30e8886371da9de1e86a9a8c739864cf3cc5ec2bea59fd43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d',
    );
  });

  it('lead back to what they were made of', () => {
    const { Alpha, Uids, RevealPeriodEpochs } = runtime.SubtensorModule.storage;
    const bob = devKeypair('bob').address;
    expect(Alpha.keysOf(Alpha.key(ALICE, bob, 7))).toEqual([ALICE, bob, 7]);
    expect(Uids.keysOf(Uids.key(3, ALICE))).toEqual([3, ALICE]);
    expect(RevealPeriodEpochs.keysOf(RevealPeriodEpochs.key(9))).toEqual([9]);
    expect(() => Uids.keysOf(Alpha.key(ALICE, bob, 7))).toThrow(RangeError);
  });
});

describe('metadata', () => {
  it('is understood by @polkadot/types, down to keys, defaults and errors', () => {
    const registry = new TypeRegistry();
    const metadata = new Metadata(registry, u8aToHex(encodeMetadata(pallets)));
    registry.setMetadata(metadata);
    const byName = new Map(metadata.asLatest.pallets.map((pallet) => [pallet.name.toString(), pallet]));
    expect([...byName].map(([name, { index }]) => [name, index.toNumber()])).toEqual([
      ['System', 0],
      ['Timestamp', 2],
      ['Balances', 5],
      ['SubtensorModule', 7],
      ['Utility', 11],
      ['Sudo', 12],
      ['Commitments', 18],
      ['AdminUtils', 19],
      ['Drand', 26],
      ['Swap', 28],
    ]);
    const errorName = (position: number) => {
      const { section, name } = registry.findMetaError(
        registry.createType('DispatchErrorModule', { index: 7, error: [position, 0, 0, 0] }),
      );
      return `${section}.${name}`;
    };
    expect(errorName(2)).toBe('subtensorModule.InvalidIpAddress');
    expect(errorName(146)).toBe('subtensorModule.AccountRejectsLockedAlpha');

    const axon = {
      block: 5n,
      version: 1,
      ip: 0x7f110001n,
      port: 8091,
      ip_type: 4,
      protocol: 4,
      placeholder1: 0,
      placeholder2: 0,
    };
    const item = byName
      .get('SubtensorModule')!
      .storage.unwrap()
      .items.find(({ name }) => name.eq('Axons'))!;
    const type = registry.createLookupType(item.type.asMap.value);
    expect(registry.createType(type, encode(axonInfo, axon)).toJSON()).toMatchObject({
      ip: 0x7f110001,
      port: 8091,
      ipType: 4,
    });
  });

  it('encodes calls as @polkadot/types does', () => {
    const registry = new TypeRegistry();
    registry.setMetadata(new Metadata(registry, u8aToHex(encodeMetadata(pallets))));
    const inner: RuntimeCall = {
      pallet: 'SubtensorModule',
      name: 'set_weights',
      args: { netuid: 1, dests: [0, 2], weights: [1, 65535], version_key: 10_002_000n },
    };
    const call: RuntimeCall = { pallet: 'Sudo', name: 'sudo', args: { call: inner } };
    const decoded = registry.createType('Call', encode(runtimeCall, call)) as unknown as {
      toHuman(): { args: { call: unknown } };
    };
    expect(decoded.toHuman().args.call).toEqual({
      section: 'subtensorModule',
      method: 'setWeights',
      args: { netuid: '1', dests: ['0', '2'], weights: ['1', '65,535'], version_key: '10,002,000' },
    });
    expect(decode(runtimeCall, encode(runtimeCall, call))).toEqual(call);
  });
});

describe('extrinsics', () => {
  const eraBytes = (era: Era): number[] => {
    const out = new Writer();
    eraCodec.encode(era, out);
    return [...out.finish()];
  };

  it('encode eras as sp_runtime generic/era.rs tests them', () => {
    expect(eraBytes({ type: 'immortal' })).toEqual([0]);
    expect(eraBytes({ type: 'mortal', period: 64, phase: 42 })).toEqual([5 + (42 % 16) * 16, 2]);
    expect(eraBytes({ type: 'mortal', period: 32768, phase: 20000 })).toEqual([14 + (2500 % 16) * 16, 156]);
    expect(eraCodec.decode(new Reader(Uint8Array.of(14 + 4 * 16, 156)))).toEqual({
      type: 'mortal',
      period: 32768,
      phase: 20000,
    });
    expect(eraBirth({ type: 'mortal', period: 4, phase: 2 }, 9)).toBe(6);
    expect(eraBirth(mortalEra(100, 64), 100)).toBe(100);
    expect(eraBirth(mortalEra(100, 64), 163)).toBe(100);
    expect(eraBirth(mortalEra(100, 64), 164)).toBe(164);
  });

  it('come back as they were sent', () => {
    const call: RuntimeCall = { pallet: 'System', name: 'remark', args: { remark: Uint8Array.of(1, 2) } };
    const callBytes = encode(runtimeCall, call);
    const extra = { era: mortalEra(100, 64), nonce: 70_000, tip: 3n, mode: 0 };
    const signature = { type: 'Sr25519', value: [new Uint8Array(64).fill(7)] } as const;
    const address = { type: 'Id', value: [ALICE] } as const;
    const sent = encodeSigned({ address, signature, callBytes, extraBytes: encodeExtra(extra) });
    expect(decodeExtrinsic(sent)).toMatchObject({ signed: true, address, signature, extra, call, callBytes });
    expect(() => decodeExtrinsic(sent.slice(0, -1))).toThrow(RangeError);
  });

  it('hash payloads beyond 256 bytes before they are signed', () => {
    const hash = new Uint8Array(32);
    const context = { specVersion: 425, transactionVersion: 1, genesisHash: hash, eraHash: hash };
    expect(signingPayload(new Uint8Array(10), new Uint8Array(4), context)).toHaveLength(10 + 4 + 8 + 64 + 1);
    expect(signingPayload(new Uint8Array(300), new Uint8Array(4), context)).toHaveLength(32);
  });
});

describe('headers', () => {
  it('hash as clients hash them', () => {
    const header = {
      parentHash: new Uint8Array(32).fill(1),
      number: 12_345,
      stateRoot: new Uint8Array(32).fill(2),
      extrinsicsRoot: new Uint8Array(32).fill(3),
    };
    const known = new TypeRegistry().createType('Header', { ...header, digest: { logs: [] } });
    expect(u8aToHex(headerHash(header))).toBe(known.hash.toHex());
    expect(u8aToHex(encodeHeader(header))).toBe(known.toHex());
  });
});
