import { describe, expect, it } from 'vitest';
import { commitHash, storageIndex } from '../../../../src/chain/codec/weight-commits.js';
import { toHex } from '../../../../src/model/bytes.js';

const ALICE = '5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY';
const row = { uids: [0, 1], values: [10, 10], salt: [1, 2, 3, 4, 5, 6, 7, 8], versionKey: 0n };

describe('a plain weight commit', () => {
  // computed apart from this code, over the preimage of 69 bytes that subtensor's get_commit_hash describes
  it('hashes hotkey, storage index, row, salt and version key', () => {
    expect(toHex(commitHash(ALICE, 1, row))).toBe(
      'd9bf9b22a51844e113d525eaadc9ae576918c6590431b199dd8534c19cebc517',
    );
  });

  it('is another for another mechanism, salt or order', () => {
    const others = [
      commitHash(ALICE, storageIndex(1, 1), row),
      commitHash(ALICE, 1, { ...row, salt: [1, 2, 3, 4, 5, 6, 7, 9] }),
      commitHash(ALICE, 1, { ...row, uids: [1, 0] }),
      commitHash(ALICE, 1, { ...row, versionKey: 1n }),
    ].map(toHex);
    expect(new Set([...others, toHex(commitHash(ALICE, 1, row))]).size).toBe(5);
  });
});

describe('a storage index', () => {
  it('is the netuid, 4096 further for each mechanism, and saturates as the chain’s', () => {
    expect([storageIndex(7), storageIndex(7, 1), storageIndex(4095, 15), storageIndex(7, 200)]).toEqual([
      7, 4103, 65_535, 65_535,
    ]);
  });
});
