import { describe, expect, test } from 'vitest';
import { concat, equals, toHex } from '../../../src/model/bytes.js';
import { sha256 } from '../../../src/model/hash.js';
import { climb, createMerkleTree, HASH_BYTES, hashInto, pathLength } from '../../../src/model/merkle.js';
import { createSeededRandom } from '../../../src/model/prng.js';

const leaves = (count: number): Uint8Array => createSeededRandom(`leaves-${count}`).bytes(count * HASH_BYTES);
const tag = 4;

describe('a hash written in place', () => {
  test('is SHA-256', () => {
    const out = new Uint8Array(40);
    const data = createSeededRandom('data').bytes(200);
    hashInto(data, out, 5);
    expect(toHex(out.subarray(5, 37))).toBe(toHex(sha256(data)));
    expect([...out.subarray(0, 5), ...out.subarray(37)]).toEqual(new Array(8).fill(0));
  });
});

describe('a Merkle tree', () => {
  test('has these roots', () => {
    expect(toHex(createMerkleTree(new Uint8Array(0), tag).root)).toBe('00'.repeat(32));
    const one = leaves(1);
    expect(toHex(createMerkleTree(one, tag).root)).toBe(toHex(one));
    const [a, b, c] = [0, 1, 2].map((i) => leaves(3).subarray(i * 32, (i + 1) * 32));
    const node = (left: Uint8Array, right: Uint8Array): Uint8Array => sha256(Uint8Array.of(tag), left, right);
    const expected = node(node(a, b), node(c, new Uint8Array(32)));
    expect(toHex(createMerkleTree(leaves(3), tag).root)).toBe(toHex(expected));
  });

  test.each([1, 2, 3, 5, 8, 48, 64])(
    'of %i leaves leads every leaf to its root, and no other place does',
    (count) => {
      const tree = createMerkleTree(leaves(count), tag);
      const path = new Uint8Array(pathLength(count) * HASH_BYTES);
      for (let i = 0; i < count; i++) {
        expect(tree.path(i, path, 0)).toBe(path.length);
        const top = tree.leaf(i).slice();
        climb(top, i, path, tag);
        expect(equals(top, tree.root)).toBe(true);
        for (let other = 0; other < 2 ** pathLength(count); other++) {
          if (other === i) continue;
          const elsewhere = tree.leaf(i).slice();
          climb(elsewhere, other, path, tag);
          expect(equals(elsewhere, tree.root)).toBe(false);
        }
      }
    },
  );

  test('keeps trees with different tags apart', () => {
    expect(equals(createMerkleTree(leaves(4), 4).root, createMerkleTree(leaves(4), 5).root)).toBe(false);
  });

  test('refuses leaves that are not whole hashes', () => {
    expect(() => createMerkleTree(concat(leaves(2), Uint8Array.of(1)), tag)).toThrow(RangeError);
  });
});
