import { expect, test } from 'vitest';
import { Pool } from '../../../src/protocol/pool.js';
import fc from '../../support/properties.js';

function filled(total: number, each: number, owners: string): Pool<string> {
  const pool = new Pool<string>(total, each);
  for (const [n, owner] of [...owners].entries()) pool.add(owner, `${owner}${n}`);
  return pool;
}

test('nobody goes while there is room', () => {
  expect(filled(4, 2, 'aab').victim('b')).toBeUndefined();
  expect(filled(4, 2, 'aab').victim('c')).toBeUndefined();
});

test('who has its share gives up its own oldest', () => {
  expect(filled(9, 2, 'baa').victim('a')).toBe('a1');
});

test('when all is full, the oldest of whoever holds most goes', () => {
  expect(filled(4, 3, 'baaa').victim('c')).toBe('a1');
  expect(filled(4, 3, 'baaa').victim('b')).toBe('a1');
});

test('among equals, one who comes again gives up its own, and for a newcomer the longest there goes', () => {
  expect(filled(4, 3, 'abab').victim('b')).toBe('b1');
  expect(filled(4, 3, 'abab').victim('c')).toBe('a0');
});

test('what left is not counted, and leaving twice changes nothing', () => {
  const pool = filled(3, 3, 'aab');
  pool.delete('a', 'a0');
  pool.delete('a', 'a0');
  pool.delete('c', 'c9');
  pool.add('b', 'b2');
  expect([pool.size, pool.of('a'), pool.of('b'), pool.of('c'), [...pool]]).toEqual([
    2,
    1,
    1,
    0,
    ['a1', 'b2'],
  ]);
  expect(pool.victim('c')).toBeUndefined();
});

test('a flood from a few never pushes out one who holds less than they', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom('a', 'b', 'c'), { maxLength: 200 }), (flood) => {
      const pool = new Pool<object>(8, 5);
      const honest = {};
      pool.add('honest', honest);
      const owners = new Map<object, string>();
      for (const owner of flood) {
        const victim = pool.victim(owner);
        expect(victim).not.toBe(honest);
        if (victim) pool.delete(owners.get(victim)!, victim);
        const item = {};
        owners.set(item, owner);
        pool.add(owner, item);
        expect(pool.size).toBeLessThanOrEqual(8);
        expect(pool.of(owner)).toBeLessThanOrEqual(5);
      }
    }),
  );
});
