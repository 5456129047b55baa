import { TypeRegistry } from '@polkadot/types';
import { describe, expect, it } from 'vitest';
import type { Connection } from '../../../src/chain/subtensor/connection.js';
import { consensusStakeRao, readTotalStakes } from '../../../src/chain/subtensor/consensus-stake.js';
import type { Runtime } from '../../../src/chain/subtensor/runtime.js';
import { toNetuid } from '../../../src/model/ids.js';

describe('consensusStakeRao', () => {
  const parts = { alphaRao: 5n, rootAlphaRao: 1_000_000_000n, childCount: 0, parentCount: 0 };
  it('rounds the weight to 32 binary places and the product down, as subtensor does', () => {
    // half of 2^64 - 1 rounded down: 2147483647 / 2^32
    expect(consensusStakeRao({ ...parts, taoWeight: (1n << 63n) - 1n })).toBe(5n + 499_999_999n);
    expect(consensusStakeRao({ ...parts, taoWeight: (1n << 64n) - 1n })).toBe(5n + 1_000_000_000n);
    expect(consensusStakeRao({ ...parts, taoWeight: 0n })).toBe(5n);
  });

  it('is not known where child keys move stake, or where a part is not told', () => {
    const taoWeight = 1n << 60n;
    expect(consensusStakeRao({ ...parts, taoWeight, childCount: 1 })).toBeUndefined();
    expect(consensusStakeRao({ ...parts, taoWeight, parentCount: 1 })).toBeUndefined();
    expect(consensusStakeRao({ ...parts, taoWeight, rootAlphaRao: undefined })).toBeUndefined();
    expect(consensusStakeRao({ ...parts, taoWeight: undefined })).toBeUndefined();
  });
});

describe('readTotalStakes', () => {
  const name = 'SubnetInfoRuntimeApi_get_subnet_state';
  const registry = new TypeRegistry();
  const apis = new Map([[name, { inputs: ['u16'], output: 'Bytes', isOpaque: true }]]);
  const runtime = { registry, apis } as unknown as Runtime;
  const answering = (hex: string) => ({ request: async () => hex }) as unknown as Connection;
  /**
   * What a real runtime of spec 218 answered (scripts/specs/raonet.json under Chopsticks 1.1.0) for a subnet with two
   * neurons, of which the first has 123743085025 alpha and 13339549332 on root: Vec<u8>, in it Option<SubnetState>.
   */
  const ANSWER =
    '01' +
    '0808b220508024ce70b0dd91910806fbda4614701cb762f669276fe978636c4ff80ca4a3b56b4541b608a5808b1f5ae0a423259d2bb80ceae4922a1e15f77b60561708d43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27dd43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d08010108010108feff030000085d025808c621f6d8000800000800000800000800000800000854580807e1a1a9cf1c000807945e191b030008077fccc75e1d000c080000080000080000';
  const vec = (hex: string) =>
    `0x${Buffer.from(registry.createType('Bytes', `0x${hex}`).toU8a()).toString('hex')}`;
  const read = (hex: string) => readTotalStakes(answering(vec(hex)), runtime, toNetuid(2), '0x00');

  it('understands the bytes that runtimes gave before their metadata described them', async () => {
    expect(await read(ANSWER)).toEqual([126_144_203_903n, 0n]);
  });

  it('takes another form for no answer, not for another number', async () => {
    expect(await read(ANSWER.slice(0, -2))).toBeUndefined();
    expect(await read(`${ANSWER}00`)).toBeUndefined();
    expect(await read('00')).toBeUndefined();
    expect(await read('')).toBeUndefined();
  });

  it('asks nothing of a runtime without the function', async () => {
    const silent = { request: () => Promise.reject(new Error('asked')) } as unknown as Connection;
    const without = { registry, apis: new Map() } as unknown as Runtime;
    expect(await readTotalStakes(silent, without, toNetuid(2), '0x00')).toBeUndefined();
  });
});
