import { describe, expect, it } from 'vitest';
import type { SignedExtrinsic } from '../../../src/chain/codec/extrinsic.js';
import { type Pending, Pool } from '../../../src/localnet/pool.js';

const told: string[] = [];
const pending = (who: string, nonce: number, options: Partial<Pending> = {}): Pending => ({
  bytes: new Uint8Array(),
  hash: `${who}${nonce}`,
  extrinsic: {} as SignedExtrinsic, // the pool never looks inside
  who,
  nonce,
  arrived: 0,
  death: Number.POSITIVE_INFINITY,
  notify: ({ type }) => void told.push(`${who}${nonce} ${type}`),
  ...options,
});
const names = (taken: readonly Pending[]): string[] => taken.map(({ hash }) => hash);
const zero = (): number => 0;

describe('the pool', () => {
  it('carries a sender in nonce order and senders in order of arrival', () => {
    const pool = new Pool(10);
    for (const entry of [pending('a', 1), pending('b', 0), pending('a', 0)]) pool.add(entry);
    expect(names(pool.take(1, zero, 10))).toEqual(['b0', 'a0', 'a1']);
    expect(pool.size).toBe(0);
  });

  it('keeps what waits for a nonce, and says which comes next', () => {
    const pool = new Pool(10);
    const late = pending('a', 2);
    pool.add(pending('a', 0));
    pool.add(late);
    expect(pool.isReady(late, 0)).toBe(false);
    expect(pool.nextNonce('a', 0)).toBe(1);
    expect(names(pool.take(1, zero, 10))).toEqual(['a0']);
    pool.add(pending('a', 1));
    expect(pool.isReady(late, 1)).toBe(true);
    expect(names(pool.take(2, () => 1, 10))).toEqual(['a1', 'a2']);
  });

  it('refuses doubles, rivals and a flood', () => {
    const pool = new Pool(2);
    expect(pool.add(pending('a', 0))).toBeUndefined();
    expect(pool.add(pending('a', 0))).toBe('already-imported');
    expect(pool.add(pending('a', 0, { hash: 'other' }))).toBe('priority');
    expect(pool.add(pending('a', 1))).toBeUndefined();
    expect(pool.add(pending('b', 0))).toBe('full');
  });

  it('leaves over what a block has no room for', () => {
    const pool = new Pool(10);
    for (let nonce = 0; nonce < 3; nonce++) pool.add(pending('a', nonce));
    expect(names(pool.take(1, zero, 2))).toEqual(['a0', 'a1']);
    expect(names(pool.take(2, () => 2, 2))).toEqual(['a2']);
  });

  it('has a bound in bytes, which what leaves it gives back', () => {
    const pool = new Pool(10, 100);
    const of = (who: string, nonce: number, length: number): Pending =>
      pending(who, nonce, { bytes: new Uint8Array(length) });
    expect(pool.add(of('a', 0, 60))).toBeUndefined();
    expect(pool.add(of('b', 0, 41))).toBe('full');
    const [carried] = pool.take(1, zero, 10);
    expect(pool.add(of('b', 0, 100))).toBeUndefined();
    // what a block gives back comes whatever the limit
    pool.takeBack([carried!]);
    pool.invalidate(({ who }) => who === 'b');
    expect(pool.add(of('c', 0, 41))).toBe('full');
    expect(pool.add(of('c', 0, 40))).toBeUndefined();
  });

  it('leaves over what a block has no bytes for, with what its sender sent later', () => {
    const pool = new Pool(10);
    for (const [who, nonce, length] of [
      ['a', 0, 50],
      ['b', 0, 60],
      ['b', 1, 10],
      ['c', 0, 50],
    ] as const)
      pool.add(pending(who, nonce, { bytes: new Uint8Array(length) }));
    expect(names(pool.take(1, zero, 10, 100))).toEqual(['a0', 'c0']);
    expect(names(pool.take(2, zero, 10, 100))).toEqual(['b0', 'b1']);
  });

  it('drops what is too old or outrun, and tells its sender', () => {
    told.length = 0;
    const pool = new Pool(10);
    pool.add(pending('a', 0, { death: 5 }));
    pool.add(pending('b', 0));
    expect(names(pool.take(5, (who) => (who === 'b' ? 1 : 0), 10))).toEqual([]);
    expect(told).toEqual(['a0 invalid', 'b0 invalid']);
    expect(pool.size).toBe(0);
  });
});
