import { describe, expect, it } from 'vitest';
import { toHex } from '../../../../src/model/bytes.js';
import {
  checkOpening,
  encodeRecord,
  leafOf,
  recordBytes,
  treeOf,
} from '../../../../src/verification/rollouts/record.js';
import type { Rollout } from '../../../../src/verification/rollouts/rollout.js';
import { BYTE_POLICY, rolloutsOf, uniform } from '../../../support/rollout-files.js';

const ROLLOUT: Rollout = { group: 0x01020304, index: 0x0506, stop: 'cap', tokens: Uint32Array.of(1, 70000) };

const openings = (count: number) => {
  const random = uniform(`tree of ${count}`);
  const token = () => Math.floor(random() * 256);
  const rollouts = rolloutsOf({ ...BYTE_POLICY, rolloutsPerGroup: 1 }, count, random, token);
  const tree = treeOf(rollouts, count);
  return {
    rollouts,
    manifest: { rollouts: count, merkleRoot: tree.root },
    opening: (place: number) => ({ place, record: encodeRecord(rollouts[place]!), path: tree.path(place) }),
  };
};

describe('the record of a rollout', () => {
  it('is group, index, stop, count and tokens, little-endian', () => {
    expect(toHex(encodeRecord(ROLLOUT))).toBe('04030201060501020000000100000070110100');
    expect(recordBytes(2)).toBe(19);
  });

  it('is hashed with its domain, so its leaf is no hash of the bare record', () => {
    expect(toHex(leafOf({ group: 0, index: 0, stop: 'eos', tokens: Uint32Array.of(256) }))).toBe(
      '3b9edb4c569be941e8ad6ccb7bce76b4766cc4a8e86d481df6c9cc4c01668ea9',
    );
  });
});

describe('the tree of rollouts', () => {
  it.each([1, 2, 3, 5, 8, 33])('opens each of %i places, and no other place with its path', (count) => {
    const { rollouts, manifest, opening } = openings(count);
    for (let place = 0; place < count; place++) {
      const good = opening(place);
      expect(checkOpening(good, manifest, 96)).toEqual({ kind: 'ok', value: rollouts[place] });
      for (const other of [place ^ 1, (place + 2) % count]) {
        if (other === place || other >= count) continue;
        expect(checkOpening({ ...good, place: other }, manifest, 96)).toEqual({
          kind: 'refused',
          reason: 'path',
        });
      }
    }
  });

  it('refuses a record with one bit changed, and a path with one', () => {
    const { manifest, opening } = openings(5);
    const good = opening(3);
    for (let at = 0; at < good.record.length; at++) {
      const record = Uint8Array.from(good.record);
      record[at]! ^= 0x80;
      expect(checkOpening({ ...good, record }, manifest, 2 ** 31).kind).toBe('refused');
    }
    for (let at = 0; at < good.path.length; at++) {
      const path = Uint8Array.from(good.path);
      path[at]! ^= 1;
      expect(checkOpening({ ...good, path }, manifest, 96)).toEqual({ kind: 'refused', reason: 'path' });
    }
  });

  it('has no rollout at the places that fill it up to a power of two', () => {
    const { manifest, opening } = openings(5);
    const empty = { place: 5, record: new Uint8Array(32), path: opening(4).path };
    expect(checkOpening(empty, manifest, 96)).toEqual({ kind: 'refused', reason: 'path-malformed' });
    expect(checkOpening(empty, { ...manifest, rollouts: 8 }, 96)).toEqual({
      kind: 'refused',
      reason: 'path-malformed',
    });
  });

  it('refuses paths and places of another size, and a node shown as a record', () => {
    const { manifest, opening } = openings(4);
    const good = opening(1);
    const malformed = { kind: 'refused', reason: 'path-malformed' };
    expect(checkOpening({ ...good, path: good.path.subarray(32) }, manifest, 96)).toEqual(malformed);
    expect(checkOpening({ ...good, place: 4 }, manifest, 96)).toEqual(malformed);
    expect(checkOpening({ ...good, place: -1 }, manifest, 96)).toEqual(malformed);
    expect(checkOpening({ ...good, place: 0.5 }, manifest, 96)).toEqual(malformed);
    const node = new Uint8Array([...leafOf(ROLLOUT), ...leafOf(ROLLOUT)]);
    expect(checkOpening({ ...good, record: node }, manifest, 96)).toEqual(malformed);
    expect(checkOpening({ ...good, record: new Uint8Array(recordBytes(97)) }, manifest, 96)).toEqual({
      kind: 'refused',
      reason: 'rollout-too-long',
    });
  });

  it('has another root when two rollouts change places', () => {
    const { rollouts, manifest } = openings(3);
    const [first, second, third] = rollouts as [Rollout, Rollout, Rollout];
    expect(toHex(treeOf([second, first, third], 3).root)).not.toBe(toHex(manifest.merkleRoot));
    expect(() => treeOf([], 0)).toThrow('expected 1..1048576, got 0');
    expect(() => treeOf(rollouts, 2)).toThrow();
  });
});
