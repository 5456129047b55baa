// Vectors: an independent implementation of the layout (TypeScript on noble curves, checked against the wasm build of
// ideal-lab5/timelock), key and randomness fixed; the signature of round 1000 is quicknet's, from subtensor's own tests.
import { describe, expect, it } from 'vitest';
import {
  createLocalBeacon,
  decodeWeightsPayload,
  encodeWeightsPayload,
  MAX_COMMIT_BYTES,
  openTimelocked,
  parseTimelocked,
  QUICKNET,
  revealTarget,
  roundAt,
  roundForBlock,
  SEAL_BYTES,
  sealTimelocked,
  verifyRound,
} from '../../../../src/chain/codec/timelock.js';
import { fromHex, toHex } from '../../../../src/model/bytes.js';
import { isAssayError } from '../../../../src/model/errors.js';
import { createSeededRandom, type Random } from '../../../../src/model/prng.js';
import fc from '../../../support/properties.js';

const ALICE = fromHex('d43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d');
const SIGNATURE_1000 = fromHex(
  'b44679b9a59af2ec876b1a6b1ad52ea9b1615fc3982b19576350f93447cb1125e342b73a8dd2bacbe47e4b6b63ed5e39',
);
const PAYLOAD = fromHex(
  '80d43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d0800000100080a0014000000000000000000',
);
const SEALED = fromHex(
  '91b2ca169580456c926b43e4b300540c9884fdebff039112bb79e088a682bafdbc13d798e7442e77e432974cfe3e760b' +
    '050d92a3ac1ac8bd44167fef7d8213923422acf33a9be37b73381ab89faf105bd28c5259bbfa9f58ac33e06bffeaa1da' +
    '200000000000000017315896aa10f2bb0a6a2dfbcf462f76e64ca04e3c707c9b718aaa181817c593' +
    '2000000000000000a2d6a2ba4a44414a8e47816077bfcd2ea3bd56203ba869a529be585b53cdb246' +
    '5f000000000000004300000000000000' +
    '4529cebad0ea84a2c1c4502a3f83e02ad6493fdd667403f21bce491e874a8bcfb75b547dbc9d196c6e208987f304abef' +
    '5ccaa74d1be475a6ba96669412f4d65f266dd4' +
    '0c00000000000000030303030303030303030303' +
    '08000000000000004145535f47434d5f',
);
const ROW = { hotkey: ALICE, uids: [0, 1], values: [10, 20], versionKey: 0n };

/** The vector's: key 02.., the seed of sigma 01.., nonce 03.. */
function fixedRandom(): Random {
  const fills = [2, 1, 3];
  return { ...createSeededRandom('unused'), bytes: (length) => new Uint8Array(length).fill(fills.shift()!) };
}

const refusalOf = (run: () => unknown): string => {
  try {
    run();
  } catch (error) {
    if (isAssayError(error, 'invalid-input') || isAssayError(error, 'limit-exceeded')) return error.message;
    throw error;
  }
  throw new Error('nothing was refused');
};

describe('time-lock encryption', () => {
  it('makes the bytes of the vector, and opens them with the round’s signature', () => {
    expect(toHex(encodeWeightsPayload(ROW))).toBe(toHex(PAYLOAD));
    expect(toHex(sealTimelocked(PAYLOAD, 1000, QUICKNET.publicKey, fixedRandom()))).toBe(toHex(SEALED));
    expect(SEALED.length).toBe(PAYLOAD.length + SEAL_BYTES);
    expect(toHex(openTimelocked(SEALED, SIGNATURE_1000))).toBe(toHex(PAYLOAD));
    expect(decodeWeightsPayload(PAYLOAD)).toEqual(ROW);
  });

  it('knows a round’s signature from any other bytes', () => {
    expect(verifyRound(1000, SIGNATURE_1000, QUICKNET.publicKey)).toBe(true);
    expect(verifyRound(1001, SIGNATURE_1000, QUICKNET.publicKey)).toBe(false);
    expect(verifyRound(1000, SIGNATURE_1000, createLocalBeacon('other').publicKey)).toBe(false);
    expect(
      verifyRound(
        1000,
        SIGNATURE_1000.map((byte) => byte ^ 1),
        QUICKNET.publicKey,
      ),
    ).toBe(false);
    expect(verifyRound(1000, new Uint8Array(48), QUICKNET.publicKey)).toBe(false);
    expect(verifyRound(1000, SIGNATURE_1000.subarray(1), QUICKNET.publicKey)).toBe(false);
    expect(verifyRound(1000, SIGNATURE_1000, SIGNATURE_1000)).toBe(false);
  });

  it('opens with the round’s signature of the right beacon alone, whatever was sealed', () => {
    const beacon = createLocalBeacon('assay');
    const other = createLocalBeacon('other');
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 600 }),
        fc.integer({ min: 1, max: 2 ** 40 }),
        fc.string(),
        (secret, round, seed) => {
          const sealed = sealTimelocked(secret, round, beacon.publicKey, createSeededRandom(seed));
          expect(toHex(openTimelocked(sealed, beacon.sign(round)))).toBe(toHex(secret));
          expect(refusalOf(() => openTimelocked(sealed, beacon.sign(round + 1)))).toMatch(
            /locked to another/,
          );
          expect(refusalOf(() => openTimelocked(sealed, other.sign(round)))).toMatch(/locked to another/);
        },
      ),
      { numRuns: 5 },
    );
  });

  it('signs rounds that its own public key verifies', () => {
    const beacon = createLocalBeacon('assay');
    expect(verifyRound(7, beacon.sign(7), beacon.publicKey)).toBe(true);
    expect(verifyRound(8, beacon.sign(7), beacon.publicKey)).toBe(false);
    expect(() => beacon.sign(0)).toThrow('round: expected an integer of at least 1, got 0');
  });

  it('takes as much as the chain does and no more', () => {
    const most = new Uint8Array(MAX_COMMIT_BYTES - SEAL_BYTES);
    const random = createSeededRandom('most');
    expect(sealTimelocked(most, 1, QUICKNET.publicKey, random).length).toBe(5000);
    const more = new Uint8Array(most.length + 1);
    expect(refusalOf(() => sealTimelocked(more, 1, QUICKNET.publicKey, random))).toBe(
      'time-locked payload: 4757 bytes of 4756',
    );
    expect(refusalOf(() => parseTimelocked(new Uint8Array(5001)))).toBe(
      'time-locked bytes: expected at most 5000 bytes, got 5001',
    );
  });

  it('refuses a public key that is no point of its group', () => {
    const random = createSeededRandom('key');
    for (const key of [new Uint8Array(96), QUICKNET.publicKey.subarray(1), SIGNATURE_1000])
      expect(refusalOf(() => sealTimelocked(PAYLOAD, 1, key, random))).toMatch(/^beacon public key/);
  });

  it('refuses the point at infinity, which has an encoding and lies in its group', () => {
    const infinity = new Uint8Array(96);
    infinity[0] = 0xc0;
    expect(() => sealTimelocked(PAYLOAD, 1000, infinity, createSeededRandom('key'))).toThrow(
      'beacon public key: expected a compressed point of its group, got the point at infinity',
    );
    const sealed = SEALED.slice();
    sealed.set(infinity);
    expect(() => openTimelocked(sealed, SIGNATURE_1000)).toThrow(
      expect.objectContaining({ code: 'invalid-input' }),
    );
    expect(() => openTimelocked(SEALED, infinity.subarray(0, 48))).toThrow(
      expect.objectContaining({ code: 'invalid-input' }),
    );
  });

  it('refuses what was cut off or changed, in any part', () => {
    for (let length = 0; length < SEALED.length; length += 7)
      expect(refusalOf(() => parseTimelocked(SEALED.subarray(0, length)))).toMatch(/^time-locked bytes/);
    const at = (index: number): Uint8Array => SEALED.map((byte, i) => (i === index ? byte ^ 1 : byte));
    // one byte of each part: U, V's length and V, W, the body's length, its ciphertext, tag and nonce, the suite
    for (const index of [5, 96, 110, 136, 150, 176, 200, 256, 275, SEALED.length - 1])
      expect(refusalOf(() => openTimelocked(at(index), SIGNATURE_1000))).toMatch(/^time-locked bytes/);
    expect(refusalOf(() => openTimelocked(SEALED, new Uint8Array(48)))).toMatch(/^signature of a round/);
  });

  it('never throws anything but a refusal on foreign bytes', () => {
    const head = SEALED.subarray(0, 96);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (tail) => {
        refusalOf(() => openTimelocked(Uint8Array.from([...head, ...tail]), SIGNATURE_1000));
      }),
      { numRuns: 50 },
    );
  });

  it('ignores bytes after the last part, as the chain does', () => {
    const longer = Uint8Array.from([...SEALED, 1, 2, 3]);
    expect(toHex(openTimelocked(longer, SIGNATURE_1000))).toBe(toHex(PAYLOAD));
  });
});

describe('a time-locked row', () => {
  it('comes back as it went in', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 32, maxLength: 32 }),
        fc.array(fc.integer({ min: 0, max: 65_535 })),
        fc.array(fc.integer({ min: 0, max: 65_535 })),
        fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
        (hotkey, uids, values, versionKey) => {
          const row = { hotkey, uids, values, versionKey };
          expect(decodeWeightsPayload(encodeWeightsPayload(row))).toEqual(row);
        },
      ),
    );
  });

  it('is read in the older form, which names no hotkey', () => {
    // uids [3], values [7], version key 1
    const legacy = fromHex('040300040700' + '0100000000000000');
    expect(decodeWeightsPayload(legacy)).toEqual({
      hotkey: undefined,
      uids: [3],
      values: [7],
      versionKey: 1n,
    });
  });

  it('is refused when it is neither', () => {
    expect(refusalOf(() => decodeWeightsPayload(fromHex('ffff')))).toMatch(/^time-locked payload/);
  });
});

describe('rounds', () => {
  it('are numbered from 1 at the beacon’s genesis', () => {
    const at = (seconds: number) => roundAt(QUICKNET, seconds * 1000);
    expect([at(1_692_803_366), at(1_692_803_367), at(1_692_803_369), at(1_692_803_370)]).toEqual([
      0, 1, 1, 2,
    ]);
  });

  it('for a block are those before the one current at it, by the real block time', () => {
    const now = { unixMs: 1_692_803_367_000 + 3_000_000, block: 500, blockTimeMs: 12_000 };
    // 1000 periods have passed; 10 blocks of 12 s are 40 more
    expect(roundForBlock(QUICKNET, now, 510)).toBe(1040);
    expect(roundAt(QUICKNET, now.unixMs + 120_000)).toBe(1041);
    expect(roundForBlock(QUICKNET, { ...now, blockTimeMs: 250 }, 510)).toBe(1000);
    // a target that has passed is now
    expect(roundForBlock(QUICKNET, now, 400)).toBe(1000);
    expect(roundForBlock(QUICKNET, { ...now, unixMs: 0 }, 510)).toBe(1);
  });

  it('aim three blocks behind the epoch that applies the commit', () => {
    expect(revealTarget({ nextEpochBlock: 720, tempo: 360, revealPeriodEpochs: 1 })).toBe(723);
    expect(revealTarget({ nextEpochBlock: 720, tempo: 360, revealPeriodEpochs: 3 })).toBe(1443);
  });
});
