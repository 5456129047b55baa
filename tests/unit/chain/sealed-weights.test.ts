import { expect, test } from 'vitest';
import { blake2b256 } from '../../../src/chain/codec/storage.js';
import {
  createLocalBeacon,
  decodeWeightsPayload,
  openTimelocked,
} from '../../../src/chain/codec/timelock.js';
import { sealRow } from '../../../src/chain/sealed-weights.js';
import { devKeypair, readyKeys } from '../../../src/keys/index.js';
import { createSeededRandom } from '../../../src/model/prng.js';

await readyKeys();
const { publicKey, sign } = createLocalBeacon('sealed-weights');
const { address, publicKey: hotkey } = devKeypair('sealer');
const asked = {
  row: [
    [1, 65_535],
    [4, 0],
  ] as const,
  versionKey: 9n,
  // next epoch 700, one of 360 blocks in between, three blocks after its boundary: block 1063, 463 blocks from now
  subnet: { block: 600, tempo: 360, revealPeriodEpochs: 2, nextEpochBlock: 700 },
  beacon: {
    publicKey,
    periodSeconds: 3,
    genesisSeconds: 1_000_000,
    lastStoredRound: 0,
    blockTimestampMs: 1_000_300_000,
  },
  blockTimeMs: 12_000,
  hotkey: address,
};

test('a row is sealed for the round of its epoch, counted from the chain’s time, and that round opens it', () => {
  const sealed = sealRow({ ...asked, random: createSeededRandom('seal') });
  // 300 s and 463 blocks of 12 s after the first round: 5856 s of 3
  expect(sealed).toMatchObject({ revealBlock: 1063, revealRound: 1952 });
  expect(sealed.hash).toEqual(blake2b256(sealed.bytes));
  const opened = decodeWeightsPayload(openTimelocked(sealed.bytes, sign(sealed.revealRound)));
  expect(opened).toEqual({ hotkey, uids: [1, 4], values: [65_535, 0], versionKey: 9n });
});

test('without epochs it is sealed for a round of soon', () => {
  const subnet = { ...asked.subnet, nextEpochBlock: undefined, tempo: 0 };
  expect(sealRow({ ...asked, subnet, random: createSeededRandom('seal') })).toMatchObject({
    revealBlock: 603,
    revealRound: 112,
  });
});
